"""Experiments, trials and trial components by boto3, as the SageMaker SDK's Run calls them, against a gateway on loopback."""

import datetime as dt
from typing import Any

import pytest
from botocore.exceptions import ClientError

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
JOB = {
    "RoleArn": "arn:aws:iam::000000000000:role/naiad",
    "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://data/out/"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "HyperParameters": {"lr": "0.1", "net": "resnet"},
}


@pytest.fixture
def sagemaker(live: Any) -> Any:
    client = live.client("sagemaker")
    client.create_experiment(
        ExperimentName="shoes", Description="which shoe", Tags=[{"Key": "team", "Value": "vision"}]
    )
    client.create_trial(ExperimentName="shoes", TrialName="group", DisplayName="Group")
    return client


def code(caught: Any) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_what_run_does_when_it_opens(sagemaker: Any):
    """Run creates first, and looks for these words where a name is taken."""
    for create in (
        lambda: sagemaker.create_experiment(ExperimentName="shoes"),
        lambda: sagemaker.create_trial(ExperimentName="shoes", TrialName="group"),
    ):
        with pytest.raises(ClientError, match="already exists") as caught:
            create()
        assert code(caught) == "ValidationException"
    sagemaker.create_trial_component(TrialComponentName="shoes-a")
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_trial_component(TrialComponentName="shoes-a")
    expression = {
        "Filters": [
            {"Name": "TrialComponentName", "Operator": "Equals", "Value": "shoes-a"},
            {"Name": "Parents.TrialName", "Operator": "Equals", "Value": "group"},
        ]
    }
    search = {"Resource": "ExperimentTrialComponent", "SearchExpression": expression}
    assert sagemaker.search(**search)["Results"] == []
    for _ in range(2):
        sagemaker.associate_trial_component(TrialComponentName="shoes-a", TrialName="group")
    (result,) = sagemaker.search(**search)["Results"]
    assert result["TrialComponent"]["Parents"] == [{"TrialName": "group", "ExperimentName": "shoes"}]


def test_what_is_given_is_described(sagemaker: Any):
    described = sagemaker.describe_experiment(ExperimentName="shoes")
    assert (described["DisplayName"], described["Description"]) == ("shoes", "which shoe")
    assert described["ExperimentArn"] == f"{ARN}:experiment/shoes"
    assert sagemaker.list_tags(ResourceArn=described["ExperimentArn"])["Tags"] == [{"Key": "team", "Value": "vision"}]
    sagemaker.update_experiment(ExperimentName="shoes", DisplayName="Shoes")
    assert sagemaker.describe_experiment(ExperimentName="shoes")["Description"] == "which shoe"
    trial = sagemaker.describe_trial(TrialName="group")
    assert (trial["ExperimentName"], trial["DisplayName"]) == ("shoes", "Group")
    start = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
    given = {
        "Status": {"PrimaryStatus": "InProgress", "Message": "so far"},
        "StartTime": start,
        "Parameters": {"lr": {"NumberValue": 0.1}, "net": {"StringValue": "resnet"}},
        "InputArtifacts": {"data": {"MediaType": "text/csv", "Value": "s3://data/x.csv"}},
        "MetadataProperties": {"CommitId": "abc"},
    }
    sagemaker.create_trial_component(TrialComponentName="one", **given)
    described = sagemaker.describe_trial_component(TrialComponentName=f"{ARN}:experiment-trial-component/one")
    assert {key: described[key] for key in given} == given
    assert (described["OutputArtifacts"], described["Metrics"], described["Sources"]) == ({}, [], [])
    sagemaker.update_trial_component(
        TrialComponentName="one", Parameters={"lr": {"NumberValue": 0.2}}, ParametersToRemove=["net"]
    )
    described = sagemaker.describe_trial_component(TrialComponentName="one")
    assert described["Parameters"] == {"lr": {"NumberValue": 0.2}}
    assert described["Status"] == given["Status"]


