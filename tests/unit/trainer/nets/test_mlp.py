import pytest
import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.nets.mlp import MLP, WideDeep


@pytest.mark.parametrize("net_class", [MLP, WideDeep])
@pytest.mark.parametrize("shape", [(5,), (1, 8, 8)])
def test_any_shape_is_flattened(net_class, shape):
    assert net_class(shape, 3)(torch.randn(4, *shape)).shape == (4, 3)


def test_the_activation_is_a_choice():
    kinds = {type(module) for module in MLP((5,), 3, activation="gelu").modules()}
    assert nn.GELU in kinds
    assert nn.ReLU not in kinds


def test_no_hidden_layer_is_a_linear_model():
    assert sum(isinstance(module, nn.Linear) for module in MLP((5,), 3, hidden=()).modules()) == 1


def test_wide_deep_starts_as_its_linear_part():
    net = WideDeep((5,), 3)
    inputs = torch.randn(4, 5)
    assert torch.equal(net(inputs), net.wide(inputs))


def test_wide_deeps_mlp_learns_from_the_first_step_on():
    net = WideDeep((5,), 3)
    net(torch.randn(4, 5)).square().sum().backward()
    assert net.deep.last.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("options", [{"activation": "rellu"}, {"dropout": 1.0}, {"hidden": (0,)}])
def test_options_are_checked(options):
    with pytest.raises(OptionError):
        MLP((5,), 3, **options)
