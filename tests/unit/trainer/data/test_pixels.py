"""Pillow images as arrays of one mode and size."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from naiad.trainer.data.pixels import ImageShape, to_array


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_is_converted(mode: str, channels: int) -> None:
    array = to_array(Image.new(mode, (6, 5)), ImageShape(channels, 4, 3))
    assert array.shape == (channels, 4, 3)
    assert array.dtype == np.uint8


def test_float_pixels_up_to_one_are_scaled() -> None:
    assert to_array(Image.fromarray(np.array([[0.0, 1.0]], np.float32)), ImageShape(1, 1, 2)).tolist() == [[[0, 255]]]


@pytest.mark.parametrize("is_sideways", [False, True])
def test_a_jpeg_is_decoded_no_larger_than_needed(is_sideways: bool) -> None:
    exif = Image.Exif()
    if is_sideways:
        exif[0x0112] = 6
    file = io.BytesIO()
    photo = Image.fromarray(load_sample_images().images[0]).crop((0, 0, 400, 320))
    photo.save(file, "JPEG", quality=90, exif=exif)
    shape = ImageShape(3, 80, 64) if is_sideways else ImageShape(3, 64, 80)
    with Image.open(file) as image:
        light = to_array(image, shape).astype(float)
        assert image.size in ((100, 80), (200, 160)) or is_sideways
    with Image.open(file) as image:
        image.load()
        whole = to_array(image, shape).astype(float)
    assert light.shape == whole.shape == shape.chw
    assert 10 * np.log10(255**2 / ((light - whole) ** 2).mean()) > 35
