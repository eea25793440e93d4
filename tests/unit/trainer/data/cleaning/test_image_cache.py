"""File of decoded images: it returns what was written, and vanishes with the process."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.cleaning import image_cache
from naiad.trainer.data.cleaning.image_cache import ImageCacheWriter, cache_folder, open_image_cache
from naiad.trainer.data.pixels import Depth, ImageShape

SHAPE = (3, 4, 5)


@pytest.fixture
def temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def random_images(count):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def write_cache(arrays):
    writer = open_image_cache(ImageShape(*SHAPE), len(arrays))
    for array in arrays:
        writer.add(array)
    return writer


def test_images_are_read_back(temporary_folder):
    arrays = random_images(20)
    samples = write_cache(arrays).samples()
    assert (len(samples), samples.sample_shape, samples.in_memory) == (20, torch.Size(SHAPE), False)
    images = samples.take(torch.tensor([7, 0, 19, 7]))
    assert np.array_equal(images.numpy(), arrays[[7, 0, 19, 7]])
    selected = samples.select(np.array([3, 1]))
    assert np.array_equal(selected.take(torch.tensor([1, 0])).numpy(), arrays[[1, 3]])


def test_deep_images_keep_their_bits(temporary_folder):
    writer = open_image_cache(ImageShape(1, 4, 5, depth=Depth.INTEGER), 2)
    images = np.random.default_rng(0).integers(0, 65536, (2, 1, 4, 5)).astype(np.float32)
    for image in images:
        writer.add(image)
    assert np.array_equal(writer.samples().take(torch.tensor([1, 0])).numpy(), images[[1, 0]])


def test_the_file_has_no_name(temporary_folder):
    samples = write_cache(random_images(3)).samples()
    assert list(temporary_folder.iterdir()) == []
    assert len(samples.take(torch.tensor([0]))) == 1


def test_no_cache_where_the_disk_has_no_room(temporary_folder, monkeypatch):
    monkeypatch.setattr(image_cache, "MAX_DISK_FRACTION", 1e-15)
    assert open_image_cache(ImageShape(*SHAPE), 10) is None


def test_a_full_disk_gives_no_cache():
    """Writes to /dev/full, which refuses every byte."""
    with Path("/dev/full").open("wb") as full:
        writer = ImageCacheWriter(SimpleNamespace(descriptor=full.fileno()), ImageShape(*SHAPE))
        writer.add(random_images(1)[0])
        assert writer.samples() is None


def test_a_truncated_file_is_an_error(temporary_folder):
    samples = write_cache(random_images(3)).samples()
    os.ftruncate(samples.file.descriptor, 70)
    with pytest.raises(DataError, match="cannot be read back"):
        samples.take(torch.tensor([2]))


def test_a_folder_on_disk_is_preferred(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    assert str(cache_folder()) == "/var/tmp"
