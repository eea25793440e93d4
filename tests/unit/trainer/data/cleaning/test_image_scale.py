"""One scale and one background for a data set's images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.cleaning.clean import CleanedData, clean
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.pixels import Depth
from naiad.trainer.data.scale import ValueRange, measure_range
from naiad.trainer.data.sources.open import open_source

ALL = torch.arange(4)


def write(folder: Path, arrays: list[Any], suffix: str = "png") -> Path:
    for index, array in enumerate(arrays):
        path = folder / "ab"[index % 2] / f"{index}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(array).save(path)
    return folder


def clean_folder(folder: Path, limit: int = 10**9) -> CleanedData:
    return clean(open_source(folder), image_size=None, memory_limit_bytes=limit)


def kinds(cleaned: CleanedData) -> dict[str, int]:
    return {item.kind: item.count for item in cleaned.findings.items}


@pytest.mark.parametrize(
    ("dtype", "suffix", "depth", "top"),
    [
        ("uint16", "png", Depth.INTEGER, 4095),
        ("uint16", "tiff", Depth.INTEGER, 65535),
        ("int32", "tiff", Depth.INTEGER, 100_000),
        ("float32", "tiff", Depth.FLOAT, 0.001),
    ],
)
@pytest.mark.parametrize("limit", [10**9, 0])
def test_deep_images_keep_the_values_that_are_stored(
    tmp_path: Path, dtype: str, suffix: str, depth: Depth, top: float, limit: int
) -> None:
    arrays = [(np.random.default_rng(index).random((8, 9)) * top).astype(dtype) for index in range(4)]
    cleaned = clean_folder(write(tmp_path, arrays, suffix), limit)
    value_range = measure_range(np.stack(arrays))
    assert cleaned.schema == DeepImageSchema(8, 9, depth, value_range=value_range)
    assert kinds(cleaned) == {"deep-images": 4}
    names = cleaned.splits["train"].names
    expected = np.stack([arrays[int(Path(name).stem)] for name in names])
    assert np.array_equal(cleaned.splits["train"].samples.take(ALL)[:, 0].numpy(), expected.astype(np.float32))
    encoded = cleaned.schema.encode([tmp_path / name for name in names])
    assert np.array_equal(encoded[:, 0].numpy(), expected.astype(np.float32))
    assert np.array_equal(cleaned.schema.encode(expected)[:, 0].numpy(), expected.astype(np.float32))


def test_large_whole_numbers_are_exact(tmp_path: Path) -> None:
    arrays = [np.arange(index, index + 4, dtype=np.int32).reshape(2, 2) + 1_700_000_000 for index in range(4)]
    cleaned = clean_folder(write(tmp_path, arrays, "tiff"))
    value_range = ValueRange(0, 6, is_whole=True)
    assert cleaned.schema == DeepImageSchema(2, 2, Depth.INTEGER, 1_700_000_000.0, value_range)
    differences = cleaned.splits["train"].samples.take(ALL).amin(dim=(1, 2, 3))
    assert sorted(differences.tolist()) == [0, 1, 2, 3]


def test_the_few_images_of_another_depth_are_quarantined(tmp_path: Path) -> None:
    deep = [np.full((4, 4), 900 + index, np.uint16) for index in range(3)]
    cleaned = clean_folder(write(tmp_path, [*deep, np.full((4, 4), 9, np.uint8)]))
    assert kinds(cleaned) == {"deep-images": 3, "other-depth": 1}
    assert [entry.kind for entry in cleaned.findings.quarantine] == ["other-depth"]


def test_sixteen_bits_among_bytes_give_their_upper_eight(tmp_path: Path) -> None:
    arrays = [np.full((4, 4), 9, np.uint8)] * 3
    folder = write(tmp_path, [array + np.uint8(index) for index, array in enumerate(arrays)])
    Image.fromarray(np.full((4, 4), 65535, np.uint16)).save(folder / "a" / "deep.png")
    cleaned = clean_folder(folder)
    assert isinstance(cleaned.schema, ImageSchema)
    assert kinds(cleaned) == {"wrong-mode": 1}
    assert cleaned.splits["train"].samples.take(ALL).amax() == 255


def icon(level: int, place: int) -> Any:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[place : place + 2] = (level, level, level, 255)
    return pixels


@pytest.mark.parametrize(("level", "background"), [(0, 255), (255, 0), (128, 255), (200, 0)])
def test_the_background_shows_the_shapes(tmp_path: Path, level: int, background: int) -> None:
    cleaned = clean_folder(write(tmp_path, [icon(level, index) for index in range(4)]))
    assert cleaned.schema == ImageSchema(3, 8, 8, background)
    assert kinds(cleaned)["transparent-image"] == 4
    images = cleaned.splits["train"].samples.take(ALL)
    assert sorted(images.unique().tolist()) == sorted({level, background})
    assert torch.equal(cleaned.schema.encode(tmp_path / "a" / "0.png")[0], images[0])


def test_black_and_white_shapes_are_seen_on_grey(tmp_path: Path) -> None:
    cleaned = clean_folder(write(tmp_path, [icon(255 * (index % 2), index) for index in range(4)]))
    assert cleaned.schema == ImageSchema(3, 8, 8, 128)


def test_opaque_images_with_an_alpha_channel_stay_as_they_are(tmp_path: Path) -> None:
    arrays = [np.random.default_rng(index).integers(0, 256, (4, 4, 4), dtype=np.uint8) for index in range(4)]
    for array in arrays:
        array[..., 3] = 255
    cleaned = clean_folder(write(tmp_path, arrays))
    assert "transparent-image" not in kinds(cleaned)
    names = cleaned.splits["train"].names
    expected = np.stack([arrays[int(Path(name).stem)][..., :3] for name in names]).transpose(0, 3, 1, 2)
    assert np.array_equal(cleaned.splits["train"].samples.take(ALL).numpy(), expected)


@pytest.mark.parametrize("suffix", ["gif", "tiff"])
def test_files_with_several_frames_are_told(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (0, 255)]
    frames[0].save(tmp_path / f"several.{suffix}", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / f"one.{suffix}")
    assert kinds(clean_folder(tmp_path))["several-frames"] == 1


def test_a_test_folder_of_deep_images_on_another_scale_is_refused(tmp_path: Path) -> None:
    bright = [np.full((4, 4), 40_000 + index, np.uint16) for index in range(4)]
    dark = [np.full((4, 4), 40 + index, np.uint16) for index in range(4)]
    for name, arrays in (("train", bright), ("test", dark)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, arrays)
    message = "trained on pixels from 40000 to 40003, but these are from 40 to 43"
    for limit in (10**9, 0):
        with pytest.raises(DataError, match=message):
            clean_folder(tmp_path, limit)
        schema = clean_folder(tmp_path / "train", limit).schema
        with pytest.raises(DataError, match=message):
            clean(open_source(tmp_path / "test"), image_size=None, memory_limit_bytes=limit, schema=schema)


def test_streamed_deep_images_have_a_range_where_all_are_looked_at(tmp_path: Path) -> None:
    dark = [np.full((4, 4), 40 + (index == 1) * 40_000, np.uint16) for index in range(70)]
    folder = write(tmp_path, dark)
    in_memory, streamed = clean_folder(folder).schema, clean_folder(folder, 0).schema
    assert isinstance(in_memory, DeepImageSchema)
    assert isinstance(streamed, DeepImageSchema)
    assert in_memory.value_range == ValueRange(40, 40_040, is_whole=True)
    assert streamed.value_range is None
