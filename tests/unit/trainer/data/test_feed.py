"""Memory or a stream, and the threads that decode it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from naiad.errors import OptionError
from naiad.trainer.data import feed
from naiad.trainer.data.batches import Feed
from naiad.trainer.data.cleaning import images
from naiad.trainer.data.cleaning.images import PictureSamples
from naiad.trainer.data.feed import (
    check_feed,
    check_workers,
    decoded_by,
    feed_of,
    memory_limit_bytes,
    takes_workers,
    workers_of,
)
from naiad.trainer.data.prepare import prepare
from naiad.trainer.machine import device


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for index in range(12):
            pixels = draw.integers(0, 255, (6, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{index}.png")
    return tmp_path


@pytest.fixture
def decoding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its images are decoded whenever they are taken: the disk has no room for them."""
    monkeypatch.setattr(images, "decoded_file", lambda shape, count: None)
    return prepare(folder, memory_limit_bytes=memory_limit_bytes("stream"))


class Noisy(Dataset[Any]):
    targets = [0, 1] * 10

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Any:
        return torch.rand(3), index % 2


def test_limits_follow_the_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "default_memory_limit_bytes", lambda: 100)
    assert [memory_limit_bytes(feed) for feed in ("stream", None, "memory")] == [0, 100, 300]


def test_a_folder_comes_either_way(folder: Path) -> None:
    for way in ("memory", "stream"):
        dataset = prepare(folder, memory_limit_bytes=memory_limit_bytes(way))
        check_feed(way, dataset)
        assert feed_of(dataset.train.samples)[0] == way
        assert workers_of(dataset.train.samples)[0] == 1, "what is held or decoded already needs none"


def test_what_is_held_already_is_not_streamed() -> None:
    dataset = prepare((np.zeros((40, 3)), np.arange(40) % 2))
    with pytest.raises(OptionError, match="is in memory as it comes"):
        check_feed("stream", dataset)
    check_feed("memory", dataset)


def test_what_cannot_be_held_is_refused(decoding: Any) -> None:
    with pytest.raises(OptionError, match=r"samples of 0\.0 GB do not fit"):
        check_feed("memory", decoding)
    check_feed("stream", decoding)
    with pytest.raises(OptionError, match="another item each time"):
        check_feed("memory", prepare(Noisy()))


def test_a_users_items_are_read_by_one_thread() -> None:
    samples = prepare(Noisy()).train.samples
    assert workers_of(samples)[0] == 1
    check_workers(1, samples)
    with pytest.raises(OptionError, match="one thread at a time"):
        check_workers(2, samples)


def test_image_files_are_decoded_by_as_many_threads_as_cores(decoding: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "usable_cores", lambda: 3)
    samples = decoding.train.samples
    assert takes_workers(samples)
    assert workers_of(samples)[0] == 3
    check_workers(7, samples)
    assert not takes_workers(replace(samples, pictures=replace(samples.pictures, parallel=False)))


def test_the_number_of_threads_changes_no_batch(decoding: Any) -> None:
    assert isinstance(decoding.train.samples, PictureSamples)
    batches = {}
    for workers in (1, 2, 5):
        split = decoded_by(decoding.train, workers)
        assert split.samples.workers == workers  # type: ignore[attr-defined]
        batches[workers] = list(Feed(split, batch_size=4, seed=3).epoch(1))
    for one, *others in zip(*batches.values(), strict=True):
        assert all(torch.equal(one.raw, other.raw) and torch.equal(one.indices, other.indices) for other in others)


def test_other_samples_are_left_as_they_are() -> None:
    split = prepare((np.zeros((40, 3)), np.arange(40) % 2)).train
    assert decoded_by(split, 4) is split
