"""Networks by name."""

import pytest
import torch
from torch import nn

from naiad.errors import NaiadError, NetworkError, OptionError
from naiad.trainer.data.dataset import Task
from naiad.trainer.nets import create_network, list_networks

SHAPES = {
    "simplenet": (1, 28, 28),
    "net": (3, 32, 32),
    "residual": (2, 12, 10),
    "mlp": (6,),
    "wide-deep": (6,),
    "table": (6,),
    "autoencoder": (6,),
    "conv-autoencoder": (1, 9, 8),
    "torchvision/squeezenet1_1": (1, 32, 32),
}


def test_these_tests_cover_every_network():
    assert {entry.name for entry in list_networks() if entry.family != "torchvision"} == set(SHAPES) - {
        "torchvision/squeezenet1_1"
    }


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_gradients_reach_every_weight(name, shape):
    torch.manual_seed(0)
    net = create_network(name, input_shape=shape, outputs=4)
    output = net(torch.randn(8, *shape))
    assert tuple(output.shape[1:]) == (shape if "autoencoder" in name else (4,))
    nn.functional.mse_loss(output, torch.randn_like(output)).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_every_network_exports_with_a_dynamic_batch(name, shape):
    net = create_network(name, input_shape=shape, outputs=4).eval()
    batch = torch.export.Dim("batch", min=1)
    exported = torch.export.export(net, (torch.randn(2, *shape),), dynamic_shapes=({0: batch},)).module()
    for samples in (1, 5):
        inputs = torch.randn(samples, *shape)
        torch.testing.assert_close(exported(inputs), net(inputs))


@pytest.mark.parametrize("name", ["autoencoder", "conv-autoencoder"])
def test_autoencoders_are_for_clustering(name):
    assert next(entry for entry in list_networks() if entry.name == name).tasks == (Task.CLUSTERING,)


def test_names_are_unique_and_torchvisions_are_among_them():
    names = [entry.name for entry in list_networks()]
    assert len(set(names)) == len(names)
    assert "torchvision/resnet18" in names


def test_options_are_passed_to_the_network():
    net = create_network("mlp", input_shape=[6], outputs=2, options={"activation": "tanh", "hidden": [3]})
    assert any(isinstance(module, nn.Tanh) for module in net.modules())
    entry = next(entry for entry in list_networks() if entry.name == "mlp")
    assert entry.options == ("hidden", "activation", "dropout")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("simplnet", "did you mean 'simplenet'?"),
        ("SimpleNet", "did you mean 'simplenet'?"),
        ("resnet18", "did you mean 'torchvision/resnet18'?"),
        ("torchvision/resnet81", "did you mean 'torchvision/resnet18'?"),
        ("qqq", "known: simplenet"),
    ],
)
def test_an_unknown_name_suggests_a_similar_one(name, hint):
    with pytest.raises(NetworkError, match="no network is called") as caught:
        create_network(name, input_shape=(6,), outputs=2)
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("name", "option", "hint"),
    [
        ("mlp", "hiden", "did you mean 'hidden'?"),
        ("simplenet", "hidden", "known: activation"),
        ("torchvision/alexnet", "hidden", "it takes none"),
    ],
)
def test_an_unknown_option_suggests_a_similar_one(name, option, hint):
    with pytest.raises(OptionError, match=f"{name} has no option '{option}'") as caught:
        create_network(name, input_shape=(1, 28, 28), outputs=2, options={option: 1})
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("name", "shape"),
    [("simplenet", (3, 32, 32)), ("net", (1, 28, 28)), ("conv-autoencoder", (6,)), ("residual", (6,))],
)
def test_a_wrong_shape_is_named(name, shape):
    with pytest.raises(NaiadError) as caught:
        create_network(name, input_shape=shape, outputs=2)
    assert str(shape) in str(caught.value)
