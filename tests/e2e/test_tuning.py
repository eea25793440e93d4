"""Tuning jobs on a live server with boto3: a user's script, Naiad's trainer, several definitions, warm start, a killed server."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tuning_runs import LOSS, RATES, describe, log_lines, script_definition, trials, tuning_request, wait_for_end

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_users_script_is_tuned(shared_server: Any, strategy: str) -> None:
    server, name = shared_server, f"script-{strategy.lower()}"
    server.client("sagemaker").create_hyper_parameter_tuning_job(**tuning_request(name, jobs=6, Strategy=strategy))
    job = wait_for_end(server, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    found = trials(server, name)
    assert [one["TrainingJobName"][: len(name) + 4] for one in found] == [
        f"{name}-{number:03d}" for number in range(1, 7)
    ]
    assert all(re.fullmatch(rf"{name}-\d{{3}}-[0-9a-f]{{8}}", one["TrainingJobName"]) for one in found)
    values = {one["TrainingJobName"]: float(one["TunedHyperParameters"]["lr"]) for one in found}
    best = job["BestTrainingJob"]
    assert values[best["TrainingJobName"]] == min(values.values())
    objective = best["FinalHyperParameterTuningJobObjectiveMetric"]
    assert objective == {**LOSS, "Value": pytest.approx(min(values.values()) / 2)}
    trained = server.client("sagemaker").describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert trained["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    key = trained["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://naiad/")
    assert server.client("s3").head_object(Bucket="naiad", Key=key)["ContentLength"] > 0
    tags = server.client("sagemaker").list_tags(ResourceArn=trained["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "naiad:cores", "Value": "1"}]
    server.client("sagemaker").get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=best["TrainingJobName"]
    )


def test_a_grid_runs_each_combination(shared_server: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "lr", "Values": ["0.5", "1", "2"]}]}
    request = tuning_request("grid", jobs=50, parallel=3, Strategy="Grid", ParameterRanges=ranges)
    shared_server.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    job = wait_for_end(shared_server, "grid")
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"lr": "0.5"}


def test_two_definitions_and_failing_trials(shared_server: Any) -> None:
    high = {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "6", "MaxValue": "9"}]}
    both = [
        script_definition(DefinitionName=name, TuningObjective=LOSS, HyperParameterRanges=ranges)
        for name, ranges in (("low", RATES), ("high", high))
    ]
    request = tuning_request("both", jobs=4, parallel=2)
    del request["TrainingJobDefinition"]
    for key in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        del request["HyperParameterTuningJobConfig"][key]
    shared_server.client("sagemaker").create_hyper_parameter_tuning_job(**request, TrainingJobDefinitions=both)
    job = wait_for_end(shared_server, "both")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 2
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "low"
    assert "ValueError: lr is too large" in next(
        one["FailureReason"] for one in trials(shared_server, "both") if one["TrainingJobStatus"] == "Failed"
    )


def test_a_warm_start_knows_what_its_parent_has_found(shared_server: Any) -> None:
    client = shared_server.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**tuning_request("parent", jobs=5, Strategy="Bayesian"))
    parent = wait_for_end(shared_server, "parent")
    parents = [{"HyperParameterTuningJobName": "parent"}]
    warm = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "IdenticalDataAndAlgorithm"}
    request = tuning_request("child", jobs=4, parallel=1, Strategy="Bayesian")
    client.create_hyper_parameter_tuning_job(**request, WarmStartConfig=warm)
    client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="parent")
    child = wait_for_end(shared_server, "child")
    values = [job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in (parent, child)]
    overall = child["OverallBestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert overall == min(values)
    assert values[1] <= values[0]  # the search goes on where the parent was


def test_a_stop_ends_what_runs(shared_server: Any) -> None:
    definition = script_definition(StaticHyperParameters={"ticks": "400"})
    client = shared_server.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**tuning_request("long", jobs=9, definition=definition))
    while describe(shared_server, "long")["TrainingJobStatusCounters"]["InProgress"] < 2:
        time.sleep(0.1)
    client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="long")
    job = wait_for_end(shared_server, "long")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["InProgress"] == 0
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2


def photos_definition(server: Any, photos: Path, **static: str) -> dict[str, Any]:
    for path in photos.rglob("*.png"):
        server.client("s3").upload_file(str(path), "naiad", f"photos/{path.relative_to(photos)}")
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://naiad/photos/", "S3DataDistributionType": "FullyReplicated"}
    return {
        **script_definition(),
        "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "StaticHyperParameters": {"net": "mlp", "report": "false", "plan.measure_fraction": "0", **static},
    }


def test_trials_of_the_trainer_pause_and_no_epoch_is_trained_twice(server: Any, photos: Path) -> None:
    definition = photos_definition(server, photos, epochs="9")
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": "plan.learning_rate", "MinValue": "0.0001", "MaxValue": "0.3", "ScalingType": "Logarithmic"}
        ]
    }
    objective = {"Type": "Minimize", "MetricName": "validation:loss"}
    request = tuning_request(
        "halved",
        jobs=6,
        definition=definition,
        Strategy="Hyperband",
        ParameterRanges=ranges,
        HyperParameterTuningJobObjective=objective,
    )
    server.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    job = wait_for_end(server, "halved", within_s=400)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    found = trials(server, "halved")
    assert {one["TrainingJobStatus"] for one in found} == {"Completed", "Stopped"}
    assert job["BestTrainingJob"]["TrainingJobStatus"] == "Completed"
    epochs = {}
    for one in found:
        lines = [line for line in log_lines(server, one["TrainingJobName"]) if re.match(r"epoch +\d", line)]
        epochs[one["TrainingJobName"]] = [int(re.findall(r"\d+", line)[0]) for line in lines]
    assert all(len(numbers) == len(set(numbers)) for numbers in epochs.values()), epochs
    assert sum(map(len, epochs.values())) < 6 * 9
    assert max(map(len, epochs.values())) == 9
    resumed = server.client("sagemaker").describe_training_job(
        TrainingJobName=job["BestTrainingJob"]["TrainingJobName"]
    )
    phases = [step["Status"] for step in resumed["SecondaryStatusTransitions"]]
    assert phases.count("Interrupted") >= 1
    assert phases.count("Starting") == phases.count("Interrupted") + 1
    left = server.client("s3").list_objects_v2(Bucket="naiad", Prefix="out/").get("Contents", [])
    assert not [one["Key"] for one in left if "/checkpoints/" in one["Key"]]


def test_a_killed_server_loses_no_trial_and_makes_none_twice(server: Any) -> None:
    definition = script_definition(StaticHyperParameters={"ticks": "2"})
    request = tuning_request("killed", jobs=8, parallel=2, definition=definition)
    server.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    for pause_s in (0.3, 1.0, 1.7, 0.5, 2.2):
        time.sleep(pause_s)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server.start()
    job = wait_for_end(server, "killed")
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    found = trials(server, "killed")
    assert len(found) == 8
    assert {one["TrainingJobStatus"] for one in found} == {"Completed"}
    jobs = server.client("sagemaker").list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    assert sorted(one["TrainingJobName"] for one in jobs) == sorted(one["TrainingJobName"] for one in found)
    assert len({one["TunedHyperParameters"]["lr"] for one in found}) == 8
    for one in found:
        assert sum(line.startswith("loss:") for line in log_lines(server, one["TrainingJobName"])) == 1
