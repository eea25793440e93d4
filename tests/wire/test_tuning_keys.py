"""Tuning jobs and keys of little trust: scopes, limits on objects, and environments that only the creator sees."""

from typing import Any

import pytest
from low_trust_keys import ROLE, KeyHolder, channel, holder_of, refusal

from naiad.service.domain.job import JobKind

SECRET = {"TOKEN": "classified"}
NAME = {"HyperParameterTuningJobName": "tune"}


def tuning_request(**changed: Any) -> dict[str, Any]:
    definition = {
        "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://data/team/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Environment": SECRET,
        **changed,
    }
    return {
        **NAME,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "plan.learning_rate", "MinValue": "0.01", "MaxValue": "1"}]
            },
        },
        "TrainingJobDefinition": definition,
    }


def environments(client: Any) -> list[Any]:
    described = client.describe_hyper_parameter_tuning_job(**NAME)
    [found] = client.search(Resource="HyperParameterTuningJob")["Results"]
    return [one["TrainingJobDefinition"]["Environment"] for one in (described, found["HyperParameterTuningJob"])]


def test_only_the_creator_and_admins_see_the_environment(live: Any) -> None:
    creator, other = (holder_of(live, name, "read", "jobs") for name in ("creator", "other"))
    creator.client("sagemaker").create_hyper_parameter_tuning_job(**tuning_request())
    assert environments(creator.client("sagemaker")) == [SECRET] * 2
    assert environments(live.client("sagemaker")) == [SECRET] * 2
    assert environments(other.client("sagemaker")) == [{"TOKEN": "(hidden)"}] * 2
    filtered = {
        "Filters": [{"Name": "TrainingJobDefinition.Environment.TOKEN", "Operator": "Equals", "Value": "classified"}]
    }
    request = {"Resource": "HyperParameterTuningJob", "SearchExpression": filtered}
    assert len(creator.client("sagemaker").search(**request)["Results"]) == 1
    assert other.client("sagemaker").search(**request)["Results"] == []


def test_a_key_with_limits_tunes_within_them(live: Any) -> None:
    live.services.blobs.put("data", "team/rows", [b"x"])
    live.services.blobs.put("data", "else/rows", [b"x"])
    holder = holder_of(live, "team", "jobs", "read", on=("s3://data/team/",))
    client = holder.client("sagemaker")
    beyond = tuning_request(InputDataConfig=channel("s3://data/else/rows"))
    assert refusal(client.create_hyper_parameter_tuning_job, **beyond)[0] == "AccessDeniedException"
    client.create_hyper_parameter_tuning_job(**tuning_request(InputDataConfig=channel("s3://data/team/rows")))
    tuning = live.services.tunings.describe("tune")
    assert tuning.detail.creator is not None
    assert list(map(str, tuning.detail.creator.limits)) == ["s3://data/team/"]


@pytest.mark.parametrize(
    ("scope", "allowed", "denied"),
    [
        (
            "read",
            (
                ("describe_hyper_parameter_tuning_job", NAME),
                ("list_hyper_parameter_tuning_jobs", {}),
                ("list_training_jobs_for_hyper_parameter_tuning_job", NAME),
            ),
            (("create_hyper_parameter_tuning_job", tuning_request()), ("stop_hyper_parameter_tuning_job", NAME)),
        ),
        (
            "jobs",
            (("stop_hyper_parameter_tuning_job", NAME),),
            (("describe_hyper_parameter_tuning_job", NAME), ("list_hyper_parameter_tuning_jobs", {})),
        ),
    ],
)
def test_scopes(live: Any, scope: str, allowed: tuple[Any, ...], denied: tuple[Any, ...]) -> None:
    live.client("sagemaker").create_hyper_parameter_tuning_job(**tuning_request())
    client = holder_of(live, "ci", scope).client("sagemaker")
    for operation, request in allowed:
        getattr(client, operation)(**request)
    for operation, request in denied:
        assert refusal(getattr(client, operation), **request)[0] == "AccessDeniedException"


def test_errors_have_the_codes_of_aws(live: Any) -> None:
    client = live.client("sagemaker")
    assert refusal(client.describe_hyper_parameter_tuning_job, **NAME)[0] == "ResourceNotFound"
    client.create_hyper_parameter_tuning_job(**tuning_request())
    assert refusal(client.create_hyper_parameter_tuning_job, **tuning_request())[0] == "ResourceInUse"
    assert refusal(client.delete_hyper_parameter_tuning_job, **NAME)[0] == "ResourceInUse"
    wrong = {
        **tuning_request(StaticHyperParameters={"plan.learning_rate": "1"}),
        "HyperParameterTuningJobName": "other",
    }
    code, status, message = refusal(client.create_hyper_parameter_tuning_job, **wrong)
    assert (code, status) == ("ValidationException", 400)
    assert "'plan.learning_rate' is in StaticHyperParameters and has a range" in message


def test_the_program_of_a_trial_may_not_touch_its_tuning_job(live: Any) -> None:
    request = tuning_request()
    live.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    live.client("sagemaker").create_training_job(TrainingJobName="job", **request["TrainingJobDefinition"])
    job = live.services.jobs.describe(JobKind.TRAINING, "job")
    client = KeyHolder(live, job).client("sagemaker")
    assert refusal(client.stop_hyper_parameter_tuning_job, **NAME)[0] == "AccessDeniedException"
