"""Layers and weights in plain attributes are told."""

import pytest
import torch
from torch import nn

from naiad.trainer.nets.registration import report_unregistered


def frozen() -> nn.Module:
    return nn.Linear(4, 4).requires_grad_(False)


def test_private_attributes_are_looked_at_and_those_of_torch_are_not() -> None:
    net = nn.Sequential(nn.LSTM(4, 4), nn.Linear(4, 3))
    net.register_forward_hook(lambda *_: None)
    assert not report_unregistered(net).items
    net._blocks = [nn.Linear(8, 8)]  # type: ignore[assignment]
    assert [item.examples for item in report_unregistered(net).items] == [("_blocks",)]


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ([nn.Linear(4, 4)], True),
        ((nn.ReLU(), nn.Linear(4, 4)), True),
        ({"a": nn.Linear(4, 4)}, True),
        (torch.zeros(3, requires_grad=True), True),
        (torch.zeros(3), False),
        ([nn.ReLU()], False),
        ([frozen()], False),
        ([1, "text", None], False),
        (nn.ModuleList([nn.Linear(4, 4)]), False),
        (nn.Parameter(torch.zeros(3)), False),
    ],
)
def test_what_can_be_learnt_must_be_registered(value: object, is_told: bool) -> None:
    inner = nn.Linear(4, 3)
    inner.extra = value  # type: ignore[assignment]
    findings = report_unregistered(nn.Sequential(inner))
    assert [item.examples for item in findings.items] == ([("0.extra",)] if is_told else [])


def test_a_list_of_registered_layers_is_fine() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    net.layers = list(net)  # type: ignore[assignment]
    assert not report_unregistered(net).items