def test_lists_by_group_newest_first(sagemaker: Any):
    for name in ("a", "b", "c"):
        sagemaker.create_trial_component(TrialComponentName=name)
    sagemaker.create_trial(ExperimentName="shoes", TrialName="other")
    for name, trial in (("a", "group"), ("b", "group"), ("b", "other")):
        sagemaker.associate_trial_component(TrialComponentName=name, TrialName=trial)

    def components(**request: Any) -> list[str]:
        listed = sagemaker.list_trial_components(**request)["TrialComponentSummaries"]
        return [one["TrialComponentName"] for one in listed]

    def trials(**request: Any) -> list[str]:
        return [one["TrialName"] for one in sagemaker.list_trials(**request)["TrialSummaries"]]

    assert components() == ["c", "b", "a"]
    assert components(TrialName="group", SortBy="Name", SortOrder="Ascending") == ["a", "b"]
    assert components(ExperimentName="shoes") == ["b", "a"]
    assert trials(TrialComponentName="b") == ["other", "group"]
    assert trials(ExperimentName="shoes", MaxResults=1) == ["other"]
    pages = sagemaker.get_paginator("list_trial_components").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["TrialComponentSummaries"]) for page in pages] == [2, 1]
    with pytest.raises(ClientError, match="give one of ExperimentName, TrialName, SourceArn"):
        components(ExperimentName="shoes", TrialName="group")


def test_nothing_is_deleted_while_it_has_members(sagemaker: Any):
    sagemaker.create_trial_component(TrialComponentName="one")
    sagemaker.associate_trial_component(TrialComponentName="one", TrialName="group")
    for delete, message in (
        (lambda: sagemaker.delete_experiment(ExperimentName="shoes"), "has trials"),
        (lambda: sagemaker.delete_trial(TrialName="group"), "has trial components"),
        (lambda: sagemaker.delete_trial_component(TrialComponentName="one"), "disassociate it first"),
    ):
        with pytest.raises(ClientError, match=message):
            delete()
    sagemaker.disassociate_trial_component(TrialComponentName="one", TrialName="group")
    sagemaker.delete_trial_component(TrialComponentName="one")
    sagemaker.delete_trial(TrialName="group")
    sagemaker.delete_experiment(ExperimentName="shoes")
    assert sagemaker.list_experiments()["ExperimentSummaries"] == []


def test_what_is_not_there(sagemaker: Any):
    for call in (
        lambda: sagemaker.describe_experiment(ExperimentName="none"),
        lambda: sagemaker.describe_trial(TrialName="none"),
        lambda: sagemaker.create_trial(ExperimentName="none", TrialName="t"),
        lambda: sagemaker.list_trials(ExperimentName="none"),
        lambda: sagemaker.update_trial_component(TrialComponentName="none", DisplayName="d"),
        lambda: sagemaker.create_training_job(TrainingJobName="j", ExperimentConfig={"ExperimentName": "none"}, **JOB),
    ):
        with pytest.raises(ClientError, match=f"'{ARN}:experiment[a-z-]*/none' does not exist") as caught:
            call()
        assert code(caught) == "ResourceNotFound"


def test_metrics_of_a_run(live: Any, sagemaker: Any):
    sagemaker.create_trial_component(TrialComponentName="one")
    metrics = live.client("sagemaker-metrics")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    values = [0.5, float("nan"), 0.25, 0.75]
    data = [{"MetricName": "loss", "Timestamp": now, "Step": step, "Value": value} for step, value in enumerate(values)]
    errors = metrics.batch_put_metrics(TrialComponentName="one", MetricData=data)["Errors"]
    assert errors == [{"Code": "VALIDATION_ERROR", "MetricIndex": 1}]
    (summary,) = sagemaker.describe_trial_component(TrialComponentName="one")["Metrics"]
    numbers = {key: summary[key] for key in ("Min", "Max", "Last", "Avg", "Count")}
    assert numbers == {"Min": 0.25, "Max": 0.75, "Last": 0.75, "Avg": 0.5, "Count": 3}
    sagemaker.delete_trial_component(TrialComponentName="one")
    sagemaker.create_trial_component(TrialComponentName="one")
    assert sagemaker.describe_trial_component(TrialComponentName="one")["Metrics"] == []


