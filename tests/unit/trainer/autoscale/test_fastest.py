"""The fastest of some values."""

from naiad.trainer.autoscale.fastest import fastest


def layouts(plan, measuring):
    return fastest(plan, "memory_format", ("contiguous", "channels_last"), "why", measuring)


def test_the_faster_is_taken_and_told(scripted, measuring, plan):
    of = scripted(lambda tried: {"contiguous": 0.004, "channels_last": 0.003}[tried.memory_format])
    found = layouts(plan(), measuring(of))
    assert found.memory_format == "channels_last"
    reason = dict(found.reasons)["memory_format"]
    assert [(trial.value, trial.measured) for trial in reason.tried] == [
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
