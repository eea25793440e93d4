import pytest
import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.choices import check_wishes, make_plan
from naiad.trainer.plan import choice_names


def a_net():
    return nn.Sequential(nn.Linear(5, 3))


def test_every_choice_has_a_value_and_a_reason(blobs):
    plan = make_plan(a_net(), blobs, {}, seed=7)
    rows = plan.rows()
    assert [row[0] for row in rows] == list(choice_names())
    assert all(value and reason for _, value, reason, _ in rows)
    assert plan.seed == 7


def test_what_the_user_sets_is_kept_and_told(blobs):
    plan = make_plan(a_net(), blobs, {"epochs": 3, "batch_size": 20, "clip_norm": None, "optimizer": "sgd"}, seed=0)
    assert (plan.epochs, plan.batch_size, plan.clip_norm, plan.total_steps) == (3, 20, None, 15)
    assert dict(plan.reasons)["batch_size"].text == "set by the user"


def test_the_same_question_gives_the_same_plan_and_draws_no_random_number(blobs):
    net = nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Dropout(), nn.Linear(20, 3))
    before = torch.get_rng_state()
    plans = [make_plan(net, blobs, {}, seed=0) for _ in range(2)]
    assert plans[0] == plans[1]
    assert torch.equal(before, torch.get_rng_state())
    assert plans[0].optimizer == "sgd"
    assert plans[0].memory_format == "channels_last"


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
        ({"augment": "flip,crup"}, "augment 'crup' is not known", "crop"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wishes, message, hint):
    with pytest.raises(OptionError, match=message) as error:
        check_wishes(wishes)
    assert hint is None or hint in error.value.hint


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"batch_size": "64"}, {"batch_size": 64}),
        ({"clip_norm": "off"}, {"clip_norm": None}),
        ({"augment": "flip,shift"}, {"augment": ("flip", "shift")}),
        ({"learning_rate": "1e-3"}, {"learning_rate": 0.001}),
    ],
)
def test_text_from_a_command_line_is_understood(given, kept):
    assert check_wishes(given) == kept


def test_augmentation_is_for_images(blobs):
    with pytest.raises(OptionError, match="augment is for images"):
        make_plan(a_net(), blobs, {"augment": "flip"}, seed=0)
