import pytest

from naiad.errors import OptionError
from naiad.trainer.autoscale.measure import CHOICES
from naiad.trainer.plan.overrides import MEASURED, RULE, check_wishes, kept


@pytest.mark.parametrize(
    ("wishes", "message", "hint"),
    [
        ({"batchsize": 3}, "no choice 'batchsize'", "batch_size"),
        ({"total_steps": 3}, "no choice 'total_steps'", "known"),
        ({"batch_size": 0}, "batch_size must be more than 0, given 0", None),
        ({"batch_size": "many"}, "batch_size takes a whole number, given 'many'", None),
        ({"batch_size": 2.5}, "batch_size takes a whole number, given 2.5", None),
        ({"learning_rate": float("nan")}, "learning_rate must be", None),
        ({"momentum": 1.5}, "momentum must be 0 or more and at most 0.9999", None),
        ({"optimizer": "sdg"}, "optimizer 'sdg' is not known", "sgd"),
        ({"feed": "disk"}, "feed 'disk' is not known", "memory"),
        ({"feed_workers": 0}, "feed_workers must be more than 0", None),
        ({"augment": "flip,crup"}, "augment 'crup' is not known", "crop"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wishes, message, hint):
    with pytest.raises(OptionError, match=message) as error:
        check_wishes(wishes)
    assert hint is None or hint in error.value.hint


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ({"batch_size": "64"}, {"batch_size": 64}),
        ({"clip_norm": "off"}, {"clip_norm": None}),
        ({"augment": "flip,shift"}, {"augment": ("flip", "shift")}),
        ({"learning_rate": "1e-3"}, {"learning_rate": 0.001}),
    ],
)
def test_text_from_a_command_line_is_understood(given, understood):
    assert check_wishes(given) == understood


def test_what_is_measured_can_be_left_to_the_rule():
    assert frozenset(CHOICES) == MEASURED
    wishes = check_wishes({"learning_rate": RULE, "batch_size": 8})
    assert wishes == {"learning_rate": RULE, "batch_size": 8}
    assert kept(wishes) == {"batch_size": 8}
    with pytest.raises(OptionError, match="optimizer 'rule' is not known"):
        check_wishes({"optimizer": RULE})