def test_a_job_of_an_experiment_has_a_component(sagemaker: Any):
    sagemaker.create_trial_component(TrialComponentName="shoes-run")
    config = {"ExperimentName": "shoes", "TrialName": "group", "RunName": "shoes-run", "TrialComponentDisplayName": "J"}
    arn = sagemaker.create_training_job(TrainingJobName="Job", ExperimentConfig=config, **JOB)["TrainingJobArn"]
    assert sagemaker.describe_training_job(TrainingJobName="Job")["ExperimentConfig"] == config
    described = sagemaker.describe_trial_component(TrialComponentName="job-aws-training-job")
    assert described["Source"] == {"SourceArn": arn, "SourceType": "SageMakerTrainingJob"}
    assert described["Parameters"]["lr"] == {"NumberValue": 0.1}
    assert described["Parameters"]["SageMaker.InstanceType"] == {"StringValue": "ml.m5.large"}
    assert (described["DisplayName"], described["Status"]["PrimaryStatus"]) == ("J", "InProgress")
    listed = sagemaker.list_trial_components(SourceArn=arn.lower())["TrialComponentSummaries"]
    assert {one["TrialComponentName"] for one in listed} == {"job-aws-training-job", "shoes-run"}
    (source,) = sagemaker.describe_trial_component(TrialComponentName="shoes-run")["Sources"]
    assert source["SourceType"] == "SageMakerTrainingJob"
    sagemaker.stop_training_job(TrainingJobName="Job")
    sagemaker.delete_training_job(TrainingJobName="Job")
    kept = sagemaker.describe_trial_component(TrialComponentName="job-aws-training-job")
    assert kept["Status"]["PrimaryStatus"] == "Stopped"
    sagemaker.create_training_job(TrainingJobName="Job", ExperimentConfig={"ExperimentName": "shoes"}, **JOB)
    again = sagemaker.describe_trial_component(TrialComponentName="job-aws-training-job")
    assert again["Status"]["PrimaryStatus"] == "InProgress"
    assert "job-aws-training-job-trial" in {
        one["TrialName"] for one in sagemaker.list_trials(ExperimentName="shoes")["TrialSummaries"]
    }


def test_artifacts_and_associations(sagemaker: Any):
    sagemaker.create_trial_component(TrialComponentName="one")
    component = f"{ARN}:experiment-trial-component/one"
    source = {"SourceUri": "s3://data/cm.json", "SourceTypes": [{"SourceIdType": "S3ETag", "Value": "e"}]}
    given = {
        "ArtifactName": "cm",
        "ArtifactType": "ConfusionMatrix",
        "Source": source,
        "Properties": {"a": "1", "b": "2"},
    }
    arn = sagemaker.create_artifact(**given)["ArtifactArn"]
    sagemaker.update_artifact(ArtifactArn=arn, Properties={"c": "3"}, PropertiesToRemove=["a"])
    described = sagemaker.describe_artifact(ArtifactArn=arn)
    assert (described["Source"], described["Properties"]) == (source, {"b": "2", "c": "3"})
    sagemaker.create_artifact(ArtifactType="DataSet", Source={"SourceUri": "s3://data/x"})
    listed = sagemaker.list_artifacts(ArtifactType="ConfusionMatrix")["ArtifactSummaries"]
    assert [one["ArtifactArn"] for one in listed] == [arn]
    sagemaker.add_association(SourceArn=component, DestinationArn=arn, AssociationType="Produced")
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.add_association(SourceArn=component, DestinationArn=arn, AssociationType="Produced")
    (summary,) = sagemaker.list_associations(SourceArn=component)["AssociationSummaries"]
    assert (summary["DestinationType"], summary["DestinationName"]) == ("ConfusionMatrix", "cm")
    assert sagemaker.list_associations(AssociationType="DerivedFrom")["AssociationSummaries"] == []
    sagemaker.delete_association(SourceArn=component, DestinationArn=arn)
    with pytest.raises(ClientError, match="there is no association"):
        sagemaker.delete_association(SourceArn=component, DestinationArn=arn)
    sagemaker.delete_artifact(ArtifactArn=arn)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_artifact(ArtifactArn=arn)


