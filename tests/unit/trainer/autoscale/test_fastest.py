"""The fastest of some values."""

import pytest

from naiad.trainer.autoscale.fastest import fastest, is_faster


def layouts(plan, measuring):
    return fastest(plan, "memory_format", ("contiguous", "channels_last"), "why", measuring)


def test_the_faster_is_taken_and_told(scripted, measuring, plan):
    of = scripted(lambda tried: {"contiguous": 0.004, "channels_last": 0.003}[tried.memory_format])
    found = layouts(plan(), measuring(of))
    assert found.memory_format == "channels_last"
    reason = dict(found.reasons)["memory_format"]
    assert [(trial.value, trial.measured) for trial in reason.measurements] == [
        ("contiguous", "4.00 ms a step"),
        ("channels_last", "3.00 ms a step"),
    ]


def test_a_difference_within_the_noise_changes_nothing(scripted, measuring, plan):
    of = scripted(lambda tried: {"contiguous": 0.0040, "channels_last": 0.0039}[tried.memory_format])
    assert layouts(plan(), measuring(of)).memory_format == "contiguous"


def test_what_the_budget_has_no_room_for_is_not_begun(scripted, measuring, plan):
    of = scripted(lambda _: 0.004)
    assert layouts(plan(), measuring(of, budget_s=0.01, step_s=0.004)) == plan()
    assert of.timed == []


def test_a_faster_step_is_remembered_for_what_follows(scripted, measuring, plan):
    of = scripted(lambda tried: {"contiguous": 0.004, "channels_last": 0.001}[tried.memory_format])
    measure = measuring(of, step_s=0.004)
    layouts(plan(), measure)
    assert measure.step_s == 0.001


@pytest.mark.parametrize(
    ("own", "other", "faster"),
    [
        ([4, 4, 4, 4, 4], [3, 3, 3, 3, 3], True),
        ([4, 8, 4, 9, 4], [3, 6, 3, 7, 3], True),
        ([4, 6, 3, 5, 4], [4, 3, 5, 4, 3], False),
        ([4, 4, 4, 4, 4], [3.95, 3.95, 3.95, 3.95, 3.95], False),
    ],
    ids=["steady", "in changing weather", "within its spread", "within the margin"],
)
def test_rounds_are_compared_one_by_one(own, other, faster):
    assert is_faster(other, own) is faster


def test_one_that_was_given_up_is_told_and_not_taken(bench, measuring, plan, monkeypatch):
    monkeypatch.setattr(type(bench), "race", lambda *_, **__: [[0.004] * 5, [0.1]])
    found = layouts(plan(), measuring())
    assert found.memory_format == "contiguous"
    assert dict(found.reasons)["memory_format"].measurements[1].measured == "100.00 ms a step or more: given up"


def test_a_race_that_the_budget_ends_is_postponed(bench, measuring, plan, monkeypatch):
    monkeypatch.setattr(type(bench), "race", lambda *_, **__: [[0.004] * 2, [0.001] * 2])
    measure = measuring()
    assert layouts(plan(), measure) == plan()
    assert measure.budget.postponed
