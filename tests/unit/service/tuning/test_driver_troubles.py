"""Troubles that must not hold up a tuning job: a damaged trial, an error of another one, a predecessor of the same name."""

from typing import Any

import pytest
from sqlalchemy import text
from tuning_world import TuningWorld, tuning_request

from naiad.service.domain.status import Phase
from naiad.service.domain.tuning import TuningStatus
from naiad.service.tuning.tuning_job import TuningJob


def test_a_damaged_trial_does_not_hold_its_tuning_job(world: TuningWorld) -> None:
    """Its row is left out of lists, and its number stays taken."""
    world.create(tuning_request(ResourceLimits={"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1}))
    world.tick(4)
    world.log(1, 0.5)
    world.report(1, Phase.COMPLETED)
    world.tick(3)
    with world.store._database.begin() as connection:
        connection.execute(text("UPDATE naiad_tuning_trials SET checksum = 1 WHERE number = 2"))
    world.tick(6)
    assert [trial.number for trial in world.trials()] == [1, 3]


def test_an_unexpected_error_of_one_tuning_job_holds_up_no_other(
    world: TuningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tune-a", "tune-b"):
        world.create(tuning_request(name))
    original = world.driver._decide

    def failing(tuning: TuningJob, trials: Any) -> Any:
        if tuning.name == "tune-a":
            raise OverflowError("int too large to convert to float")
        return original(tuning, trials)

    monkeypatch.setattr(world.driver, "_decide", failing)
    world.tick(4)
    assert world.trials("tune-a") == ()
    assert len(world.trials("tune-b")) == 2


def test_a_new_tuning_job_of_the_same_name_gets_no_answer_of_the_old_one(world: TuningWorld) -> None:
    world.search.is_held = True
    world.create(tuning_request())
    world.tick()
    world.service.stop("tune")
    world.tick()
    assert world.tuning().status is TuningStatus.STOPPED
    world.service.delete("tune")
    world.search.is_held = False
    ranges = {"CategoricalParameterRanges": [{"Name": "act", "Values": ["relu", "gelu"]}]}
    world.create(tuning_request(ParameterRanges=ranges))
    world.tick(4)
    assert [list(trial.values) for trial in world.trials()] == [["act"], ["act"]]
