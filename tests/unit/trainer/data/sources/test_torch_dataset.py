"""torch Datasets: held in memory or streamed."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from naiad.errors import DataError
from naiad.trainer.data.sources.raw_data import InputKind
from naiad.trainer.data.sources.torch_dataset import open_torch_dataset

LIMIT = 1_000_000


class ListDataset(Dataset[Any]):
    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class RandomDataset(ListDataset):
    def __getitem__(self, index: int) -> Any:
        x, y = self.items[index]
        return x + torch.rand(x.shape), y


def pairs(count: int = 6) -> list[Any]:
    return [(torch.full((3, 4, 5), float(index)), index % 2) for index in range(count)]


def test_deterministic_items_are_read_into_memory() -> None:
    raw = open_torch_dataset(ListDataset(pairs()), memory_limit_bytes=LIMIT)
    assert raw.kind is InputKind.ARRAYS
    assert raw.splits["train"].inputs.shape == (6, 3, 4, 5)
    assert raw.splits["train"].targets is not None
    assert raw.splits["train"].targets.tolist() == [0, 1, 0, 1, 0, 1]


def test_too_many_items_are_streamed() -> None:
    raw = open_torch_dataset(ListDataset(pairs()), memory_limit_bytes=100)
    items = raw.splits["train"].inputs
    assert raw.kind is InputKind.DATASET_ITEMS
    assert items.is_deterministic
    assert items.select(np.array([4, 5])).take(torch.tensor([1, 0]))[:, 0, 0, 0].tolist() == [5, 4]


def test_random_items_are_streamed_and_reported() -> None:
    raw = open_torch_dataset(RandomDataset(pairs()), memory_limit_bytes=LIMIT)
    assert raw.kind is InputKind.DATASET_ITEMS
    assert [item.kind for item in raw.findings.items] == ["random-items"]


@pytest.mark.parametrize("as_image", [False, True])
def test_labels_that_are_drawn_with_their_inputs_are_refused(as_image: bool) -> None:
    class Rotations(RandomDataset):
        def __getitem__(self, index: int) -> Any:
            turns = int(torch.randint(4, ()))
            values = torch.rot90(torch.arange(16, dtype=torch.uint8).reshape(1, 4, 4), turns, (1, 2))
            return (Image.fromarray(values[0].numpy()) if as_image else values), turns

    before = torch.get_rng_state()
    with pytest.raises(DataError, match=r"when it is read again, after \d: labels are drawn with their inputs"):
        open_torch_dataset(Rotations(pairs(40)), memory_limit_bytes=LIMIT)
    torch.set_rng_state(before)


def test_a_tensor_dataset_may_be_shortened() -> None:
    class Short(TensorDataset):
        def __len__(self) -> int:
            return 2

    raw = open_torch_dataset(Short(torch.ones(4, 3), torch.arange(4)), memory_limit_bytes=LIMIT)
    assert raw.splits["train"].targets.tolist() == [0, 1]  # type: ignore[union-attr]


def test_an_item_that_is_no_image_among_images_is_told() -> None:
    raw = open_torch_dataset([(Image.new("L", (4, 4)), 0), (torch.ones(1, 4, 4), 1)], memory_limit_bytes=LIMIT)
    with pytest.raises(TypeError, match=r"float32 \(1, 4, 4\), but that of item 0 is an image"):
        raw.splits["train"].inputs.open(1)


def test_pil_images_stay_pil_images() -> None:
    raw = open_torch_dataset(
        ListDataset([(Image.new("L", (4, 4), index), index) for index in range(3)]), memory_limit_bytes=LIMIT
    )
    assert raw.kind is InputKind.PIL_IMAGES
    assert raw.splits["train"].inputs.open(2).getpixel((0, 0)) == 2


def test_tensor_dataset() -> None:
    data = TensorDataset(torch.zeros(5, 28, 28, dtype=torch.uint8), torch.arange(5))
    assert open_torch_dataset(data, memory_limit_bytes=LIMIT).kind is InputKind.IMAGES


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ListDataset([]), "empty"),
        (ListDataset([(torch.zeros(2), 0), (torch.zeros(3), 1)]), "item 1 is"),
        (ListDataset([(torch.zeros(2), 0, 0)] * 2), "3 parts"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_an_error(data: Dataset[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_torch_dataset(data, memory_limit_bytes=LIMIT)
