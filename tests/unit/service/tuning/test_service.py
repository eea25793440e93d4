from typing import Any

import pytest
from tuning_world import TuningWorld, definition, script_definition, tuning_request

from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import AlreadyExists, InUse, Invalid, LimitExceeded, ResourceNotFound
from naiad.service.domain.tuning import TuningStatus
from naiad.service.store.entity_port import EntityQuery


def test_a_tuning_job_is_stored_with_its_creator_and_tags(world: TuningWorld) -> None:
    tuning = world.create({**tuning_request(), "Tags": [{"Key": "a", "Value": "b"}]})
    assert tuning.arn == "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/tune"
    assert world.tuning() == tuning
    assert tuning.entity.creator == "AKIA"
    assert world.store.tags(tuning.arn) == {"a": "b"}
    with pytest.raises(AlreadyExists, match="tune already exists"):
        world.create(tuning_request())


def test_an_unknown_one_is_named(world: TuningWorld) -> None:
    for call in (world.service.describe, world.service.stop, world.service.delete):
        with pytest.raises(ResourceNotFound, match="can't find a tuning job with the name none"):
            call("none")


def test_only_an_ended_one_is_deleted_and_its_name_is_free_again(world: TuningWorld) -> None:
    world.create(tuning_request())
    with pytest.raises(InUse, match="is InProgress; stop it"):
        world.service.delete("tune")
    world.run_to_end(lambda trial: float(trial.values["lr"]))
    names = [trial.name for trial in world.trials()]
    world.service.delete("tune")
    world.create(tuning_request())
    assert world.trials() == ()
    assert world.jobs.describe(world.executor.started[0].instance.kind, names[0]).name == names[0]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (
            definition(OutputDataConfig={"S3OutputPath": "s3://none/out"}),
            Invalid,
            "bucket 'none', which does not exist",
        ),
        (
            definition(ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 0, "VolumeSizeInGB": 1}),
            Invalid,
            "InstanceCount is 0",
        ),
        (
            definition(ResourceConfig={"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}),
            LimitExceeded,
            "0 GPUs",
        ),
        (
            script_definition(StaticHyperParameters={"sagemaker_submit_directory": "s3://data/none"}),
            Invalid,
            "TrainingJobDefinition: sagemaker_submit_directory",
        ),
    ],
)
def test_the_jobs_of_a_definition_are_checked_at_the_door(
    world: TuningWorld, source: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        world.create(tuning_request(source=source))
    assert world.service.find(EntityQuery(EntityKind.TUNING)).entities == ()


def test_the_resources_of_a_tuner_are_those_of_its_jobs(world: TuningWorld) -> None:
    config = {
        "AllocationStrategy": "Prioritized",
        "InstanceConfigs": [
            {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 2},
            {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        ],
    }
    source = {**definition(HyperParameterTuningResourceConfig=config)}
    del source["ResourceConfig"]
    world.create(tuning_request(source=source))
    world.tick(3)
    assert world.job(1).request["ResourceConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 2,
    }


def test_a_stop_of_an_ended_one_does_nothing(world: TuningWorld) -> None:
    world.create(tuning_request())
    world.run_to_end(lambda _: 1.0)
    assert world.service.stop("tune").status is TuningStatus.COMPLETED
