import pytest

from naiad.service.endpoints.serving.scaling import Bounds, Sample, Scaler


def run(scaler: Scaler, samples: list[tuple[float, int]], *, instances: int, asked: float = 1e9) -> list[int]:
    """(busy, waiting) a second; the counts that follow."""
    counts = []
    for at, (busy, waiting) in enumerate(samples):
        instances = scaler.decide(Sample(float(at), busy, waiting), instances=instances, last_asked_at=min(asked, at))
        counts.append(instances)
    return counts


def test_more_when_calls_wait():
    assert run(Scaler(Bounds(1, 4)), [(0.5, 3)] * 3, instances=1)[-1] == 2


def test_more_when_busy_nearly_all_the_time_and_not_for_a_moment():
    assert run(Scaler(Bounds(1, 4)), [(1.0, 0)], instances=1) == [1]
    assert run(Scaler(Bounds(1, 4)), [(0.95, 0)] * 3, instances=1)[-1] == 2
    assert run(Scaler(Bounds(1, 4)), [(0.5, 0)] * 30, instances=1)[-1] == 1


def test_never_more_than_allowed():
    assert max(run(Scaler(Bounds(1, 3)), [(9.0, 9)] * 60, instances=1)) == 3


def test_fewer_only_after_a_minute_of_too_little_work():
    counts = run(Scaler(Bounds(1, 4)), [(0.3, 0)] * 70, instances=3)
    assert counts[:50] == [3] * 50
    assert counts[-1] == 2


def test_never_fewer_than_allowed():
    assert run(Scaler(Bounds(2, 4)), [(0.0, 0)] * 300, instances=2)[-1] == 2


def test_what_is_busy_stays():
    assert run(Scaler(Bounds(1, 4)), [(2.0, 0)] * 100, instances=3)[-1] == 3


@pytest.mark.parametrize(("idle_s", "gone"), [(30.0, True), (300.0, False)])
def test_to_none_when_nobody_has_asked_for_long(idle_s: float, gone: bool):  # reason: a case
    counts = run(Scaler(Bounds(0, 2, idle_s)), [(0.0, 0)] * 60, instances=1, asked=10.0)
    assert (counts[-1] == 0) is gone
    assert counts[20] == 1


def test_none_stays_none_until_a_call_wakes_it():
    assert run(Scaler(Bounds(0, 2, 5.0)), [(0.0, 0)] * 5, instances=0) == [0] * 5
