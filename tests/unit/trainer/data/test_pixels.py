import numpy as np
import pytest
from PIL import Image

from naiad.trainer.data.pixels import Form, as_array


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_is_brought_to_the_form(mode: str, channels: int) -> None:
    array = as_array(Image.new(mode, (6, 5)), Form(channels, 4, 3))
    assert array.shape == (channels, 4, 3)
    assert array.dtype == np.uint8


def test_float_pixels_of_one_are_scaled() -> None:
    assert as_array(Image.fromarray(np.array([[0.0, 1.0]], np.float32)), Form(1, 1, 2)).tolist() == [[[0, 255]]]
