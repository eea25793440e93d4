"""The residual network."""

import pytest
import torch

from naiad.errors import NetworkError, OptionError
from naiad.trainer.nets.residual import ResidualCNN


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 20), (5, 64, 64)])
def test_any_image_from_8x8_on(shape):
    assert ResidualCNN(shape, 4, channels=(8, 16, 16))(torch.randn(2, *shape)).shape == (2, 4)


def test_another_size_than_it_was_made_for():
    assert ResidualCNN((1, 28, 28), 4)(torch.randn(2, 1, 19, 40)).shape == (2, 4)


def test_depth_is_the_number_of_blocks_in_a_stage():
    assert len(ResidualCNN((1, 8, 8), 4, channels=(8, 16), depth=3).stages) == 6


@pytest.mark.parametrize(
    ("shape", "message"), [((64,), "takes images (C, H, W), the data has shape (64,)"), ((1, 7, 9), "the data has 7×9")]
)
def test_a_shape_that_is_no_image_of_8x8_is_an_error(shape, message):
    with pytest.raises(NetworkError) as caught:
        ResidualCNN(shape, 4)
    assert message in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("options", [{"channels": ()}, {"depth": 0}, {"dropout": -1}, {"activation": "step"}])
def test_options_are_checked(options):
    with pytest.raises(OptionError):
        ResidualCNN((1, 8, 8), 4, **options)
