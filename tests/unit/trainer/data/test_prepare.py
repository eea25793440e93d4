"""Data prepared for training: cleaned, encoded, split."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from naiad.errors import DataError, OptionError
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.inspection import inspect
from naiad.trainer.data.prepare import DataOptions, prepare

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3


def test_images_from_arrays() -> None:
    dataset = prepare((IMAGES, LABELS))
    assert dataset.task is Task.CLASSIFICATION
    assert dataset.classes == ("0", "1", "2")
    assert (len(dataset.train), len(dataset.validation), dataset.test) == (54, 6, None)
    assert dataset.schema.to_json() == {"kind": "image", "channels": 1, "height": 8, "width": 8, "background": 255}
    assert dataset.features(dataset.train.samples.take(torch.arange(3))).shape == (3, 1, 8, 8)
    assert dataset.train.targets is not None
    assert dataset.train.targets.dtype is torch.int64


def test_statistics_come_from_the_training_split() -> None:
    bright = np.full((20, 8, 8), 255, np.uint8)
    train_only = prepare({"train": (IMAGES, LABELS)}).features.state_dict()
    with_test = prepare({"train": (IMAGES, LABELS), "test": (bright, LABELS[:20])}).features.state_dict()
    assert all(torch.equal(train_only[key], with_test[key]) for key in train_only)


def test_regression_and_clustering() -> None:
    X = RNG.normal(size=(50, 4))
    dataset = prepare((X, X[:, 0]))
    assert dataset.task is Task.REGRESSION
    assert dataset.outputs == 1
    assert dataset.train.targets is not None
    assert dataset.train.targets.dtype is torch.float64
    assert prepare(X).train.targets is None
    labelled = prepare((IMAGES, LABELS), DataOptions(task="clustering"))
    assert labelled.task is Task.CLUSTERING
    assert labelled.train.targets is not None


def test_validation_data_is_used() -> None:
    dataset = prepare((IMAGES[:40], LABELS[:40]), DataOptions(validation=(IMAGES[40:], LABELS[40:])))
    assert (len(dataset.train), len(dataset.validation)) == (40, 20)


def test_image_folders_in_memory_and_streamed(image_folder: Path) -> None:
    in_memory, streamed = prepare(image_folder), prepare(image_folder, DataOptions(memory_limit_bytes=100))
    assert in_memory.classes == ("cat", "dog")
    assert in_memory.train.samples.in_memory
    assert not streamed.train.samples.in_memory
    indices = torch.arange(len(in_memory.train))
    assert torch.equal(in_memory.train.samples.take(indices), streamed.train.samples.take(indices))
    assert torch.equal(in_memory.features.scale, streamed.features.scale)  # type: ignore[arg-type]
    assert [row.name for row in in_memory.findings.quarantine] == ["train/cat/broken.png"]
    assert prepare(image_folder, DataOptions(image_size=4)).schema.sample_shape == (3, 4, 4)


class RandomItems(Dataset[Any]):
    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Any:
        return torch.rand(3, 4, 4), index % 2


def test_a_random_dataset_is_streamed() -> None:
    dataset = prepare(RandomItems())
    assert not dataset.train.samples.in_memory
    assert dataset.features(dataset.train.samples.take(torch.arange(4))).shape == (4, 3, 4, 4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((IMAGES, np.zeros(60, int)), "at least two classes"),
        (
            (IMAGES, np.where(LABELS == 1, np.nan, LABELS)),
            "20 of 60 labels in train are missing or NaN, the first at index 1",
        ),
        ({"train": (IMAGES, LABELS), "test": (IMAGES, LABELS + 1)}, "labels out of range"),
        ({"train": (np.zeros((9, 2)), LABELS[:9]), "test": (np.zeros((9, 3)), LABELS[:9])}, "but train has"),
    ],
)
def test_data_that_cannot_be_trained_on(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepare(data)
    assert message[:12] in inspect(data).problems[0]


@pytest.mark.parametrize("image_size", [(0, 4), (4,), -1, 0])
def test_an_image_size_that_is_no_size(image_size: Any) -> None:
    with pytest.raises(OptionError, match="image_size"):
        DataOptions(image_size=image_size)


def test_a_test_split_without_labels_is_reported() -> None:
    dataset = prepare({"train": (IMAGES[:50], LABELS[:50]), "test": (IMAGES[50:],)})
    assert dataset.test is None
    assert dataset.findings.items[0].kind == "split-without-labels"


def test_a_label_that_would_not_be_used_is_refused(image_folder: Path) -> None:
    arrays = (np.arange(20.0).reshape(10, 2), [0, 1] * 5)
    for data in (image_folder, arrays, "digits", {"train": arrays, "test": arrays}):
        with pytest.raises(DataError, match="label is 'species', but the labels of"):
            prepare(data, DataOptions(label="species"))
    assert prepare(arrays, DataOptions(label="y")).target_name == "y"


def test_a_size_for_what_is_no_image_is_refused() -> None:
    with pytest.raises(DataError, match="image_size is set, but arrays is of kind arrays"):
        prepare((np.arange(20.0).reshape(10, 2), [0, 1] * 5), DataOptions(image_size=32))
