"""Regularisation by rule."""

import pytest
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.make_plan import make_plan


def test_augmentation_is_for_images(nets, blobs):
    with pytest.raises(OptionError, match="augment is for images"):
        make_plan(nets.linear(), blobs, {"augment": "flip"}, seed=0)


@pytest.mark.parametrize(
    ("momentum", "epochs", "expected"),
    [(0.01, 20, 0.0667), (0.01, 2, 0.1), (0.01, 2_000, None), (0.1, 2, None), (None, 2, None)],
)
def test_batchnorm_statistics_are_renewed_within_a_short_run(blobs, momentum, epochs, expected):
    net = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8, momentum=momentum), nn.Linear(8, 3))
    plan = make_plan(net, blobs, {"epochs": epochs, "batch_size": 7}, seed=0)
    assert plan.batchnorm_momentum == expected, plan.total_steps


def test_the_balance_of_classes_is_shown_and_can_be_overridden(nets, blobs):
    plan = make_plan(nets.linear(), blobs, {}, seed=0)
    assert plan.class_balance == 0
    assert "the most frequent class" in dict(plan.reasons)["class_balance"].measured
    assert make_plan(nets.linear(), blobs, {"class_balance": 1}, seed=0).class_balance == 1


def test_label_smoothing_and_ema_are_off_unless_the_user_sets_them(nets, blobs):
    plan = make_plan(nets.linear(), blobs, {}, seed=0)
    assert (plan.label_smoothing, plan.ema) == (0, None)
    plan = make_plan(nets.linear(), blobs, {"label_smoothing": 0.1, "ema": 0.99, "schedule": "cosine"}, seed=0)
    assert (plan.label_smoothing, plan.ema, plan.schedule) == (0.1, 0.99, "cosine")
