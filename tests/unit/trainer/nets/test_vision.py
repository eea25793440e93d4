import pytest
import torch

from naiad.errors import NetworkError, OptionError
from naiad.trainer.nets.vision import build, model_names


def test_classification_models_only():
    assert {"resnet18", "mobilenet_v3_small"} <= set(model_names())
    assert not [name for name in model_names() if "fasterrcnn" in name or "raft" in name]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_first_convolution_takes_the_datas_channels(channels):
    net = build("squeezenet1_1", (channels, 32, 32), 7)
    assert net.eval()(torch.randn(2, channels, 32, 32)).shape == (2, 7)


def test_an_adapted_convolution_is_like_the_one_before():
    before, after = build("resnet18", (3, 32, 32), 7).conv1, build("resnet18", (1, 32, 32), 7).conv1
    assert after.in_channels == 1
    assert repr(after) == repr(before).replace("Conv2d(3,", "Conv2d(1,")


def test_an_unknown_model_offers_the_nearest():
    with pytest.raises(OptionError, match="resnet81") as caught:
        build("resnet81", (3, 32, 32), 7)
    assert caught.value.hint == "did you mean 'resnet18'?"


def test_flat_data_is_refused():
    with pytest.raises(NetworkError, match=r"the data has shape \(64,\)"):
        build("resnet18", (64,), 7)


def test_a_vision_transformer_wants_whole_patches():
    with pytest.raises(NetworkError, match="multiple of 16, the data has 28×28") as caught:
        build("vit_b_16", (1, 28, 28), 7)
    assert caught.value.hint == "image_size=32 resizes them"
