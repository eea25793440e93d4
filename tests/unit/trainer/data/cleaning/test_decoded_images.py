"""A file of decoded images: what goes in comes out, and nothing of it stays."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.cleaning import decoded_images
from naiad.trainer.data.cleaning.decoded_images import DecodedFile, decoded_file, scratch_folder

SHAPE = (3, 4, 5)


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def pictures(count):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def filled(arrays):
    file = decoded_file(SHAPE, len(arrays))
    for array in arrays:
        file.add(array)
    return file


def test_what_goes_in_comes_out(scratch):
    arrays = pictures(20)
    samples = filled(arrays).samples()
    assert (len(samples), samples.sample_shape, samples.in_memory) == (20, torch.Size(SHAPE), False)
    taken = samples.take(torch.tensor([7, 0, 19, 7]))
    assert np.array_equal(taken.numpy(), arrays[[7, 0, 19, 7]])
    few = samples.select(np.array([3, 1]))
    assert np.array_equal(few.take(torch.tensor([1, 0])).numpy(), arrays[[1, 3]])


def test_the_file_has_no_name(scratch):
    samples = filled(pictures(3)).samples()
    assert list(scratch.iterdir()) == []
    assert len(samples.take(torch.tensor([0]))) == 1


def test_no_file_where_the_disk_has_no_room(scratch, monkeypatch):
    monkeypatch.setattr(decoded_images, "DISK_PART", 1e-15)
    assert decoded_file(SHAPE, 10) is None


def test_a_disk_that_is_full_is_no_loss():
    """/dev/full refuses every byte, as such a disk does."""
    with Path("/dev/full").open("wb") as full:
        file = DecodedFile(SimpleNamespace(number=full.fileno()), SHAPE)
        file.add(pictures(1)[0])
        assert file.samples() is None


def test_a_file_that_was_cut_is_told(scratch):
    samples = filled(pictures(3)).samples()
    os.ftruncate(samples.file.number, 70)
    with pytest.raises(DataError, match="cannot be read back"):
        samples.take(torch.tensor([2]))


def test_a_folder_that_is_no_memory_where_there_is_one(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    assert str(scratch_folder()) == "/var/tmp"
