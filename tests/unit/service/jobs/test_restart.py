"""Restarts: a server that is killed at any moment, and a new one over the same store and folders."""

from typing import Any

import pytest

from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.port import InstanceSpec


def run_three_jobs(world: Any, *, restart_before: int | None) -> tuple[list[Phase], list[int]]:
    """Runs three jobs: a pair of instances that completes, one that is lost once, one that fails.

    A new server takes over before the step ``restart_before``.
    """
    world.create("pair", instances=2)
    world.create("lost")
    world.create("fails")
    for host in ("algo-1", "algo-2"):
        world.set_reports(
            "pair",
            world.running(Phase.STARTING),
            world.running(Phase.TRAINING),
            world.ended(Phase.COMPLETED),
            host=host,
        )
    world.set_reports("lost", world.running(Phase.TRAINING))
    world.set_reports(
        "fails",
        world.running(Phase.DOWNLOADING),
        world.running(Phase.TRAINING),
        world.ended(Phase.FAILED, "AlgorithmError: no"),
    )
    for step in range(20):
        if step == restart_before:
            world.restart()
        world.tick()
        lost = [instance for instance in world.executor.alive if instance.job_name == "lost" and instance.attempt == 1]
        if step > 8 and lost:
            world.executor.lose(lost[0])
            world.set_reports("lost", world.ended(Phase.COMPLETED))
    names = ("pair", "lost", "fails")
    return [world.phase(name) for name in names], [world.job(name).attempt for name in names]


@pytest.mark.parametrize("step", [None, *range(0, 15, 2)])
def test_a_restart_at_any_step_leads_to_the_same_end(world: Any, step: int | None) -> None:
    assert run_three_jobs(world, restart_before=step) == (
        [Phase.COMPLETED, Phase.COMPLETED, Phase.FAILED],
        [1, 2, 1],
    )
    assert len(world.executor.started) == len({spec.instance for spec in world.executor.started}) == 5
    for name in ("pair", "lost", "fails"):
        finals = [past for past in world.job(name).transitions if STATUS_OF[past.phase].is_final]
        assert len(finals) == 1


class Killed(BaseException):
    """Stands for a kill -9 of the server."""


@pytest.mark.parametrize("write", range(8))
@pytest.mark.parametrize("is_before", [True, False])
def test_a_kill_before_or_after_any_write_of_the_store(world: Any, write: int, is_before: bool) -> None:
    update, writes = world.store.update, []

    def killing(job: Any, *, before: Any) -> None:
        writes.append(job)
        if len(writes) - 1 == write and is_before:
            raise Killed
        update(job, before=before)
        if len(writes) - 1 == write:
            raise Killed

    world.store.update = killing
    world.create("pair", instances=2)
    world.create("next", cores=2)
    for name, host in (("pair", "algo-1"), ("pair", "algo-2"), ("next", "algo-1")):
        world.set_reports(
            name, world.running(Phase.STARTING), world.running(Phase.TRAINING), world.ended(Phase.COMPLETED), host=host
        )
    for _ in range(16):
        try:
            world.tick()
        except Killed:
            world.restart()
    assert (world.phase("pair"), world.phase("next")) == (Phase.COMPLETED, Phase.COMPLETED)
    assert len(world.executor.started) == 3


@pytest.mark.parametrize("number", range(2))
def test_a_kill_between_the_starts_of_instances(world: Any, number: int) -> None:
    def killing(spec: InstanceSpec) -> None:
        if len(world.executor.started) == number and armed.pop("armed", None):
            raise Killed

    armed = {"armed": True}
    world.executor.on_start = killing
    world.create("pair", instances=2)
    for _ in range(4):
        try:
            world.tick()
        except Killed:
            world.restart()
    cpus = [cpu for spec in world.executor.started for cpu in spec.cpus]
    assert sorted(cpus) == [0, 1]
    assert world.job("pair").attempt == 1
