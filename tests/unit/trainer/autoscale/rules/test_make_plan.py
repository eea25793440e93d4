"""The plan by rules."""

import torch
from torch import nn

from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.plan.plan import CHOICES


def test_every_choice_has_a_value_and_a_reason(nets, blobs):
    plan = make_plan(nets.linear(), blobs, {}, seed=7)
    rows = plan.rows()
    assert [row[0] for row in rows] == list(CHOICES)
    assert all(value and reason for _, value, reason, _ in rows)
    assert plan.seed == 7


def test_overrides_are_kept_and_named_in_the_plan(nets, blobs):
    plan = make_plan(
        nets.linear(), blobs, {"epochs": 3, "batch_size": 20, "clip_norm": None, "optimizer": "sgd"}, seed=0
    )
    assert (plan.epochs, plan.batch_size, plan.clip_norm, plan.total_steps) == (3, 20, None, 15)
    assert dict(plan.reasons)["batch_size"].text == "set by the user"


def test_the_same_inputs_give_the_same_plan_and_use_no_random_number(blobs):
    net = nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Dropout(), nn.Linear(20, 3))
    before = torch.get_rng_state()
    plans = [make_plan(net, blobs, {}, seed=0) for _ in range(2)]
    assert plans[0] == plans[1]
    assert torch.equal(before, torch.get_rng_state())
    assert plans[0].optimizer == "muon"
    assert plans[0].memory_format == "channels_last"
