"""Pairs (images, labels) of paths and of PIL images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.prepare import prepare
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind

LABELS = ["cat", "dog"] * 3
IMAGES = [Image.new("RGB", (4, 4), (40 * index, 0, 0)) for index in range(6)]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{index}.png" for index in range(6)]
    for file, image in zip(files, IMAGES, strict=True):
        image.save(file)
    return files


def test_paths_are_read_as_images(paths: list[Path]) -> None:
    for given in (paths, tuple(paths), list(map(str, paths)), np.array(list(map(str, paths)))):
        raw = open_source((given, LABELS))
        assert raw.kind is InputKind.PIL_IMAGES
        assert raw.splits["train"].targets.tolist() == LABELS  # type: ignore[union-attr]
        assert raw.splits["train"].inputs.open(2).getpixel((0, 0)) == (80, 0, 0)


def test_images_of_several_sizes_are_resized() -> None:
    images = [image.resize((4 + index % 2, 4)) for index, image in enumerate(IMAGES)]
    dataset = prepare((images, LABELS))
    assert (dataset.classes, dataset.schema.sample_shape[0]) == (("cat", "dog"), 3)


def test_one_hot_labels_of_images_are_told() -> None:
    images = [image.resize((4 + index % 2, 4)) for index, image in enumerate(IMAGES)]
    raw = open_source((images, np.eye(2)[[0, 1] * 3]))
    assert [item.kind for item in raw.findings.items] == ["one-hot-labels"]
    assert np.asarray(raw.splits["train"].targets).tolist() == [0, 1] * 3


def test_a_palettes_colours_count_and_not_its_indices() -> None:
    split = open_source(([image.convert("P") for image in IMAGES], LABELS)).splits["train"]
    assert split.inputs.open(3).convert("RGB").getpixel((0, 0)) == pytest.approx((120, 0, 0), abs=26)


def test_images_of_one_size_stay_an_array() -> None:
    assert open_source((IMAGES, LABELS)).kind is InputKind.IMAGES


def test_text_that_names_no_images_is_refused(paths: list[Path]) -> None:
    with pytest.raises(DataError, match="not numbers"):
        open_source((["a good film", "a bad one"], [1, 0]))
    with pytest.raises(DataError, match="6 images and y has 2 labels"):
        open_source((paths, [1, 0]))
