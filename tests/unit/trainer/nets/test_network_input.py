"""The input that a network takes is found without leaving a trace in it."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from naiad.trainer.data.layout import Layout
from naiad.trainer.nets.network_input import NetworkInput, describe_network_input


def test_a_trial_leaves_no_trace() -> None:
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(), nn.LazyLinear(2)).train()
    before, state = {name: value.clone() for name, value in net[0].state_dict().items()}, torch.get_rng_state()
    assert NetworkInput(net).takes(torch.ones(2, 4))
    assert is_lazy(net[2].weight)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net[0].state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_an_output_that_is_no_score_a_sample_is_not_taken() -> None:
    assert not NetworkInput(nn.Linear(4, 2)).takes(torch.ones(2, 5))
    assert not NetworkInput(nn.Linear(4, 2)).takes(torch.ones(2, 3, 4))
    assert NetworkInput(nn.Conv2d(1, 1, 3, padding=1)).takes(torch.ones(2, 1, 8, 8))


def test_a_class_and_a_file_are_tried_by_a_throwaway_instance(tmp_path: Path) -> None:
    class Net(nn.Linear):
        def __init__(self) -> None:
            super().__init__(4, 2)

    file = tmp_path / "net.py"
    file.write_text("from torch import nn\nclass Net(nn.Linear):\n    def __init__(self): super().__init__(4, 2)\n")
    state = torch.get_rng_state()
    for given in (Net, f"{file}:Net"):
        network = describe_network_input(given)
        assert network is not None
        assert network.takes(torch.ones(2, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert describe_network_input(None) is None
    assert describe_network_input("mlp") is None


def test_the_first_decisive_layer() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project, self.lstm = nn.Linear(4, 8), nn.LSTM(8, 8)
            self.words = nn.Embedding(9, 8)

        def forward(self, inputs: Tensor) -> Tensor:
            return inputs

    network = NetworkInput(Positions())
    assert network.preferred_layout() is Layout.SEQUENCE
    assert network.token_count() == 9
    assert "Positions, whose first layer is Linear(" in network.describe()
    assert NetworkInput(nn.Linear(2, 2)).preferred_layout() is None
    assert NetworkInput(nn.Linear(2, 2)).token_count() is None
    assert NetworkInput(nn.Conv2d(1, 2, 3)).preferred_layout() is Layout.IMAGE


def test_the_axis_of_the_features() -> None:
    assert NetworkInput(nn.LSTM(4, 8)).feature_axis((6, 4)) == 1
    assert NetworkInput(nn.Conv1d(6, 8, 3)).feature_axis((6, 4)) == 0
    assert NetworkInput(nn.Conv1d(4, 8, 3)).feature_axis((6, 4)) == 1
