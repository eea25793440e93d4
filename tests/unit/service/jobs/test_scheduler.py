"""No oversubscription, order, and no starvation, for any queue."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.domain.job import Need
from naiad.service.jobs.scheduler import Capacity, Placement, Waiting, fits, in_order, place

MACHINE = Capacity(cpus=(0, 1, 2, 3), memory_bytes=100, gpus=(0, 1))

needs = st.builds(
    Need,
    instances=st.integers(1, 2),
    cores=st.integers(1, 2),
    memory_bytes=st.integers(1, 50),
    gpus=st.integers(0, 1),
)
queues = st.lists(st.tuples(needs, st.integers(-1, 1)), max_size=12).map(
    lambda drawn: [Waiting(f"job-{number}", need, priority) for number, (need, priority) in enumerate(drawn)]
)


def one(job: str, cores: int, *, memory: int = 1, gpus: int = 0, priority: int = 0) -> Waiting:
    return Waiting(job, Need(1, cores, memory, gpus), priority)


def placed(waiting: list[Waiting], running: tuple[Placement, ...] = ()) -> list[str]:
    return [placement.job for placement in place(waiting, running, MACHINE)]


@given(queues, st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_is_promised_twice_and_everybody_starts(queue: list[Waiting], data: st.DataObject) -> None:
    waiting, running = list(queue), list[Placement]()
    while waiting or running:
        started = place(waiting, running, MACHINE)
        running += started
        waiting = [job for job in waiting if job.job not in {placement.job for placement in started}]
        cpus = Counter(cpu for job in running for share in job.shares for cpu in share.cpus)
        gpus = Counter(gpu for job in running for share in job.shares for gpu in share.gpus)
        assert set(cpus) <= set(MACHINE.cpus)
        assert set(gpus) <= set(MACHINE.gpus)
        assert max([*cpus.values(), *gpus.values(), 1]) == 1
        assert sum(job.memory_bytes * len(job.shares) for job in running) <= MACHINE.memory_bytes
        assert running, "a job that fits the empty machine starts when nothing runs"
        running.remove(data.draw(st.sampled_from(running)))


@given(queues)
@settings(max_examples=100, deadline=None)
def test_each_instance_is_given_what_it_needs(queue: list[Waiting]) -> None:
    need_of = {job.job: job.need for job in queue}
    for placement in place(queue, (), MACHINE):
        need = need_of[placement.job]
        assert len(placement.shares) == need.instances
        assert all(len(share.cpus) == need.cores and len(share.gpus) == need.gpus for share in placement.shares)
        assert placement.memory_bytes == need.memory_bytes


@given(queues, st.lists(queues, max_size=6), st.data())
@settings(max_examples=150, deadline=None)
def test_the_head_starts_once_those_before_it_have_ended(
    first: list[Waiting], arriving: list[list[Waiting]], data: st.DataObject
) -> None:
    """However many small ones arrive behind a large one, what it waits for is not given to them."""
    before = list(place(first, (), MACHINE))
    head = Waiting("head", data.draw(needs), priority=5)
    running, waiting, serial = list(before), [head], 0
    for crowd in [*arriving, [], [], [], [], [], [], [], [], [], [], [], []]:
        for job in crowd:
            serial += 1
            waiting.append(Waiting(f"late-{serial}", job.need, 0))
        started = place(waiting, running, MACHINE)
        if "head" in {placement.job for placement in started}:
            return
        running += started
        waiting = [job for job in waiting if job.job not in {placement.job for placement in started}]
        if before:
            gone = before.pop()
            running.remove(gone)
    raise AssertionError("the head never started, though all that ran before it had ended")


@given(queues)
def test_a_better_placed_job_that_fits_the_same_starts_first(queue: list[Waiting]) -> None:
    started = set(placed(queue))
    ordered = in_order(queue)
    for index, job in enumerate(ordered):
        if job.job in started:
            same = [other for other in ordered[:index] if other.need == job.need]
            assert all(other.job in started for other in same)


def test_first_in_first_out() -> None:
    assert placed([one("a", 2), one("b", 2), one("c", 2)]) == ["a", "b"]


def test_priority_goes_before_arrival() -> None:
    assert placed([one("a", 3), one("b", 3, priority=1)]) == ["b"]


def test_a_small_job_does_not_overtake_a_large_one_for_the_same_cores() -> None:
    running = place([one("old", 2)], (), MACHINE)
    assert placed([one("large", 4), one("small", 1)], running) == []


def test_a_job_without_a_gpu_passes_one_that_waits_for_it() -> None:
    running = place([one("old", 1, gpus=2)], (), MACHINE)
    assert placed([one("gpu", 1, gpus=1), one("cpu", 2)], running) == ["cpu"]


def test_jobs_that_insist_on_one_port_run_one_after_the_other() -> None:
    first, second, free = (
        Waiting(name, Need(2, 1, 1), port=port) for name, port in (("first", 7), ("second", 7), ("free", None))
    )
    (running,) = place([first, second], (), MACHINE)
    assert (running.job, running.port) == ("first", 7)
    assert placed([second], (running,)) == []
    assert placed([free], (running,)) == ["free"]
    assert placed([Waiting("third", Need(2, 1, 1), port=8)], (running,)) == ["third"]
    assert placed([second]) == ["second"]


def test_a_machine_that_has_shrunk_owes_nothing_and_gives_nothing() -> None:
    running = place([one("old", 4, memory=90)], (), MACHINE)
    assert place([one("new", 1)], running, Capacity((0,), 50)) == ()


def test_fits_counts_all_instances() -> None:
    assert fits(Need(2, 2, 50, 1), MACHINE)
    assert not fits(Need(3, 1, 40, 0), MACHINE)
