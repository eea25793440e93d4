"""Activations of any network: modules are replaced, functions are found and told."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from naiad.errors import NetworkError, OptionError
from naiad.trainer.nets.guide import SimpleNet
from naiad.trainer.tuning.activations import find_activations, replace_activations


class Mixed(nn.Module):
    """One activation module, used twice by two names; calls of functions; a gate."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 8)
        self.act = self.same = nn.ReLU()
        self.gate = nn.Sigmoid()

    def forward(self, x):
        x = self.act(self.first(x))
        x = F.relu(self.second(x)) + x.relu()
        return self.same(x) * self.gate(x)


def kinds(net):
    return [type(module).__name__ for module in net.modules() if not list(module.children())]


def test_functions_are_counted_and_told():
    net = Mixed()
    report = find_activations(net, torch.randn(2, 4))
    assert report.functions == {"relu": 2}
    assert report.current == "relu"
    assert "relu (2 times)" in report.note
    assert net.training


def test_modules_are_replaced_and_gates_stay():
    net = Mixed()
    assert replace_activations(net, "gelu") == 2
    assert type(net.act).__name__ == type(net.same).__name__ == "GELU"
    assert "Sigmoid" in kinds(net)
    assert find_activations(net, torch.randn(2, 4)).current == "gelu"


def test_the_weights_stay_and_the_outputs_change():
    net = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.1), nn.Linear(8, 2)).eval()
    weights, inputs = {name: value.clone() for name, value in net.state_dict().items()}, torch.randn(3, 4)
    before = net(inputs)
    replace_activations(net, "silu")
    assert not torch.equal(net(inputs), before)
    assert net.state_dict().keys() == weights.keys()
    assert not net[1].training
    assert find_activations(net, inputs).note is None


def test_the_older_ones_are_replaced_where_there_are_no_others():
    net = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    assert replace_activations(net, "relu") == 2
    assert isinstance(net[5], nn.Sigmoid)  # the output


def test_a_transformer_layer_keeps_its_function_as_an_attribute():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.Sequential(layer, nn.Flatten(), nn.Linear(24, 2)).eval()
    inputs = torch.randn(2, 3, 8)
    before = net(inputs)
    assert find_activations(net, inputs).current == "relu"
    assert find_activations(net, inputs).functions == {}
    assert replace_activations(net, "silu") == 1
    assert not torch.equal(net(inputs), before)
    with torch.no_grad():  # torch's fast kernels know relu and gelu only
        assert torch.allclose(net(inputs), net.train(mode=False)(inputs))
    replace_activations(net, "relu")
    assert torch.allclose(net(inputs), before, atol=1e-6)


def test_the_guides_network_has_modules():
    net = SimpleNet(10)
    assert find_activations(net, torch.zeros(2, 1, 28, 28)).note is None
    assert replace_activations(net, "gelu") == 1


def test_a_network_without_activation_modules_is_refused():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 2)

        def forward(self, x):
            return torch.relu(self.linear(x))

    assert find_activations(Functional(), torch.randn(2, 4)).functions == {"relu": 1}
    with pytest.raises(NetworkError, match="no activation modules"):
        replace_activations(Functional(), "gelu")


def test_an_unknown_name_is_refused():
    with pytest.raises(OptionError, match="did you mean 'gelu'"):
        replace_activations(Mixed(), "gelo")
