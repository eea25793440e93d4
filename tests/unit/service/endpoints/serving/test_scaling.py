import pytest

from naiad.service.endpoints.serving.scaling import InstanceBounds, InstanceScaler, LoadSample


def run(
    bounds: InstanceBounds, loads: list[tuple[float, int]], *, count: int, last_invocation_at: float = 1e9
) -> list[int]:
    """Returns the desired counts. loads: (busy instances, queue length) of each second."""
    scaler, counts = InstanceScaler(bounds), []
    for at, (busy_instances, queue_length) in enumerate(loads):
        sample = LoadSample(float(at), busy_instances, queue_length)
        count = scaler.desired_count(sample, current_count=count, last_invocation_at=min(last_invocation_at, at))
        counts.append(count)
    return counts


def test_up_when_invocations_wait():
    assert run(InstanceBounds(1, 4), [(0.5, 3)] * 3, count=1)[-1] == 2


def test_up_when_busy_nearly_all_the_time_and_not_for_a_moment():
    assert run(InstanceBounds(1, 4), [(1.0, 0)], count=1) == [1]
    assert run(InstanceBounds(1, 4), [(0.95, 0)] * 3, count=1)[-1] == 2
    assert run(InstanceBounds(1, 4), [(0.5, 0)] * 30, count=1)[-1] == 1


def test_never_above_the_maximum():
    assert max(run(InstanceBounds(1, 3), [(9.0, 9)] * 60, count=1)) == 3


def test_down_only_after_a_minute_of_too_little_work():
    counts = run(InstanceBounds(1, 4), [(0.3, 0)] * 70, count=3)
    assert counts[:50] == [3] * 50
    assert counts[-1] == 2


def test_never_below_the_minimum():
    assert run(InstanceBounds(2, 4), [(0.0, 0)] * 300, count=2)[-1] == 2


def test_busy_instances_stay():
    assert run(InstanceBounds(1, 4), [(2.0, 0)] * 100, count=3)[-1] == 3


@pytest.mark.parametrize(("idle_timeout_s", "is_zero"), [(30.0, True), (300.0, False)])
def test_zero_after_the_idle_timeout(idle_timeout_s: float, is_zero: bool):  # reason: a case
    bounds = InstanceBounds(0, 2, idle_timeout_s)
    counts = run(bounds, [(0.0, 0)] * 60, count=1, last_invocation_at=10.0)
    assert (counts[-1] == 0) is is_zero
    assert counts[20] == 1


def test_zero_stays_until_an_invocation_wakes_it():
    assert run(InstanceBounds(0, 2, 5.0), [(0.0, 0)] * 5, count=0) == [0] * 5
