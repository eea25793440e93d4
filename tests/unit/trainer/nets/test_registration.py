"""Layers and weights in plain attributes are told."""

import pytest
import torch
from torch import nn

from naiad.trainer.nets.registration import report_unregistered


def frozen() -> nn.Module:
    return nn.Linear(4, 4).requires_grad_(False)


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
