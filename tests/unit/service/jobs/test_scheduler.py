"""The scheduler: no oversubscription, the right order and no starvation, for any queue."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.domain.job import ResourceRequest
from naiad.service.jobs.scheduler import Capacity, Placement, WaitingJob, fits, place_jobs, placement_order

MACHINE = Capacity(cpus=(0, 1, 2, 3), memory_bytes=100, gpus=(0, 1))

resource_requests = st.builds(
    ResourceRequest,
    instances=st.integers(1, 2),
    cores=st.integers(1, 2),
    memory_bytes=st.integers(1, 50),
    gpus=st.integers(0, 1),
) | st.builds(
    ResourceRequest, instances=st.integers(3, 7), cores=st.just(1), memory_bytes=st.integers(1, 14), gpus=st.just(0)
)
queues = st.lists(st.tuples(resource_requests, st.integers(-1, 1)), max_size=12).map(
    lambda drawn: [
        WaitingJob(f"job-{number}", resources, priority) for number, (resources, priority) in enumerate(drawn)
    ]
)


def waiting_job(arn: str, cores: int, *, memory: int = 1, gpus: int = 0, priority: int = 0) -> WaitingJob:
    return WaitingJob(arn, ResourceRequest(1, cores, memory, gpus), priority)


def placed_arns(waiting: list[WaitingJob], running: tuple[Placement, ...] = ()) -> list[str]:
    return [placement.arn for placement in place_jobs(waiting, running, MACHINE)]


@given(queues, st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_is_granted_twice_and_every_job_starts(queue: list[WaitingJob], data: st.DataObject) -> None:
    waiting, running = list(queue), list[Placement]()
    while waiting or running:
        started = place_jobs(waiting, running, MACHINE)
        running += started
        waiting = [job for job in waiting if job.arn not in {placement.arn for placement in started}]
        cpus = Counter(cpu for job in running for allocation in job.allocations for cpu in allocation.cpus)
        gpus = Counter(gpu for job in running for allocation in job.allocations for gpu in allocation.gpus)
        assert set(cpus) <= set(MACHINE.cpus)
        assert set(gpus) <= set(MACHINE.gpus)
        assert max([*gpus.values(), 1]) == 1
        jobs_of_cpu = Counter(cpu for job in running for cpu in {cpu for part in job.allocations for cpu in part.cpus})
        assert max([*jobs_of_cpu.values(), 1]) == 1, "a core is shared by instances of one job only"
        assert all(max(cpus.values()) == 1 or len(job.allocations) > len(MACHINE.cpus) for job in running)
        assert sum(job.memory_bytes * len(job.allocations) for job in running) <= MACHINE.memory_bytes
        assert running, "a job that fits the empty machine starts when nothing runs"
        running.remove(data.draw(st.sampled_from(running)))


@given(queues)
@settings(max_examples=100, deadline=None)
def test_each_instance_gets_its_resources(queue: list[WaitingJob]) -> None:
    resources_of = {job.arn: job.resources for job in queue}
    for placement in place_jobs(queue, (), MACHINE):
        resources = resources_of[placement.arn]
        assert len(placement.allocations) == resources.instances
        assert all(
            len(allocation.cpus) == resources.cores and len(allocation.gpus) == resources.gpus
            for allocation in placement.allocations
        )
        assert placement.memory_bytes == resources.memory_bytes


@given(queues, st.lists(queues, max_size=6), st.data())
@settings(max_examples=150, deadline=None)
def test_the_first_in_the_queue_starts_when_the_running_jobs_have_ended(
    first: list[WaitingJob], arriving: list[list[WaitingJob]], data: st.DataObject
) -> None:
    """Small jobs that keep arriving do not get what a large job in front of them waits for."""
    before = list(place_jobs(first, (), MACHINE))
    head = WaitingJob("head", data.draw(resource_requests), priority=5)
    running, waiting, serial = list(before), [head], 0
    for crowd in [*arriving, [], [], [], [], [], [], [], [], [], [], [], []]:
        for job in crowd:
            serial += 1
            waiting.append(WaitingJob(f"late-{serial}", job.resources, 0))
        started = place_jobs(waiting, running, MACHINE)
        if "head" in {placement.arn for placement in started}:
            return
        running += started
        waiting = [job for job in waiting if job.arn not in {placement.arn for placement in started}]
        if before:
            running.remove(before.pop())
    raise AssertionError("the first in the queue never started, though all jobs before it had ended")


@given(queues)
def test_of_two_equal_jobs_the_one_in_front_starts_first(queue: list[WaitingJob]) -> None:
    started = set(placed_arns(queue))
    ordered = placement_order(queue)
    for index, job in enumerate(ordered):
        if job.arn in started:
            same = [other for other in ordered[:index] if other.resources == job.resources]
            assert all(other.arn in started for other in same)


def test_first_in_first_out() -> None:
    assert placed_arns([waiting_job("a", 2), waiting_job("b", 2), waiting_job("c", 2)]) == ["a", "b"]


def test_priority_counts_more_than_arrival() -> None:
    assert placed_arns([waiting_job("a", 3), waiting_job("b", 3, priority=1)]) == ["b"]


def test_a_small_job_does_not_overtake_a_large_one_for_the_same_cores() -> None:
    running = place_jobs([waiting_job("old", 2)], (), MACHINE)
    assert placed_arns([waiting_job("large", 4), waiting_job("small", 1)], running) == []


def test_a_job_without_a_gpu_passes_one_that_waits_for_it() -> None:
    running = place_jobs([waiting_job("old", 1, gpus=2)], (), MACHINE)
    assert placed_arns([waiting_job("gpu", 1, gpus=1), waiting_job("cpu", 2)], running) == ["cpu"]


def test_jobs_with_the_same_fixed_port_run_one_after_the_other() -> None:
    first, second, free = (
        WaitingJob(name, ResourceRequest(2, 1, 1), port=port)
        for name, port in (("first", 7), ("second", 7), ("free", None))
    )
    (running,) = place_jobs([first, second], (), MACHINE)
    assert (running.arn, running.port) == ("first", 7)
    assert placed_arns([second], (running,)) == []
    assert placed_arns([free], (running,)) == ["free"]
    assert placed_arns([WaitingJob("third", ResourceRequest(2, 1, 1), port=8)], (running,)) == ["third"]
    assert placed_arns([second]) == ["second"]


def test_a_machine_that_became_smaller_has_nothing_free() -> None:
    running = place_jobs([waiting_job("old", 4, memory=90)], (), MACHINE)
    assert place_jobs([waiting_job("new", 1)], running, Capacity((0,), 50)) == ()


def test_fits_counts_all_instances() -> None:
    assert fits(ResourceRequest(2, 2, 50, 1), MACHINE, cores=4)
    assert not fits(ResourceRequest(3, 1, 40, 0), MACHINE, cores=3)


@pytest.mark.parametrize("instances", [5, 6, 9])
def test_more_instances_than_cores_take_the_whole_machine(instances: int) -> None:
    job = WaitingJob("many", ResourceRequest(instances, 1, 10))
    (placement,) = place_jobs([job, waiting_job("next", 1)], (), MACHINE)
    cores = [allocation.cpus for allocation in placement.allocations]
    assert cores == [(index % 4,) for index in range(instances)]
    running = place_jobs([waiting_job("old", 1)], (), MACHINE)
    assert placed_arns([WaitingJob("many", ResourceRequest(instances, 1, 10))], running) == []
