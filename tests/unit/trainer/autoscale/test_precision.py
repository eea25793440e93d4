"""bf16 where the hardware has it, it agrees and it is faster."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.trainer.autoscale import precision
from naiad.trainer.machine import device


@pytest.fixture(autouse=True)
def with_bf16(monkeypatch):
    monkeypatch.setattr(device, "has_bf16", lambda _: True)


FASTER = {"bf16": 0.002, "fp32": 0.004}


def test_the_faster_format_is_chosen_where_both_agree(scripted, make_setup, choose, plan):
    after = choose(precision, plan(), make_setup(scripted(lambda tried: FASTER[tried.precision])))
    assert after.precision == "bf16"


def test_fp32_is_chosen_where_bf16_is_slower(scripted, make_setup, choose, plan):
    slower = {"bf16": 0.005, "fp32": 0.004}
    after = choose(precision, plan(precision="bf16"), make_setup(scripted(lambda tried: slower[tried.precision])))
    assert after.precision == "fp32"


class Delicate(nn.Module):
    """Differences of large numbers: bf16 cannot keep them apart."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 3)

    def forward(self, inputs):
        large = self.inner(inputs) + 4000
        return large.to(torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32).float() - 4000


def test_fp32_is_chosen_where_bf16_does_not_agree(probe, scripted, make_setup, choose, plan):
    scripted_probe = scripted(lambda tried: FASTER[tried.precision])
    scripted_probe.real = replace(probe, net=Delicate())
    after = choose(precision, plan(precision="bf16"), make_setup(scripted_probe))
    assert after.precision == "fp32"
    assert "does not agree" in after.reason("precision").text


def test_without_bf16_units_nothing_is_tried(monkeypatch, scripted, make_setup, choose, plan):
    monkeypatch.setattr(device, "has_bf16", lambda _: False)
    probe = scripted(lambda _: 0.004)
    assert choose(precision, plan(), make_setup(probe)) == plan()
    assert probe.timed == []
