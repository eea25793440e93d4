"""The network argument of fit, and the record of its origin."""

from pathlib import Path

import pytest
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.data.dataset import Task
from naiad.trainer.nets import create_network, resolve_network
from naiad.trainer.nets.guide import Net, SimpleNet
from naiad.trainer.nets.mlp import MLP


class UserNetwork(nn.Module):
    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 10)

    def forward(self, inputs):
        return self.layer(inputs)


class NeedsWidth(UserNetwork):
    def __init__(self, width: int) -> None:
        super().__init__(width)


@pytest.mark.parametrize(
    ("shape", "task", "name"),
    [
        ((1, 28, 28), Task.CLASSIFICATION, "residual"),
        ((3, 16, 16), Task.REGRESSION, "residual"),
        ((1, 5, 5), Task.CLASSIFICATION, "table"),
        ((6,), Task.CLASSIFICATION, "table"),
        ((6,), Task.REGRESSION, "table"),
        ((6,), Task.CLUSTERING, "autoencoder"),
        ((1, 8, 8), Task.CLUSTERING, "conv-autoencoder"),
    ],
)
def test_none_gives_the_default_for_the_data(data, shape, task, name):
    dataset = data(shape, task=task)
    net, source = resolve_network(None, dataset=dataset)
    assert source.name == name
    assert source.arguments.items() >= {"input_shape": list(shape), "outputs": dataset.outputs}.items()
    again = create_network(source.name, **source.arguments)
    assert repr(again) == repr(net)
    again.load_state_dict(net.state_dict())


def test_a_name(data):
    net, source = resolve_network("simplenet", dataset=data((1, 28, 28), classes=4))
    assert isinstance(net, SimpleNet)
    assert (source.registered, source.arguments["outputs"]) == (True, 4)


def test_a_file(data, tmp_path):
    (tmp_path / "own.py").write_text(
        "from torch import nn\nclass Own(nn.Linear):\n    def __init__(self): super().__init__(5, 10)\n"
    )
    net, source = resolve_network(f"{tmp_path}/own.py:Own", dataset=data((5,)))
    assert (net.out_features, source.name) == (10, "Own")


@pytest.mark.parametrize(
    ("net", "name", "shape"), [(SimpleNet(7), "simplenet", [1, 28, 28]), (Net(7), "net", [3, 32, 32])]
)
def test_objects_of_the_guides_networks_are_recognised(data, net, name, shape):
    dataset = data((5,))
    before = torch.get_rng_state()
    module, source = resolve_network(net, dataset=dataset)
    assert module is net
    assert (source.name, source.registered, source.arguments) == (name, True, {"input_shape": shape, "outputs": 7})
    assert torch.equal(torch.get_rng_state(), before)


def test_a_modified_network_of_the_guide_is_not_registered(data):
    net = SimpleNet()
    net.fc2 = nn.Linear(256, 20)
    assert resolve_network(net, dataset=data((5,)))[1].registered is False


def test_the_text_of_an_objects_file_is_recorded(data):
    _, source = resolve_network(UserNetwork(), dataset=data((5,)))
    assert (source.name, source.registered) == ("UserNetwork", False)
    assert source.source == Path(__file__).read_text()


@pytest.mark.parametrize("net", [nn.Linear(5, 10), MLP((5,), 10)])
def test_the_text_of_a_library_is_not_recorded(data, net):
    source = resolve_network(net, dataset=data((5,)))[1]
    assert (source.registered, source.source) == (False, None)


def test_a_class_is_instantiated(data):
    assert isinstance(resolve_network(UserNetwork, dataset=data((5,)))[0], UserNetwork)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (NeedsWidth, "NeedsWidth cannot be made without arguments: it needs width"),
        (dict, "given the class dict, which is no torch.nn.Module"),
        (3, "given a int"),
        (Path("net.py"), "given net.py (a path)"),
    ],
)
def test_an_argument_that_is_no_network_is_an_error(data, net, message):
    with pytest.raises(NetworkError) as caught:
        resolve_network(net, dataset=data((5,)))
    assert message in str(caught.value)
    assert caught.value.hint
