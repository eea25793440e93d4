"""Whether two plans compute the same."""

from dataclasses import replace

import torch
from torch import nn

from naiad.trainer.autoscale.agreement import measure_agreement
from naiad.trainer.autoscale.network_probe import NetworkProbe


def test_a_plan_agrees_with_itself(probe, plan):
    agreement = measure_agreement(probe, plan(), plan())
    assert agreement.is_close
    assert agreement.loss_difference == 0
    assert agreement.cosine > 0.999


def test_plans_that_differ_by_rounding_agree(probe, plan):
    agreement = measure_agreement(probe, plan(), plan(precision="bf16"))
    assert agreement.is_close
    assert agreement.loss_difference > 0


class Different(nn.Module):
    """Computes something else under autocast."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 3)

    def forward(self, inputs):
        return self.inner(-inputs if torch.is_autocast_enabled("cpu") else inputs)


def test_a_network_that_computes_something_else_in_bf16_does_not_agree(probe, plan):
    different = NetworkProbe(Different(), probe.features, probe.loss, probe.split)
    assert not measure_agreement(different, plan(), replace(plan(), precision="bf16")).is_close
