"""Pillow images as arrays of one mode and size."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from naiad.errors import DataError
from naiad.trainer.data.pixels import Depth, ImageShape, OtherDepthError, read_image, to_array


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_is_converted(mode: str, channels: int) -> None:
    array = to_array(Image.new(mode, (6, 5)), ImageShape(channels, 4, 3))
    assert array.shape == (channels, 4, 3)
    assert array.dtype == np.uint8


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_of_an_unknown_scale_are_refused_among_bytes(mode: str) -> None:
    with pytest.raises(OtherDepthError, match=f"mode {mode} has no known scale"):
        to_array(Image.new(mode, (6, 5)), ImageShape(3, 4, 3))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I", "F", "I;16"])
def test_models_from_before_read_images_as_they_did(mode: str) -> None:
    assert to_array(Image.new(mode, (6, 5)), ImageShape(3, 4, 3, background=None)).shape == (3, 4, 3)
    unit = Image.fromarray(np.array([[0.0, 1.0]], np.float32))
    assert to_array(unit, ImageShape(1, 1, 2, background=None)).tolist() == [[[0, 255]]]
    hidden = Image.new("RGBA", (1, 1), (10, 20, 30, 0))
    assert to_array(hidden, ImageShape(3, 1, 1, background=None)).flatten().tolist() == [10, 20, 30]


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_deep_pixels_stay_as_they_are_stored(dtype: str) -> None:
    values = np.array([[0, 1000, 4095], [7, 12000, 65535]], dtype)
    depth = Depth.FLOAT if dtype == "float32" else Depth.INTEGER
    array = to_array(Image.fromarray(values), ImageShape(1, 2, 3, depth=depth))
    assert array.dtype == np.float32
    assert array[0].tolist() == values.tolist()
    with pytest.raises(OtherDepthError, match="has 8 bits"):
        to_array(Image.new("L", (3, 2)), ImageShape(1, 2, 3, depth=depth))


def test_large_whole_numbers_keep_their_differences() -> None:
    values = np.array([[1_700_000_000, 1_700_000_001]], np.int32)
    array = to_array(Image.fromarray(values), ImageShape(1, 1, 2, depth=Depth.INTEGER, offset=1_700_000_000.0))
    assert array.tolist() == [[[0, 1]]]


@pytest.mark.parametrize(
    ("image", "channels", "expected"),
    [
        (Image.new("RGBA", (1, 1), (10, 20, 30, 0)), 3, [0, 0, 0]),
        (Image.new("RGBA", (1, 1), (10, 20, 30, 255)), 3, [10, 20, 30]),
        (Image.new("RGBA", (1, 1), (100, 100, 100, 51)), 3, [20, 20, 20]),
        (Image.new("LA", (1, 1), (100, 255)), 1, [100]),
        (Image.new("LA", (1, 1), (100, 0)), 1, [0]),
        (Image.new("RGBA", (1, 1), (10, 20, 30, 0)), 4, [10, 20, 30, 0]),
    ],
)
def test_transparent_pixels_are_laid_over_the_background(
    image: Image.Image, channels: int, expected: list[int]
) -> None:
    assert to_array(image, ImageShape(channels, 1, 1, background=0)).flatten().tolist() == expected


def test_a_transparent_colour_of_a_palette_is_laid_over_the_background() -> None:
    image = Image.new("P", (1, 1), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.info["transparency"] = 1
    assert to_array(image, ImageShape(3, 1, 1)).flatten().tolist() == [255, 255, 255]


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


def test_postscript_is_not_run(tmp_path: Path) -> None:
    """Pillow starts Ghostscript on a file whose content is PostScript, whatever it is called."""
    Image.new("L", (4, 4)).save(tmp_path / "x.eps")
    path = (tmp_path / "x.eps").rename(tmp_path / "x.png")
    with pytest.raises(DataError, match="PostScript is a program, which is not run"):
        read_image(path, ImageShape(1, 4, 4))
