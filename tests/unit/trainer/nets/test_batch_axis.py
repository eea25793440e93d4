"""Recurrent and attention networks that run over the samples instead of the steps."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from naiad.errors import NetworkError
from naiad.trainer.nets.batch_axis import check_batch_axis


class Net(nn.Module):
    def __init__(self, layer: nn.Module, take: Any) -> None:
        super().__init__()
        self.layer, self.out, self.take = layer, nn.Linear(8, 3), take

    def forward(self, inputs: Tensor) -> Tensor:
        scores: Tensor = self.out(self.take(self.layer, inputs))
        return scores


def last_step(layer: Any, inputs: Tensor) -> Any:
    return layer(inputs)[0][:, -1]


def attention(layer: Any, inputs: Tensor) -> Any:
    return layer(inputs).mean(1)


def check(net: nn.Module, shape: tuple[int, ...]) -> list[str]:
    """Returns the kinds of what is reported."""
    torch.manual_seed(0)
    net.eval()
    inputs = torch.randn(2, *shape)
    with torch.no_grad():
        return [item.kind for item in check_batch_axis(net, inputs, net(inputs)).items]


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (Net(nn.LSTM(4, 8, batch_first=True), last_step), (6, 4)),
        (Net(nn.GRU(4, 8, batch_first=True, bidirectional=False), last_step), (6, 4)),
        (Net(nn.GRU(4, 8), lambda layer, x: layer(x.transpose(0, 1))[0][-1]), (6, 4)),
        (Net(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), attention), (6, 8)),
        (nn.Linear(4, 3), (4,)),
        (nn.Sequential(nn.Flatten(), nn.Linear(24, 3)), (6, 4)),
    ],
)
def test_networks_that_keep_samples_apart_pass(net: nn.Module, shape: tuple[int, ...]) -> None:
    assert check(net, shape) == []


@pytest.mark.parametrize(
    ("net", "shape", "kind"),
    [
        (
            Net(nn.GRU(4, 8, batch_first=True), lambda layer, x: last_step(layer, x + torch.randn_like(x))),
            (6, 4),
            "random",
        ),
        (Net(nn.Linear(4, 8), lambda layer, x: functional.dropout(layer(x))), (4,), "random"),
        (Net(nn.Linear(4, 8), lambda layer, x: layer(x - x.mean(0))), (4,), "mixed"),
        (Net(nn.Linear(2, 8), lambda layer, x: layer(x.view(-1, 2))[: len(x)]), (4,), "mixed"),
        (nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, track_running_stats=False)), (4,), "mixed"),
        (Net(nn.BatchNorm1d(8), lambda layer, x: layer.train()(x)), (8,), "mixed"),
    ],
)
def test_random_outputs_and_mixed_samples_are_told(net: nn.Module, shape: tuple[int, ...], kind: str) -> None:
    assert check(net, shape) == [{"random": "random-output", "mixed": "mixed-samples"}[kind]]


@pytest.mark.parametrize(
    ("net", "shape", "hint"),
    [
        (Net(nn.LSTM(4, 8), last_step), (6, 4), "batch_first=True"),
        (Net(nn.GRU(4, 8), last_step), (6, 4), "batch_first=True"),
        (Net(nn.RNN(4, 8, batch_first=True), lambda layer, x: layer(x)[0]), (4,), r"give \(N, T, F\)"),
        (Net(nn.TransformerEncoderLayer(8, 2, 16), attention), (6, 8), "batch_first=True"),
        (Net(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), lambda layer, x: layer(x)), (8,), r"\(N, T, F\)"),
    ],
)
def test_networks_that_mix_samples_are_refused(net: nn.Module, shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(NetworkError, match="mixes the samples of a batch") as caught:
        check(net, shape)
    assert caught.value.hint is not None
    assert re.search(hint, caught.value.hint)
