"""Blueprints of networks."""

import pytest

from naiad.trainer.nets.blueprint import create_blueprint
from naiad.trainer.nets.registry import create_network, list_networks

SHAPES = {"simplenet": (1, 28, 28), "net": (3, 32, 32), "residual": (1, 8, 8), "conv-autoencoder": (1, 8, 8)}
NAMES = [entry.name for entry in list_networks() if entry.family != "torchvision"]
MODELS = ["torchvision/regnet_y_400mf", "torchvision/swin_t"]


@pytest.mark.parametrize("name", [*NAMES, *MODELS])
def test_a_blueprint_has_the_shapes_of_the_network(name):
    shape = (3, 64, 64) if name in MODELS else SHAPES.get(name, (3,))
    arguments = {"input_shape": shape, "outputs": 2}
    state = create_blueprint(name, arguments).state_dict()
    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in create_network(name, **arguments).state_dict().items()
    }
    assert all(value.is_meta for key, value in state.items() if key.endswith("weight"))


def test_a_blueprint_of_a_huge_network_takes_no_memory():
    options = {"hidden": [10**9, 10**9]}
    state = create_blueprint("mlp", {"input_shape": (3,), "outputs": 10**9, "options": options}).state_dict()
    assert sum(value.numel() for value in state.values()) > 10**18
    bins = create_blueprint("table", {"input_shape": (3,), "outputs": 2, "options": {"bins": [10**12, 0, 0]}})
    assert bins.low.numel() == 10**12
