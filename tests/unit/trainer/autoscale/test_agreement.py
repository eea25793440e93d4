"""Whether two plans compute the same."""

from dataclasses import replace

import torch
from torch import nn

from naiad.trainer.autoscale.agreement import agreement
from naiad.trainer.autoscale.bench import Bench


def test_a_plan_agrees_with_itself(bench, plan):
    found = agreement(bench, plan(), plan())
    assert found.agrees
    assert found.loss_gap == 0
    assert found.cosine > 0.999


def test_rounding_agrees(bench, plan):
    found = agreement(bench, plan(), plan(precision="bf16"))
    assert found.agrees
    assert found.loss_gap > 0


class Different(nn.Module):
    """Another function of its inputs under autocast."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 3)

    def forward(self, inputs):
        return self.inner(-inputs if torch.is_autocast_enabled("cpu") else inputs)


def test_another_function_does_not(bench, plan):
    of = Bench(Different(), bench.features, bench.loss, bench.split)
    assert not agreement(of, plan(), replace(plan(), precision="bf16")).agrees
