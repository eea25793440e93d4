import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from naiad.errors import DataError, OptionError
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.prepare import SplitLike, check_split, inspect, prepare, prepare_split

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3


def image_tree(folder: Path, count: int = 12) -> None:
    for split in ("train", "test"):
        for index in range(count):
            path = folder / split / ("cat" if index % 2 else "dog") / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            seed = index + 100 * (split == "test")
            pixels = np.random.default_rng(seed).integers(0, 255, (6, 7, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    (folder / "train" / "cat" / "broken.png").write_text("x")


def test_images_from_arrays() -> None:
    dataset = prepare((IMAGES, LABELS))
    assert dataset.task is Task.CLASSIFICATION
    assert dataset.classes == ("0", "1", "2")
    assert (len(dataset.train), len(dataset.validation), dataset.test) == (54, 6, None)
    assert dataset.schema.to_json() == {"kind": "image", "channels": 1, "height": 8, "width": 8}
    assert dataset.features(dataset.train.samples.take(torch.arange(3))).shape == (3, 1, 8, 8)
    assert dataset.train.targets is not None
    assert dataset.train.targets.dtype is torch.int64


def test_statistics_come_from_training_alone() -> None:
    bright = np.full((20, 8, 8), 255, np.uint8)
    alone = prepare({"train": (IMAGES, LABELS)}).features.state_dict()
    other = prepare({"train": (IMAGES, LABELS), "test": (bright, LABELS[:20])}).features.state_dict()
    assert all(torch.equal(alone[key], other[key]) for key in alone)


def test_regression_and_clustering() -> None:
    X = RNG.normal(size=(50, 4))
    dataset = prepare((X, X[:, 0]))
    assert dataset.task is Task.REGRESSION
    assert dataset.outputs == 1
    assert dataset.train.targets is not None
    assert dataset.train.targets.dtype is torch.float32
    assert prepare(X).train.targets is None
    kept = prepare((IMAGES, LABELS), task="clustering")
    assert kept.task is Task.CLUSTERING
    assert kept.train.targets is not None


def test_a_validation_set_that_is_given_is_taken() -> None:
    dataset = prepare((IMAGES[:40], LABELS[:40]), validation=(IMAGES[40:], LABELS[40:]))
    assert (len(dataset.train), len(dataset.validation)) == (40, 20)


def test_image_folders_in_memory_and_streamed(tmp_path: Path) -> None:
    image_tree(tmp_path)
    held, streamed = prepare(tmp_path), prepare(tmp_path, memory_limit_bytes=100)
    assert held.classes == ("cat", "dog")
    assert held.train.samples.in_memory
    assert not streamed.train.samples.in_memory
    indices = torch.arange(len(held.train))
    assert torch.equal(held.train.samples.take(indices), streamed.train.samples.take(indices))
    assert torch.equal(held.features.scale, streamed.features.scale)  # type: ignore[arg-type]
    assert [row.name for row in held.findings.quarantine] == ["train/cat/broken.png"]
    assert prepare(tmp_path, image_size=4).schema.sample_shape == (3, 4, 4)


class Random(Dataset[Any]):
    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Any:
        return torch.rand(3, 4, 4), index % 2


def test_a_random_dataset_is_streamed() -> None:
    dataset = prepare(Random())
    assert not dataset.train.samples.in_memory
    assert dataset.features(dataset.train.samples.take(torch.arange(4))).shape == (4, 3, 4, 4)


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        ((IMAGES, np.zeros(60, int)), "at least two classes"),
        (
            (IMAGES, np.where(LABELS == 1, np.nan, LABELS)),
            "20 of 60 labels in train are missing or NaN, the first at index 1",
        ),
        ({"train": (IMAGES, LABELS), "test": (IMAGES, LABELS + 1)}, "labels out of range"),
        ({"train": (np.zeros((9, 2)), LABELS[:9]), "test": (np.zeros((9, 3)), LABELS[:9])}, "train of shape"),
    ],
)
def test_data_that_is_refused(data: Any, trouble: str) -> None:
    with pytest.raises(DataError, match=trouble):
        prepare(data)
    assert trouble[:12] in inspect(data).problems[0]


def test_an_image_size_that_is_none() -> None:
    with pytest.raises(OptionError, match="image_size"):
        prepare((IMAGES, LABELS), image_size=(0, 4))


def test_a_test_split_without_labels_is_told() -> None:
    dataset = prepare({"train": (IMAGES[:50], LABELS[:50]), "test": (IMAGES[50:],)})
    assert dataset.test is None
    assert dataset.findings.items[0].kind == "split-without-labels"


def test_inspect_goes_into_json(tmp_path: Path) -> None:
    image_tree(tmp_path)
    values = json.loads(json.dumps(inspect(tmp_path).to_json()))
    assert values["splits"] == {"train": 12, "test": 12}
    assert values["classes"]["train"] == {"cat": 6, "dog": 6}
    assert values["sample_shape"] == [3, 6, 7]
    assert values["problems"] == []
    assert values["quarantine"][0]["kind"] == "unreadable-image"


def test_a_split_for_a_trained_model(tmp_path: Path) -> None:
    image_tree(tmp_path)
    dataset = prepare(tmp_path)
    like = SplitLike(dataset.task, dataset.schema, dataset.classes, dataset.target_name)
    assert dataset.test is not None
    split = prepare_split(tmp_path, like=like)
    everything = torch.arange(12)
    assert torch.equal(split.samples.take(everything), dataset.test.samples.take(everything))
    assert torch.equal(split.targets, dataset.test.targets)  # type: ignore[arg-type]
    train, findings = check_split(tmp_path, like=like, split="train")
    assert len(train) == 12
    assert findings.quarantine[0].split == "train"
    arrays = prepare_split((np.zeros((4, 9, 9, 3), np.uint8), [0, 1, 0, 1]), like=like)
    assert arrays.samples.sample_shape == (3, 6, 7)
    assert arrays.targets is not None
    assert arrays.targets.tolist() == [0, 1, 0, 1]
    with pytest.raises(DataError, match="no validation split"):
        prepare_split(tmp_path, like=like, split="validation")
