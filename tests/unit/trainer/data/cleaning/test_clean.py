"""Cleaning of whole data sets: every kind of input is checked, and no sample is dropped without a finding."""

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.cleaning.clean import clean
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.scale import measure_range
from naiad.trainer.data.sources.open import open_source

LIMIT = 10**8


def clean_source(data, **options):
    return clean(open_source(data), **{"image_size": None, "memory_limit_bytes": LIMIT, **options})


def kinds(result):
    return {item.kind: item.count for item in result.findings.items}


@pytest.fixture
def photos(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(6):
            pixels = np.random.default_rng([ord(name[0]), index]).integers(0, 255, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    return tmp_path


def test_images_in_memory_and_streamed_are_equal(photos):
    in_memory, streamed = clean_source(photos), clean_source(photos, memory_limit_bytes=1)
    assert in_memory.splits["train"].samples.in_memory
    assert not streamed.splits["train"].samples.in_memory
    indices = torch.tensor([3, 0, 11])
    assert torch.equal(in_memory.splits["train"].samples.take(indices), streamed.splits["train"].samples.take(indices))
    assert in_memory.schema == streamed.schema == ImageSchema(3, 9, 9)


def test_a_broken_image_is_quarantined(photos):
    (photos / "cat" / "3.png").write_bytes(b"\x89PNG nothing")
    result = clean_source(photos)
    assert kinds(result) == {"unreadable-image": 1}
    assert len(result.splits["train"]) == 11
    assert result.findings.quarantine[0].name.endswith("3.png")


def test_the_user_can_set_the_size(photos):
    assert clean_source(photos, image_size=(4, 5)).schema == ImageSchema(3, 4, 5)


def test_arrays_are_repaired_and_copies_of_test_samples_quarantined():
    generator = np.random.default_rng(0)
    train, test = generator.random((30, 3), np.float32), generator.random((10, 3), np.float32)
    train[4, 1] = np.inf
    train[7] = test[2]
    labels = np.arange(30) % 2
    result = clean_source({"train": (train, labels), "test": (test, labels[:10])})
    assert kinds(result) == {"non-finite": 1, "shared-with-test": 1}
    assert len(result.splits["train"]) == 29
    assert len(result.splits["test"]) == 10
    assert result.schema == ArraySchema((3,), value_range=measure_range(train[np.isfinite(train).all(axis=1)]))


def test_data_is_reshaped_by_a_trained_models_schema():
    result = clean_source((np.zeros((5, 6, 6), np.uint8), np.zeros(5)), schema=ImageSchema(1, 6, 6))
    assert result.schema == ImageSchema(1, 6, 6)
    with pytest.raises(DataError, match="do not fit"):
        clean_source((np.zeros((5, 6), np.float32), np.zeros(5)), schema=ArraySchema((7,)))


def test_splits_of_different_shapes_are_an_error():
    data = {"train": (np.zeros((5, 3)), np.arange(5)), "test": (np.zeros((5, 4)), np.arange(5))}
    with pytest.raises(DataError, match=r"test has samples of shape \(4,\), but train has \(3,\)"):
        clean_source(data)


def test_data_without_a_usable_sample_is_an_error(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"no")
    with pytest.raises(DataError):
        clean_source(tmp_path)


class Items(torch.utils.data.Dataset):
    """Images of 0 and 1; the second one has a pixel of 255."""

    def __init__(self, dtype):
        self.images = (torch.rand(128, 1, 6, 6, generator=torch.Generator().manual_seed(0)) > 0.5).to(dtype)
        self.images[1, 0, 0, 0] = 255

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], index % 2


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_what_some_streamed_items_hold_is_not_demanded_of_all(dtype):
    items = Items(dtype)
    cleaned = clean(open_source(items, memory_limit_bytes=1), image_size=None, memory_limit_bytes=1)
    assert not cleaned.splits["train"].samples.in_memory
    assert torch.equal(cleaned.schema.encode(items.images[1:2]), items.images[1:2])
