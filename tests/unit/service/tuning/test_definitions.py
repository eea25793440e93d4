from typing import Any

import pytest
from tuning_world import definition, make_trial, script_definition, tuning_request

from naiad.service.tuning.definitions import TuningDefinition, definitions_of, resource_config, search_seed

TIMED = {"IntegerParameterRanges": [{"Name": "epochs", "MinValue": "3", "MaxValue": "27"}]}
TWO = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}


def only(source: dict[str, Any] | None = None, **config: Any) -> TuningDefinition:
    [one] = definitions_of(tuning_request(source=source, **config))
    return one


def hyperband(**config: int) -> dict[str, Any]:
    return {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": config}}


@pytest.mark.parametrize(
    ("made", "pauses"),
    [
        (only(Strategy="Bayesian"), True),
        (only(Strategy="Bayesian", TrainingJobEarlyStoppingType="Auto"), True),
        (only(Strategy="Bayesian", TrainingJobEarlyStoppingType="Off"), False),
        (only(**hyperband(MaxResource=9)), True),
        (only(Strategy="Random"), False),
        (only(script_definition(), Strategy="Bayesian"), False),
        (only(definition(ResourceConfig=TWO), Strategy="Bayesian"), False),
        (only(definition(StaticHyperParameters={"time_limit": "60s"}), Strategy="Bayesian"), False),
    ],
)
def test_trials_of_one_process_of_the_trainer_pause(made: TuningDefinition, *, pauses: bool) -> None:
    assert made.pauses is pauses
    assert ("_naiad_pause_at_epochs" in made.example_request("tune")["HyperParameters"]) is pauses


@pytest.mark.parametrize(
    ("made", "rungs"),
    [
        (only(Strategy="Bayesian"), (1, 3, 9, 27, 81)),
        (only(definition(StaticHyperParameters={"epochs": "27"}), Strategy="Bayesian"), (1, 3, 9)),
        (only(definition(StaticHyperParameters={"epochs": '"9"'}), Strategy="Bayesian"), (1, 3)),
        (only(Strategy="Bayesian", ParameterRanges=TIMED), (1, 3, 9)),
        (only(**hyperband(MinResource=4, MaxResource=90)), (4, 10, 30)),
        (only(script_definition(), **hyperband(MaxResource=9)), (1, 3)),
        (only(script_definition(StaticHyperParameters={"num_epochs": "9"}), Strategy="Hyperband"), (1, 3)),
        (only(Strategy="Random"), ()),
        (only(definition(StaticHyperParameters={"epochs": "1"}), Strategy="Bayesian"), ()),
    ],
)
def test_trials_are_compared_at_thirds_of_their_epochs(made: TuningDefinition, rungs: tuple[int, ...]) -> None:
    assert made.rungs == rungs


def test_the_request_of_a_trial() -> None:
    source = definition(
        CheckpointConfig={"S3Uri": "s3://data/kept", "LocalPath": "/opt/ml/checkpoints"},
        StaticHyperParameters={"net": "mlp"},
        RetryStrategy={"MaximumRetryAttempts": 2},
        Environment={"A": "b"},
    )
    request = only(source).trial_request(make_trial(1), arn="arn", tags={"team": "moon"})
    assert request["TrainingJobName"] == "tune-001-00000000"
    assert request["HyperParameters"] == {"net": "mlp", "lr": "0.1", "_tuning_objective_metric": "validation:loss"}
    assert request["CheckpointConfig"] == {
        "S3Uri": "s3://data/kept/tune-001-00000000/",
        "LocalPath": "/opt/ml/checkpoints",
    }
    assert (request["TuningJobArn"], request["Tags"]) == ("arn", [{"Key": "team", "Value": "moon"}])
    assert (request["RetryStrategy"], request["Environment"]) == ({"MaximumRetryAttempts": 2}, {"A": "b"})


def test_max_resource_is_the_epochs_of_the_trainer() -> None:
    assert only(**hyperband(MaxResource=9)).example_request("tune")["HyperParameters"]["epochs"] == "9"
    script = only(script_definition(), **hyperband(MaxResource=9))
    assert "epochs" not in script.example_request("tune")["HyperParameters"]
    assert script.excess_epoch == 10


def test_the_first_of_several_instance_configs_is_taken() -> None:
    one, other = (
        {"InstanceType": f"ml.m5.{size}", "InstanceCount": 1, "VolumeSizeInGB": 1} for size in ("large", "xlarge")
    )
    config = {"InstanceConfigs": [one, other], "VolumeKmsKeyId": "key"}
    assert resource_config({"HyperParameterTuningResourceConfig": config}) == {**one, "VolumeKmsKeyId": "key"}


def test_the_seed_is_that_of_the_request_or_follows_from_the_name() -> None:
    assert search_seed(tuning_request(RandomSeed=7)) == 7
    assert search_seed(tuning_request("a")) == search_seed(tuning_request("a")) != search_seed(tuning_request("b"))
