from dataclasses import fields

import pytest

from naiad.errors import OptionError
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.plan.overrides import (
    FIT_OPTIONS,
    USE_RULE,
    check_microbatch,
    check_overrides,
    fixed_values,
    join_limits,
)
from naiad.trainer.plan.plan import CHOICES


@pytest.mark.parametrize(
    ("overrides", "message", "hint"),
    [
        ({"batchsize": 3}, "no choice 'batchsize'", "batch_size"),
        ({"total_steps": 3}, "total_steps cannot be set", "epochs"),
        ({"seed": 3}, "seed is no choice of the plan, but an option", "--seed"),
        ({"image_size": 3}, "image_size is no choice of the plan", "--image-size"),
        ({"average": 0.9}, "choice 'average' is now called 'ema'", "ema=0.9"),
        ({"pace": 1}, "no choice 'pace'", None),
        ({"batch_size": 0}, "batch_size must be more than 0, given 0", None),
        ({"learning_rate": float("nan")}, "learning_rate must be", None),
        ({"momentum": 1.5}, "momentum must be 0 or more and at most 0.9999", None),
        ({"optimizer": "sdg"}, "optimizer 'sdg' is not known", "sgd"),
        ({"feed": "disk"}, "feed 'disk' is not known", "memory"),
        ({"feed_workers": 0}, "feed_workers must be more than 0", None),
        ({"augment": "flip,crup"}, "augment 'crup' is not known", "crop"),
    ],
)
def test_an_override_that_is_not_allowed_is_refused(overrides, message, hint):
    with pytest.raises(OptionError, match=message) as error:
        check_overrides(overrides)
    assert hint is None or hint in error.value.hint


@pytest.mark.parametrize(
    ("overrides", "checked"),
    [
        ({"batch_size": "64"}, {"batch_size": 64}),
        ({"clip_norm": "off"}, {"clip_norm": None}),
        ({"augment": "flip,shift"}, {"augment": ("flip", "shift")}),
        ({"learning_rate": "1e-3"}, {"learning_rate": 0.001}),
    ],
)
def test_text_from_a_command_line_is_read(overrides, checked):
    assert check_overrides(overrides) == checked


def test_a_measured_choice_can_be_left_to_its_rule():
    overrides = check_overrides({"learning_rate": USE_RULE, "batch_size": 8})
    assert overrides == {"learning_rate": USE_RULE, "batch_size": 8}
    assert fixed_values(overrides) == {"batch_size": 8}
    with pytest.raises(OptionError, match="schedule 'rule' is not known"):
        check_overrides({"schedule": USE_RULE})


def test_a_choice_and_an_option_must_agree():
    assert join_limits({"epochs": "2"}, {"epochs": 2, "time_limit_s": None}) == {"epochs": 2}
    assert join_limits({"batch_size": 8}, {"epochs": 3}) == {"batch_size": 8, "epochs": 3}
    with pytest.raises(OptionError, match="epochs is given twice: 2 as a choice of the plan, and 1"):
        join_limits({"epochs": "2"}, {"epochs": 1})
    with pytest.raises(OptionError, match="time_limit_s is given twice"):
        join_limits({"time_limit_s": "none"}, {"time_limit_s": 60})


def test_a_microbatch_is_a_part_of_its_batch(plan):
    check_microbatch(plan(batch_size=10, microbatch_size=10))
    with pytest.raises(OptionError, match="microbatch_size 11 is larger than batch_size 10"):
        check_microbatch(plan(batch_size=10, microbatch_size=11))


def test_the_options_of_fit_that_are_no_choices_are_known():
    assert {option.name for option in fields(FitOptions)} - {"epochs", "time_limit_s"} == FIT_OPTIONS
    assert not FIT_OPTIONS & {name for name, choice in CHOICES.items() if choice.is_settable}