def test_the_key_of_a_job_may_keep_a_run(live: Any, sagemaker: Any):
    for name in ("j", "other"):
        sagemaker.create_training_job(TrainingJobName=name, ExperimentConfig={"ExperimentName": "shoes"}, **JOB)
    of_other = "other-aws-training-job"
    from naiad.service.domain.job import JobKind  # noqa: PLC0415

    job = live.services.jobs.describe(JobKind.TRAINING, "j")
    own = live.client("sagemaker", aws_access_key_id=job.access_key, aws_secret_access_key=job.secret_key)
    own.create_trial_component(TrialComponentName="shoes-in-job")
    own.associate_trial_component(TrialComponentName="shoes-in-job", TrialName="group")
    own.update_trial_component(TrialComponentName="shoes-in-job", DisplayName="run")
    own.update_trial_component(TrialComponentName="j-aws-training-job", DisplayName="mine")
    assert len(own.search(Resource="ExperimentTrialComponent")["Results"]) == 3
    assert own.describe_training_job(TrainingJobName="j")["TrainingJobName"] == "j"
    for call in (
        lambda: own.describe_training_job(TrainingJobName="other"),
        lambda: own.search(Resource="TrainingJob"),
        lambda: own.delete_trial_component(TrialComponentName="shoes-in-job"),
        lambda: own.update_trial_component(TrialComponentName=of_other, DisplayName="mine"),
        lambda: own.associate_trial_component(TrialComponentName=of_other, TrialName="group"),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert code(caught) == "AccessDeniedException"


def test_a_job_is_made_again_under_the_same_run(sagemaker: Any):
    sagemaker.create_trial_component(TrialComponentName="shoes-run")
    config = {"ExperimentName": "shoes", "TrialName": "group", "RunName": "shoes-run"}
    for _ in range(2):
        arn = sagemaker.create_training_job(TrainingJobName="j", ExperimentConfig=config, **JOB)["TrainingJobArn"]
        (source,) = sagemaker.describe_trial_component(TrialComponentName="shoes-run")["Sources"]
        assert source["SourceArn"] == arn.lower()
        component = sagemaker.describe_trial_component(TrialComponentName="j-aws-training-job")
        assert component["Status"]["PrimaryStatus"] == "InProgress"
        sagemaker.stop_training_job(TrainingJobName="j")
        sagemaker.delete_training_job(TrainingJobName="j")


def test_lineage_is_no_membership(sagemaker: Any):
    for name in ("c", "d"):
        sagemaker.create_trial_component(TrialComponentName=name)
    sagemaker.associate_trial_component(TrialComponentName="c", TrialName="group")
    ends = {"SourceArn": f"{ARN}:experiment-trial-component/d", "DestinationArn": f"{ARN}:experiment-trial-component/c"}
    sagemaker.add_association(**ends, AssociationType="DerivedFrom")
    listed = sagemaker.list_trial_components(TrialName="group")["TrialComponentSummaries"]
    assert [one["TrialComponentName"] for one in listed] == ["c"]
    filters = [{"Name": "Parents.TrialName", "Operator": "Equals", "Value": "group"}]
    found = sagemaker.search(Resource="ExperimentTrialComponent", SearchExpression={"Filters": filters})["Results"]
    assert [one["TrialComponent"]["TrialComponentName"] for one in found] == ["c"]
