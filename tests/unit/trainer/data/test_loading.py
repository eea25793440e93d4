"""Samples in memory or as a stream, and the threads that decode a stream."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from naiad.errors import OptionError
from naiad.trainer.data import loading
from naiad.trainer.data.batches import BatchLoader
from naiad.trainer.data.cleaning import images
from naiad.trainer.data.cleaning.lazy_images import LazyImages
from naiad.trainer.data.loading import (
    can_decode_in_parallel,
    check_feed,
    check_feed_workers,
    default_feed,
    default_feed_workers,
    memory_limit_bytes,
    with_decoding_workers,
)
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.data.sources.dataset_items import ItemForm
from naiad.trainer.data.sources.torch_dataset import DatasetImages
from naiad.trainer.machine import device


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for index in range(12):
            pixels = generator.integers(0, 255, (6, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{index}.png")
    return tmp_path


@pytest.fixture
def lazy_dataset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dataset whose images are decoded each time they are taken, since the disk has no room for them."""
    monkeypatch.setattr(images, "open_image_cache", lambda shape, count: None)
    return prepare(folder, DataOptions(memory_limit_bytes=memory_limit_bytes("stream")))


class RandomItems(Dataset[Any]):
    targets = [0, 1] * 10

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Any:
        return torch.rand(3), index % 2


def test_the_memory_limit_depends_on_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "default_memory_limit_bytes", lambda: 100)
    assert [memory_limit_bytes(feed) for feed in ("stream", None, "memory")] == [0, 100, 300]


def test_a_folder_can_be_loaded_either_way(folder: Path) -> None:
    for feed in ("memory", "stream"):
        dataset = prepare(folder, DataOptions(memory_limit_bytes=memory_limit_bytes(feed)))
        check_feed(feed, dataset)
        assert default_feed(dataset.train.samples)[0] == feed
        assert default_feed_workers(dataset.train.samples)[0] == 1, "the images are decoded already"


def test_arrays_cannot_be_streamed() -> None:
    dataset = prepare((np.zeros((40, 3)), np.arange(40) % 2))
    with pytest.raises(OptionError, match="is in memory already"):
        check_feed("stream", dataset)
    check_feed("memory", dataset)


def test_samples_that_do_not_fit_in_memory_are_an_error(lazy_dataset: Any) -> None:
    with pytest.raises(OptionError, match=r"samples need 0\.0 GB, which is too much"):
        check_feed("memory", lazy_dataset)
    check_feed("stream", lazy_dataset)
    with pytest.raises(OptionError, match="another item each time"):
        check_feed("memory", prepare(RandomItems()))


def test_a_users_items_are_read_by_one_thread() -> None:
    samples = prepare(RandomItems()).train.samples
    assert default_feed_workers(samples)[0] == 1
    check_feed_workers(1, samples)
    with pytest.raises(OptionError, match="one thread at a time"):
        check_feed_workers(2, samples)


def test_image_files_are_decoded_by_as_many_threads_as_cores(
    lazy_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "usable_cores", lambda: 3)
    samples = lazy_dataset.train.samples
    assert can_decode_in_parallel(samples)
    assert default_feed_workers(samples)[0] == 3
    check_feed_workers(7, samples)
    dataset_images = DatasetImages(None, ItemForm(), np.arange(len(samples)), is_deterministic=True)
    assert not can_decode_in_parallel(replace(samples, images=dataset_images))


def test_batches_do_not_depend_on_the_number_of_threads(lazy_dataset: Any) -> None:
    assert isinstance(lazy_dataset.train.samples, LazyImages)
    batches = {}
    for workers in (1, 2, 5):
        split = with_decoding_workers(lazy_dataset.train, workers)
        assert split.samples.workers == workers  # type: ignore[attr-defined]
        batches[workers] = list(BatchLoader(split, batch_size=4, seed=3).epoch(1))
    for one, *others in zip(*batches.values(), strict=True):
        assert all(torch.equal(one.raw, other.raw) and torch.equal(one.indices, other.indices) for other in others)


def test_other_samples_are_left_as_they_are() -> None:
    split = prepare((np.zeros((40, 3)), np.arange(40) % 2)).train
    assert with_decoding_workers(split, 4) is split
