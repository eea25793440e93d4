"""What a run is expected to reach, from short runs or from those before it."""

import threading

import pytest

from naiad.trainer.autoscale.forecast import LEAST_STEPS, PART, carried_on, made, score_of

SHORTEST = round(3 * LEAST_STEPS / PART)


@pytest.mark.parametrize(
    ("first", "second", "doublings", "expected"),
    [(0.4, 0.2, 2, 0.2 * 2**-0.7), (0.3, 0.3, 4, 0.3 * 2**-0.2), (0.20, 0.17, 3, 0.17 * (0.17 / 0.20) ** 1.5)],
)
def test_a_fall_goes_on_ever_slower(first, second, doublings, expected):
    assert carried_on(first, second, doublings=doublings) == pytest.approx(expected)


def test_two_short_runs_are_scored_and_told(measuring, plan):
    scores = iter([0.6, 0.8])
    found = made(plan(total_steps=2 * SHORTEST, time_limit_s=60.0), measuring(), lambda _: next(scores), outcomes=())
    assert 0.8 < found.forecast < 1
    assert [trial.value for trial in dict(found.reasons)["forecast"].measurements] == ["16 steps", "32 steps"]


def test_nothing_is_run_where_it_would_not_pay(measuring, plan):
    for short in (plan(total_steps=SHORTEST - 2, time_limit_s=60.0), plan(total_steps=10 * SHORTEST)):
        assert made(short, measuring(), lambda _: pytest.fail("it was scored"), outcomes=()).forecast is None


def test_a_task_without_a_score_has_no_forecast(measuring, plan):
    assert (
        made(plan(total_steps=SHORTEST, time_limit_s=60.0), measuring(), lambda _: None, outcomes=()).forecast is None
    )
    assert score_of({"loss": 1.0}) is None
    assert score_of({"loss": 1.0, "r2": 0.5}) == 0.5


def test_what_was_reached_before_counts_most_when_it_was_as_long(measuring, plan):
    found = made(
        plan(total_steps=1_000), measuring(), lambda _: None, outcomes=[(100, 0.5), (1_100, 0.9), (10**5, 0.99)]
    )
    assert found.forecast == pytest.approx(0.9, abs=0.005)
    assert dict(found.reasons)["forecast"].measured == "0.900 after 1,100 steps"


@pytest.mark.parametrize(("scores", "expected"), [((-3.0, -2.0), 0.0), ((0.9, 1.0), 1.0)])
def test_it_is_a_score_that_can_be(measuring, plan, scores, expected):
    found = iter(scores)
    told = made(plan(total_steps=2 * SHORTEST, time_limit_s=60.0), measuring(), lambda _: next(found), outcomes=())
    assert told.forecast == expected
    assert made(plan(), measuring(), lambda _: None, outcomes=[(10, scores[0])]).forecast >= 0


def test_a_run_without_one_says_why(bench, measuring, plan):
    short = plan(total_steps=SHORTEST - 2, time_limit_s=5.0)
    why = dict(made(short, measuring(), lambda _: 0.5, outcomes=()).reasons)["forecast"]
    assert why.text == "none: the run is too short to measure one"
    longer = plan(total_steps=2 * SHORTEST, time_limit_s=5.0)
    assert made(longer, measuring(budget_s=0.01), lambda _: 0.5, outcomes=()).forecast is None
    bench.net.lock = threading.Lock()
    why = dict(made(longer, measuring(bench), lambda _: 0.5, outcomes=()).reasons)["forecast"]
    assert why.text.startswith("none: the network cannot be copied")


def test_a_short_run_is_scored_with_statistics_of_its_last_weights(measuring, plan):
    counted = []

    def score(net):
        counted.append(int(net[1].num_batches_tracked))
        return 0.5

    made(plan(total_steps=2 * SHORTEST, time_limit_s=60.0), measuring(), score, outcomes=())
    assert counted == [8, 8], "batches since its statistics began anew"
