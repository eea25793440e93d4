"""The fastest of some values."""

import pytest

from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.autoscale.fastest import USUAL_ROUNDS, choose_fastest, is_faster
from naiad.trainer.autoscale.measurement_setup import TimedPlan
from naiad.trainer.autoscale.network_probe import NetworkProbe


def compare_layouts(plan, setup, step_s=0.001):
    return choose_fastest(TimedPlan(plan, step_s), "memory_format", ("contiguous", "channels_last"), "why", setup)


def test_the_faster_value_is_chosen_and_shown(scripted, make_setup, plan):
    probe = scripted(lambda tried: {"contiguous": 0.004, "channels_last": 0.003}[tried.memory_format])
    timed = compare_layouts(plan(), make_setup(probe), step_s=0.004)
    assert (timed.plan.memory_format, timed.step_s) == ("channels_last", 0.003)
    assert [(one.value, one.result) for one in timed.plan.reason("memory_format").measurements] == [
        ("contiguous", "4.00 ms a step"),
        ("channels_last", "3.00 ms a step"),
    ]


def test_a_difference_within_the_noise_changes_nothing(scripted, make_setup, plan):
    probe = scripted(lambda tried: {"contiguous": 0.0040, "channels_last": 0.0039}[tried.memory_format])
    after = compare_layouts(plan(), make_setup(probe)).plan
    assert after.memory_format == "contiguous"
    assert after.reason("memory_format").text == "channels_last was not faster by more than 3% and the noise"


def test_nothing_is_timed_that_the_budget_has_no_room_for(scripted, make_setup, plan):
    probe = scripted(lambda _: 0.004)
    with pytest.raises(BudgetError):
        compare_layouts(plan(), make_setup(probe, budget_s=0.01), step_s=0.004)
    assert probe.timed == []


def test_a_small_budget_pays_for_fewer_rounds(scripted, make_setup, plan):
    probe = scripted(lambda tried: {"contiguous": 0.004, "channels_last": 0.003}[tried.memory_format])
    timed = compare_layouts(plan(), make_setup(probe, budget_s=0.05), step_s=0.004)
    assert timed.plan.memory_format == "channels_last"
    assert len(probe.timed) < 2 * USUAL_ROUNDS.count


@pytest.mark.parametrize(
    ("own", "other", "faster"),
    [
        ([4, 4, 4, 4, 4], [3, 3, 3, 3, 3], True),
        ([4, 8, 4, 9, 4], [3, 6, 3, 7, 3], True),
        ([4, 6, 3, 5, 4], [4, 3, 5, 4, 3], False),
        ([4, 4, 4, 4, 4], [3.95, 3.95, 3.95, 3.95, 3.95], False),
    ],
    ids=["steady", "under changing load", "within its spread", "within the margin"],
)
def test_rounds_are_compared_one_by_one(own, other, faster):
    assert is_faster(other, own) is faster


def test_a_value_that_was_given_up_is_shown_and_not_chosen(make_setup, plan, monkeypatch):
    monkeypatch.setattr(NetworkProbe, "compare_steps", lambda *_, **__: [[0.004] * 5, [0.1]])
    after = compare_layouts(plan(), make_setup()).plan
    assert after.memory_format == "contiguous"
    assert after.reason("memory_format").measurements[1].result == "100.00 ms a step or more: given up"


def test_a_comparison_that_the_budget_ends_is_left_to_a_later_run(make_setup, plan, monkeypatch):
    monkeypatch.setattr(NetworkProbe, "compare_steps", lambda *_, **__: [[0.004] * 2, [0.001] * 2])
    with pytest.raises(BudgetError) as error:
        compare_layouts(plan(), make_setup())
    assert not error.value.is_final
