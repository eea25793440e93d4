"""Headers of images, and the shape that is chosen from them."""

from pathlib import Path

import pytest
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.cleaning.image_headers import choose_image_shape, read_headers
from naiad.trainer.data.pixels import ImageShape
from naiad.trainer.data.sources.raw_data import ImageFiles


def test_large_images_are_made_smaller_and_reported(tmp_path: Path) -> None:
    Image.new("RGB", (448, 300)).save(tmp_path / "a.png")
    headers = read_headers(ImageFiles([tmp_path / "a.png"]))
    shape, findings = choose_image_shape(headers, None)
    assert (shape.height, shape.width) == (150, 224)
    assert findings.items[0].kind == "large-images"
    assert choose_image_shape(headers, (32, 16))[0] == ImageShape(3, 32, 16)


def test_a_folder_without_a_readable_image_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(DataError, match="none of the 1 training images"):
        choose_image_shape(read_headers(ImageFiles([tmp_path / "a.png"])), None)
