"""The two networks of the guide."""

import pytest
import torch

from naiad.errors import OptionError
from naiad.trainer.nets.guide import Net, SimpleNet


@pytest.mark.parametrize(("net_class", "shape"), [(SimpleNet, (1, 28, 28)), (Net, (3, 32, 32))])
def test_images_in_logits_out(net_class, shape):
    assert net_class()(torch.randn(3, *shape)).shape == (3, 10)
    assert net_class(classes=4)(torch.randn(2, *shape)).shape == (2, 4)


def test_outputs_are_logits():
    logits_BK = SimpleNet()(torch.randn(16, 1, 28, 28))
    assert (logits_BK < 0).any()


def test_the_guides_layers():
    shapes = {name: tuple(weight.shape) for name, weight in SimpleNet().named_parameters() if weight.ndim > 1}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv2.weight": (16, 6, 5, 5),
        "fc1.weight": (256, 256),
        "fc2.weight": (10, 256),
    }
    assert Net().fc1.weight.shape == (512, 128 * 4 * 4)


@pytest.mark.parametrize("classes", [0, -1, 2.5, "10", True])
def test_classes_must_be_a_count(classes):
    with pytest.raises(OptionError, match="classes"):
        SimpleNet(classes)
