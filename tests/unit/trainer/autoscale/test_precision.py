"""bf16 where it is there, agrees and is faster."""

import pytest
import torch
from torch import nn

from naiad.trainer.autoscale import precision
from naiad.trainer.autoscale.agreement import agreement
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.machine import device


@pytest.fixture(autouse=True)
def with_bf16(monkeypatch):
    monkeypatch.setattr(device, "has_bf16", lambda _: True)


FASTER = {"bf16": 0.002, "fp32": 0.004}


def test_the_faster_of_two_that_agree(scripted, measuring, plan):
    found = precision.choose(plan(), measuring(scripted(lambda tried: FASTER[tried.precision])))
    assert found.precision == "bf16"


def test_fp32_where_bf16_is_slower(scripted, measuring, plan):
    slower = {"bf16": 0.005, "fp32": 0.004}
    found = precision.choose(plan(precision="bf16"), measuring(scripted(lambda tried: slower[tried.precision])))
    assert found.precision == "fp32"


class Delicate(nn.Module):
    """Differences of large numbers: bf16 cannot keep them apart."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 3)

    def forward(self, inputs):
        large = self.inner(inputs) + 4000
        return large.to(torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32).float() - 4000


def test_fp32_where_bf16_does_not_agree(blobs, bench, scripted, measuring, plan):
    of = scripted(lambda tried: FASTER[tried.precision])
    of.real = Bench(Delicate(), blobs.features, bench.loss, blobs.train)
    found = precision.choose(plan(precision="bf16"), measuring(of))
    assert found.precision == "fp32"
    assert "does not agree" in dict(found.reasons)["precision"].text


def test_without_units_nothing_is_tried(monkeypatch, scripted, measuring, plan):
    monkeypatch.setattr(device, "has_bf16", lambda _: False)
    of = scripted(lambda _: 0.004)
    assert precision.choose(plan(), measuring(of)) == plan()
    assert of.timed == []


def test_a_plan_agrees_with_itself(bench, plan):
    found = agreement(bench, plan(), plan())
    assert found.agrees
    assert found.loss_gap == 0
