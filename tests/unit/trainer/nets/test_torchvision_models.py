"""torchvision's models by name."""

import pytest
import torch

from naiad.errors import NetworkError, OptionError
from naiad.trainer.nets.torchvision_models import build_model, model_names


def test_only_classification_models_are_listed():
    assert {"resnet18", "mobilenet_v3_small"} <= set(model_names())
    assert not [name for name in model_names() if "fasterrcnn" in name or "raft" in name]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_first_convolution_takes_the_datas_channels(channels):
    net = build_model("squeezenet1_1", (channels, 32, 32), 7)
    assert net.eval()(torch.randn(2, channels, 32, 32)).shape == (2, 7)


def test_an_adapted_convolution_differs_in_its_channels_only():
    before, after = build_model("resnet18", (3, 32, 32), 7).conv1, build_model("resnet18", (1, 32, 32), 7).conv1
    assert after.in_channels == 1
    assert repr(after) == repr(before).replace("Conv2d(3,", "Conv2d(1,")


def test_an_unknown_model_suggests_a_similar_one():
    with pytest.raises(OptionError, match="resnet81") as caught:
        build_model("resnet81", (3, 32, 32), 7)
    assert caught.value.hint == "did you mean 'resnet18'?"


def test_flat_data_is_an_error():
    with pytest.raises(NetworkError, match=r"the data has shape \(64,\)"):
        build_model("resnet18", (64,), 7)


def test_a_vision_transformer_needs_whole_patches():
    with pytest.raises(NetworkError, match="multiple of 16, but the data has 28×28") as caught:
        build_model("vit_b_16", (1, 28, 28), 7)
    assert caught.value.hint == "image_size=32 resizes them"
