"""Images that are decoded each time they are taken."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.cleaning.lazy_images import LazyImages
from naiad.trainer.data.pixels import ImageShape
from naiad.trainer.data.sources.raw_data import ImageFiles


@pytest.fixture
def images(tmp_path: Path) -> LazyImages:
    for name, color in (("a", 10), ("b", 20)):
        Image.new("L", (4, 4), color).save(tmp_path / f"{name}.png")
    return LazyImages(ImageFiles([tmp_path / "a.png", tmp_path / "b.png"]), ImageShape(1, 4, 4))


def test_images_are_taken_in_the_order_of_the_indices(images: LazyImages) -> None:
    assert images.take(torch.tensor([1, 0]))[:, 0, 0, 0].tolist() == [20, 10]
    assert images.select(np.array([1])).take(torch.tensor([0]))[0, 0, 0, 0] == 20


def test_a_file_that_vanishes_later_is_an_error(images: LazyImages, tmp_path: Path) -> None:
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match="cannot be now"):
        images.take(torch.tensor([0]))
