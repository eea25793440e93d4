"""Forms of a Dataset's items."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Subset

from naiad.errors import DataError
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind

Sample = namedtuple("Sample", ["label", "image"])


@dataclass
class Record:
    features: Tensor
    target: int
    name: str


class Made(Dataset[Any]):
    """Items that a function makes of their index."""

    def __init__(self, make: Any, count: int = 4) -> None:
        self.make, self.count = make, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


def x(index: int) -> Tensor:
    return torch.full((3,), float(index))


def open_items(make: Any, **options: Any) -> tuple[list[float], list[Any], list[str]]:
    raw = open_source(Made(make), **options)
    split = raw.splits["train"]
    labels = [] if split.targets is None else split.targets.tolist()
    return split.inputs[:, 0].tolist(), labels, [item.kind for item in raw.findings.items]


@pytest.mark.parametrize(
    ("make", "findings"),
    [
        (lambda i: {"x": x(i), "label": i % 2}, []),
        (lambda i: {"labels": torch.tensor(i % 2), "inputs": x(i).numpy()}, []),
        (lambda i: {"input_ids": x(i).long(), "attention_mask": torch.ones(3), "labels": i % 2}, ["unused-item-parts"]),
        (lambda i: {"features": x(i).tolist(), "target": i % 2, "path": f"{i}.png"}, ["unused-item-parts"]),
        (lambda i: Sample(label=i % 2, image=x(i)), []),
        (lambda i: Record(x(i), i % 2, f"sample {i}"), ["unused-item-parts"]),
        (lambda i: (x(i), i % 2, i), ["unused-item-parts"]),
        (lambda i: (x(i), i % 2, torch.tensor(i), f"{i}.png"), ["unused-item-parts"]),
        (lambda i: (x(i), i % 2, {"path": "a"}), ["unused-item-parts"]),
        (lambda i: [x(i), i % 2], []),
    ],
)
def test_inputs_and_labels_are_found(make: Any, findings: list[str]) -> None:
    assert open_items(make) == ([0, 1, 2, 3], [0, 1, 0, 1], findings)


def test_the_label_of_named_parts_can_be_named() -> None:
    def make(i: int) -> Any:
        return {"img": x(i), "coarse": i // 2, "fine": i}

    assert open_items(make, label="fine")[1] == [0, 1, 2, 3]
    assert open_source(Made(make), label="fine").target_name == "fine"
    with pytest.raises(DataError, match="which part of an item is the label") as caught:
        open_items(make)
    assert "label=" in str(caught.value.hint)
    with pytest.raises(DataError, match="no part 'fin'"):
        open_items(make, label="fin")


def test_inputs_alone_have_no_labels() -> None:
    assert open_items(lambda i: {"image": x(i)})[1] == []
    assert open_items(x)[1] == []
    assert open_items(lambda i: (x(i),))[1] == []


def test_the_index_is_known_in_a_subset_too() -> None:
    whole = Made(lambda i: (x(i), i % 2, i), 10)
    assert open_source(Subset(whole, [7, 3, 5])).splits["train"].inputs[:, 0].tolist() == [7, 3, 5]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda i: (x(i), x(i), i % 2), r"3 parts, \(float32 \(3,\), float32 \(3,\), int\)"),
        (lambda i: (x(i), i % 2, 0.5), "3 parts"),
        (lambda i: ((x(i), x(i)), i % 2), "several inputs"),
        (lambda i: {"image": x(i), "depth": x(i), "label": i % 2}, "several inputs, image, depth"),
        (lambda i: {"x": x(i), "label": i % 2, "weight": -0.5}, "the sample weight at 0 is -0.5"),
        (lambda i: {"x": x(i), "label": i % 2, "weight": None}, "the sample weight at 0 is nan"),
        (lambda i: {"text": "a word", "attention_mask": x(i), "label": 0}, "text, not numbers"),
        (lambda i: {"box": {}, "label": 0}, "no part to learn from"),
        (lambda i: (x(i), {"boxes": [], "labels": [1]}), "the label of item 0 is"),
        (lambda i: (x(i), torch.zeros(2, 2)), "the label of item 0 is float32"),
        (lambda i: {"x": x(i), "label": 0} if i == 0 else {"y": 1}, "an item is"),
    ],
)
def test_what_could_be_meant_in_two_ways_is_refused(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_items(make)


def test_images_in_named_parts_are_images() -> None:
    raw = open_source(Made(lambda i: {"image": Image.new("L", (4, 4), i), "label": i % 2}))
    assert raw.kind is InputKind.PIL_IMAGES
    assert raw.splits["train"].inputs.open(3).getpixel((0, 0)) == 3
    assert np.array_equal(raw.splits["train"].targets, [0, 1, 0, 1])  # type: ignore[arg-type]


def test_the_items_labels_count_and_not_the_attribute() -> None:
    data = Made(lambda i: (Image.new("L", (4, 4), i), int(i >= 2)))
    data.targets = [0, 1, 2, 3]  # type: ignore[attr-defined]
    before = torch.get_rng_state()
    assert open_source(data).splits["train"].targets.tolist() == [0, 0, 1, 1]  # type: ignore[union-attr]
    assert torch.equal(torch.get_rng_state(), before)
