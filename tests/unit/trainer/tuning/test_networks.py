"""The network of a trial: copied, made by a class or function, or of the registry, with its own parameters."""

import functools
import inspect

import pytest
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.nets.registry import list_networks
from naiad.trainer.nets.table import TableEnsemble
from naiad.trainer.tuning.layer_widths import WIDTHS
from naiad.trainer.tuning.networks import TrialNetworks


class Sized(nn.Module):
    def __init__(self, width: int = 8, *, rate: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Dropout(rate), nn.Linear(width, 3))

    def forward(self, x):
        return self.layers(x)


def make_sized(depth=1):
    return nn.Sequential(*(nn.Linear(5, 5) for _ in range(depth)), nn.Linear(5, 3))


def test_a_module_is_copied_and_stays(blobs):
    net = Sized()
    made, source = TrialNetworks(net, blobs).make({"activation": "gelu", "dropout": 0.4})
    assert made is not net
    assert torch.equal(made.layers[0].weight, net.layers[0].weight)
    assert isinstance(made.layers[1], nn.GELU)
    assert made.layers[2].p == 0.4
    assert isinstance(net.layers[1], nn.ReLU)
    assert (net.layers[2].p, source.name) == (0.1, "Sized")


def test_a_class_takes_its_parameters(blobs):
    networks = TrialNetworks(Sized, blobs)
    assert networks.parameters() == {"width": 8, "rate": 0.1}
    assert networks.make({"width": 16})[0].layers[0].out_features == 16
    assert networks.has_dropout()


def test_a_function_makes_networks(blobs):
    networks = TrialNetworks(make_sized, blobs)
    assert len(networks.make({"depth": 3})[0]) == 4
    with pytest.raises(NetworkError, match=r"make_sized\(depth='x'\) raised TypeError"):
        networks.make({"depth": "x"})


def test_the_registry_takes_options_width_and_depth(blobs):
    networks = TrialNetworks("mlp", blobs)
    net, source = networks.make({"width": 32, "depth": 3, "activation": "silu", "dropout": 0.2})
    widths = [module.out_features for module in net.modules() if isinstance(module, nn.Linear)]
    assert widths == [32, 16, 8, 3]
    assert source.arguments["options"]["activation"] == "silu"
    assert networks.make({})[1].arguments.keys() == {"input_shape", "outputs"}


def test_none_is_the_default_network(blobs):
    networks = TrialNetworks(None, blobs)
    assert networks.name == "table"
    assert isinstance(networks.make({"members": 2})[0], TableEnsemble)


def test_a_file_names_a_class(blobs, tmp_path):
    file = tmp_path / "own.py"
    text = inspect.getsource(Sized)
    file.write_text(f"from torch import nn\n\n\n{text}")
    net, source = TrialNetworks(f"{file}:Sized", blobs).make({"width": 4})
    assert net.layers[0].out_features == 4
    assert "class Sized" in source.source


@pytest.mark.parametrize(
    ("net", "message"), [(3, "given a int"), ("mpl", "did you mean 'mlp'"), (dict, "is no torch.nn.Module")]
)
def test_what_is_no_network_is_refused(blobs, net, message):
    with pytest.raises(NetworkError, match=message):
        TrialNetworks(net, blobs)


def test_a_function_that_returns_none_is_refused(blobs):
    with pytest.raises(NetworkError, match="returns a NoneType"):
        TrialNetworks(lambda: None, blobs).make({})


def test_dropout_without_dropout_modules_is_refused(blobs):
    with pytest.raises(NetworkError, match="has no dropout modules"):
        TrialNetworks(make_sized, blobs).make({"dropout": 0.2})


@pytest.mark.parametrize("name", sorted(WIDTHS))
def test_widths_have_the_networks_own_defaults(name):
    widths = WIDTHS[name]
    entry = next(entry for entry in list_networks() if entry.name == name)
    assert widths.option in entry.options
    shape = (3, 16, 16) if "conv" in name or name == "residual" else (6,)
    plain = entry.build(shape, 4, {})
    made = entry.build(shape, 4, widths.to_options(widths.defaults))
    assert [tuple(one.shape) for one in plain.parameters()] == [tuple(one.shape) for one in made.parameters()]


def test_a_parameter_without_a_default_has_a_value_to_start_with(blobs):
    networks = TrialNetworks(lambda width, bias: nn.Linear(5, 3, bias=bias), blobs)
    assert networks.required() == ("width", "bias")
    networks.start_with({"width": 4, "bias": False, "unknown": 1})
    assert networks.parameters() == {"width": 4, "bias": False}
    assert networks.make({"width": 8})[0].bias is None
    assert networks.required() == ()


def test_a_function_that_returns_its_network_again_is_refused(blobs):
    """A trial would go on with the weights of another one."""
    net = nn.Linear(5, 3)
    networks = TrialNetworks(lambda: net, blobs)
    networks.make({})
    with pytest.raises(NetworkError, match="returns the same network again"):
        networks.make({})


def test_a_partial_function_has_a_name(blobs):
    assert TrialNetworks(functools.partial(nn.Linear, 5, 3), blobs).name == "partial"


def test_a_factorys_own_values_may_be_good_together_only(blobs):
    own = TrialNetworks(lambda activation="relu": nn.Linear(5, 3), blobs)
    assert not own.has_fixed_values("activation")
    assert own.has_fixed_values("dropout")
    assert TrialNetworks("mlp", blobs).has_fixed_values("activation")
    assert not TrialNetworks("mlp", blobs).has_fixed_values("hidden")
