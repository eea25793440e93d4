"""A tuning job over kills of the server at each write of its driver and its jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tuning_world import TuningWorld, definition, tuning_request

from naiad.service.domain.errors import NotFound
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.domain.tuning import TrialState, TuningStatus
from naiad.service.jobs.pause import pause_message
from naiad.service.store.port import JobQuery


class Killed(BaseException):
    pass


@contextmanager
def killed_at_write(world: TuningWorld, number: int) -> Iterator[list[int]]:
    """Raises Killed before or after the n-th write of the driver: a server that dies there."""
    count = [0]

    def dying(write: Any, *, after: bool) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] == number and not after:
                raise Killed
            result = write(*arguments, **named)
            if count[0] == number and after:
                raise Killed
            return result

        return call

    originals = {}
    parts = [
        (world.store.trials, ("add", "update")),
        (world.store.entities, ("update",)),
        (world.store, ("add", "update")),
    ]
    for part, names in parts:
        for name in names:
            originals[id(part), name] = getattr(part, name)
            setattr(part, name, dying(getattr(part, name), after=number % 2 == 0))
    yield count
    for part, names in parts:
        for name in names:
            setattr(part, name, originals[id(part), name])


@pytest.mark.parametrize("number", range(1, 40))
def test_a_kill_at_any_write_loses_no_trial_and_makes_none_twice(world: TuningWorld, number: int) -> None:
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
    source = definition(StaticHyperParameters={"epochs": "9"})
    world.create(tuning_request(source=source, Strategy="Bayesian", ResourceLimits=limits))
    with killed_at_write(world, number):
        for _ in range(60):
            try:
                _step(world)
            except Killed:
                break
    world.restart()
    for _ in range(120):
        _step(world)
        if world.tuning().status.is_final:
            break
    trials = world.trials()
    assert world.tuning().status is TuningStatus.COMPLETED
    assert [trial.number for trial in trials] == [1, 2, 3, 4]
    names = [job.name for job in world.jobs.find(JobQuery(JobKind.TRAINING)).jobs]
    assert sorted(names) == sorted(trial.name for trial in trials)
    assert len({tuple(trial.values.items()) for trial in trials}) == 4
    started = [(spec.instance.job_name, spec.instance.attempt) for spec in world.executor.started]
    assert len(started) == len(set(started))
    assert any(trial.state is TrialState.COMPLETED for trial in trials)


def _step(world: TuningWorld) -> None:
    """Makes a pass, and lets each running job pause at epochs 1 and 3 and complete afterwards."""
    world.tick()
    for trial in world.trials():
        try:
            job = world.job(trial.number)
        except NotFound:
            continue
        if job.phase is Phase.STARTING and len(world.executor.started) and _is_new(world, trial.name, job.attempt):
            world.log(trial.number, float(trial.values["lr"]))
            pauses = {1: (Phase.PAUSED, pause_message(1)), 2: (Phase.PAUSED, pause_message(3))}
            phase, message = pauses.get(job.attempt, (Phase.COMPLETED, ""))
            world.report(trial.number, phase, message=message)


def _is_new(world: TuningWorld, name: str, attempt: int) -> bool:
    reported = world.__dict__.setdefault("reported", set())
    is_new = (name, attempt) not in reported
    reported.add((name, attempt))
    return is_new
