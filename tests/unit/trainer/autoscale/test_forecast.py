"""The score that a run is expected to reach, from short runs or from earlier ones."""

import threading

import pytest

from naiad.trainer.autoscale.forecast import (
    FRACTION,
    LEAST_STEPS,
    extend_error,
    from_outcomes,
    from_short_runs,
    main_score,
)
from naiad.trainer.autoscale.measurement_setup import TimedPlan

SHORTEST = round(3 * LEAST_STEPS / FRACTION)


@pytest.fixture
def timed(plan):
    """A function that makes a timed plan of so many steps."""
    return lambda steps: TimedPlan(plan(total_steps=steps, time_limit_s=60.0), 0.001)


@pytest.mark.parametrize(
    ("first", "second", "doublings", "expected"),
    [(0.4, 0.2, 2, 0.2 * 2**-0.7), (0.3, 0.3, 4, 0.3 * 2**-0.2), (0.20, 0.17, 3, 0.17 * (0.17 / 0.20) ** 1.5)],
)
def test_an_error_falls_on_ever_slower(first, second, doublings, expected):
    assert extend_error(first, second, doublings=doublings) == pytest.approx(expected)


def test_two_short_runs_are_scored_and_shown(make_setup, timed):
    scores = iter([0.6, 0.8])
    after = from_short_runs(timed(2 * SHORTEST), make_setup(), lambda _: next(scores))
    assert 0.8 < after.forecast < 1
    assert [one.value for one in after.reason("forecast").measurements] == ["16 steps", "32 steps"]


def test_a_task_without_a_score_has_no_forecast(make_setup, timed):
    assert from_short_runs(timed(SHORTEST), make_setup(), lambda _: None).forecast is None
    assert main_score({"loss": 1.0}) is None
    assert main_score({"loss": 1.0, "r2": 0.5}) == 0.5


def test_the_earlier_run_that_was_about_as_long_counts_most(plan):
    after = from_outcomes(plan(total_steps=1_000), [(100, 0.5), (1_100, 0.9), (10**5, 0.99)])
    assert after.forecast == pytest.approx(0.9, abs=0.005)
    assert after.reason("forecast").measured == "0.900 after 1,100 steps"
    assert from_outcomes(plan(), []) == plan()


@pytest.mark.parametrize(("scores", "expected"), [((-3.0, -2.0), 0.0), ((0.9, 1.0), 1.0)])
def test_a_forecast_is_within_the_limits_of_a_score(make_setup, timed, plan, scores, expected):
    short_runs = iter(scores)
    assert from_short_runs(timed(2 * SHORTEST), make_setup(), lambda _: next(short_runs)).forecast == expected
    assert from_outcomes(plan(), [(10, scores[0])]).forecast >= 0


def test_a_run_without_a_forecast_says_why(probe, make_setup, timed):
    after = from_short_runs(timed(SHORTEST - 2), make_setup(), lambda _: pytest.fail("it was scored"))
    assert after.reason("forecast").text == "none: the run is too short to measure one"
    assert from_short_runs(timed(2 * SHORTEST), make_setup(budget_s=0.01), lambda _: 0.5).forecast is None
    probe.net.lock = threading.Lock()
    after = from_short_runs(timed(2 * SHORTEST), make_setup(probe), lambda _: 0.5)
    assert after.reason("forecast").text.startswith("none: the network cannot be copied")


def test_a_short_run_is_scored_with_statistics_of_its_last_weights(make_setup, timed):
    counted = []

    def score(net):
        counted.append(int(net[1].num_batches_tracked))
        return 0.5

    from_short_runs(timed(2 * SHORTEST), make_setup(), score)
    assert counted == [8, 8], "batches since its statistics began anew"
