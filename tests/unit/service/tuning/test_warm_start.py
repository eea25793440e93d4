from typing import Any

import pytest
from tuning_world import TuningWorld, definition, script_definition, tuning_request

from naiad.service.domain.errors import Invalid
from naiad.service.domain.tuning import Trial
from naiad.service.tuning.tuning_job import best_trial


def rate(trial: Trial) -> float:
    return float(trial.values["lr"])


def child(
    kind: str = "IdenticalDataAndAlgorithm", *, parents: tuple[str, ...] = ("tune",), **changed: Any
) -> dict[str, Any]:
    source = changed.pop("source", None)
    names = [{"HyperParameterTuningJobName": name} for name in parents]
    config = {"ParentHyperParameterTuningJobs": names, "WarmStartType": kind}
    return {**tuning_request("child", source=source, **changed), "WarmStartConfig": config}


@pytest.fixture
def parent(world: TuningWorld) -> TuningWorld:
    world.create(tuning_request())
    world.run_to_end(rate)
    return world


def test_the_search_begins_with_what_the_parents_have_found(parent: TuningWorld) -> None:
    parent.create(child())
    parent.tick(2)
    prior = parent.search.requests[-1]["prior"]
    assert [one["objective"] for one in prior] == [rate(trial) for trial in parent.trials()]
    assert {one["state"] for one in prior} == {"complete"}
    assert parent.search.requests[-1]["start_number"] == 1
    assert parent.search.requests[-1]["trials"] == []


def test_a_parent_may_be_deleted_and_the_best_of_all_is_known(parent: TuningWorld) -> None:
    best = best_trial(parent.trials(), is_maximized=False)
    parent.create(child())
    parent.service.delete("tune")
    parent.run_to_end(lambda _: 5.0, name="child")
    trials = parent.service.trials(parent.tuning("child"))
    overall = best_trial(trials, is_maximized=False)
    assert best is not None
    assert overall is not None
    assert (overall.name, overall.parent) == (best.name, "tune")
    assert len(parent.trials("child")) == 4


def test_values_outside_of_the_new_ranges_are_left_out(parent: TuningWorld) -> None:
    narrow = {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.01", "MaxValue": "0.05"}]}
    parent.create(child(ParameterRanges=narrow))
    priors = [trial for trial in parent.service.trials(parent.tuning("child")) if trial.is_prior]
    assert [rate(trial) <= 0.05 for trial in priors] == [True] * len(priors)
    assert 0 < len(priors) < 4


def test_grandparents_count_once(parent: TuningWorld) -> None:
    parent.create(child())
    parent.run_to_end(rate, name="child")
    third = child(parents=("tune", "child"))
    parent.create({**third, "HyperParameterTuningJobName": "third"})
    priors = [trial for trial in parent.service.trials(parent.tuning("third")) if trial.is_prior]
    assert len(priors) == len({trial.name for trial in priors}) == 8


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (child(parents=("none",)), "there is no tuning job 'none'"),
        (
            child(HyperParameterTuningJobObjective={"Type": "Maximize", "MetricName": "validation:loss"}),
            "the objective of tune is Minimize 'validation:loss'",
        ),
        (
            child(ParameterRanges={"IntegerParameterRanges": [{"Name": "epochs", "MinValue": "1", "MaxValue": "9"}]}),
            "tune has no hyperparameter 'epochs'",
        ),
        (child(source=script_definition()), "needs the TrainingImage of tune"),
    ],
)
def test_parents_that_do_not_fit_are_refused(parent: TuningWorld, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parent.create(request_)


def test_transfer_learning_takes_another_algorithm(parent: TuningWorld) -> None:
    assert parent.create(child("TransferLearning", source=script_definition())).name == "child"


def test_a_parent_that_still_runs_is_refused(world: TuningWorld) -> None:
    world.create(tuning_request())
    with pytest.raises(Invalid, match="tune is InProgress; wait for its end"):
        world.create(child(source=definition()))
