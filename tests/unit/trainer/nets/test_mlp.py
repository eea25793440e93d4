"""Networks of linear layers."""

import pytest
import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.nets.mlp import MLP, WideDeep


@pytest.mark.parametrize("net_class", [MLP, WideDeep])
@pytest.mark.parametrize("shape", [(5,), (1, 8, 8)])
def test_any_shape_is_flattened(net_class, shape):
    assert net_class(shape, 3)(torch.randn(4, *shape)).shape == (4, 3)


def test_the_activation_is_an_option():
    classes = {type(module) for module in MLP((5,), 3, activation="gelu").modules()}
    assert nn.GELU in classes
    assert nn.ReLU not in classes


def test_without_hidden_layers_the_network_is_linear():
    assert sum(isinstance(module, nn.Linear) for module in MLP((5,), 3, hidden=()).modules()) == 1


def test_wide_deep_starts_as_its_linear_part():
    net = WideDeep((5,), 3)
    inputs = torch.randn(4, 5)
    assert torch.equal(net(inputs), net.wide(inputs))


def test_the_mlp_of_wide_deep_has_a_gradient_at_the_first_step():
    net = WideDeep((5,), 3)
    net(torch.randn(4, 5)).square().sum().backward()
    assert net.deep.last_layer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("options", [{"activation": "rellu"}, {"dropout": 1.0}, {"hidden": (0,)}])
def test_options_are_checked(options):
    with pytest.raises(OptionError):
        MLP((5,), 3, **options)
