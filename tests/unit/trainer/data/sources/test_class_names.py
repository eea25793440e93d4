"""Names of classes: found through wrappers, and used only as far as the items agree with them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Dataset, Subset, random_split
from torchvision.datasets import ImageFolder

from naiad.errors import DataError
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import RawData


class Items(Dataset[Any]):
    """Items whose labels are ``labels``; other attributes as given."""

    def __init__(self, labels: list[Any], **attributes: Any) -> None:
        self.item_labels = labels
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self.item_labels)

    def __getitem__(self, index: int) -> Any:
        return torch.full((2,), float(index)), self.item_labels[index]


class Halves(Items):
    def __getitem__(self, index: int) -> Any:
        inputs, label = super().__getitem__(index)
        return inputs, int(label >= 2)


class Broken(Items):
    @property
    def classes(self) -> Any:
        raise RuntimeError("not loaded")


class Wrapper(Dataset[Any]):
    """Gives the items of another Dataset, after a transform."""

    def __init__(self, dataset: Dataset[Any], relabel: Any = lambda label: label) -> None:
        self.inner, self.relabel = dataset, relabel

    def __len__(self) -> int:
        return len(self.inner)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        inputs, label = self.inner[index]
        return inputs, self.relabel(label)


def labels_and_classes(data: Any) -> tuple[list[Any], tuple[str, ...]]:
    raw = open_source(data)
    labels = raw.splits["train"].targets
    assert labels is not None
    return labels.tolist(), raw.classes


def reasons(raw: RawData) -> list[str]:
    return [item.message for item in raw.findings.items if item.kind == "class-names"]


@pytest.mark.parametrize("attribute", ["classes", "class_names", "class_to_idx", "idx_to_class"])
def test_each_known_attribute_names_the_classes(attribute: str) -> None:
    names = {"class_to_idx": {"dog": 1, "cat": 0}, "idx_to_class": {0: "cat", 1: "dog"}}.get(attribute, ["cat", "dog"])
    assert labels_and_classes(Items([0, 1, 1], **{attribute: names})) == ([0, 1, 1], ("cat", "dog"))


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (Items([0, 1, 0], classes=2), "no list of names"),
        (Items([1, 2, 2], classes=["cat", "dog"]), "2 names, but the labels are 1 to 2"),
        (Items([-1, 1, 1], classes=["cat", "dog"]), "the labels are -1 to 1"),
        (Items([0, 1, 0], classes=["cat", "dog"], targets=[1, 1, 1]), "belongs to other labels"),
        (Items([1, 2, 5], classes={1: "cat", 2: "dog"}), "2 names ({1: 'cat', 2: 'dog'}), but the labels are 1 to 5"),
        (Halves([0, 1, 2, 3], classes=list("abcd")), "belongs to other labels"),
        (Halves([0, 1, 2, 3], classes=list("abcd"), targets=[0, 1, 2, 3]), "belongs to other labels"),
    ],
)
def test_names_that_the_items_contradict_are_not_used_and_reported(dataset: Any, reason: str) -> None:
    raw = open_source(dataset)
    assert raw.classes == ()
    assert reason in reasons(raw)[0]


def test_names_are_not_used_for_labels_that_are_no_numbers_of_classes() -> None:
    assert labels_and_classes(Items(["b", "a"], classes=["a", "b"])) == (["b", "a"], ())
    raw = open_source(Items([0.5, 1.5], classes=["a", "b"]))
    assert raw.classes == ()
    assert "fractions" in reasons(raw)[0]
    assert labels_and_classes(Items([True, False], classes=["no", "yes"])) == ([1, 0], ("no", "yes"))
    assert labels_and_classes(Broken([0, 1])) == ([0, 1], ())


@pytest.mark.parametrize("names", [{"cat": 1, "dog": 7}, {7: "dog", 1: "cat"}, {"1": "cat", "7": "dog"}])
def test_numbers_with_gaps_become_their_names(names: Any) -> None:
    assert labels_and_classes(Items([1, 7, 7], classes=names)) == (["cat", "dog", "dog"], ())


def test_the_number_of_a_class_counts_more_than_its_place_in_a_list() -> None:
    numbered = Items([0, 2, 1], classes=["0", "10", "2"], class_to_idx={"0": 0, "2": 1, "10": 2})
    assert labels_and_classes(numbered) == ([0, 2, 1], ("0", "2", "10"))


def test_a_subset_may_count_from_the_end() -> None:
    inner = Items([0, 1, 1], classes=["cat", "dog"], targets=[0, 1, 1])
    assert labels_and_classes(Subset(ConcatDataset([inner, inner]), [-1, 0, -3])) == ([1, 0, 0], ("cat", "dog"))


def test_names_pass_through_subsets_and_concatenations() -> None:
    one, two = Items([0, 1, 1], classes=["cat", "dog"]), Items([1, 0], classes={"dog": 1, "cat": 0})
    assert labels_and_classes(Subset(one, [2, 0])) == ([1, 0], ("cat", "dog"))
    assert labels_and_classes(ConcatDataset([one, two])) == ([0, 1, 1, 1, 0], ("cat", "dog"))
    nested = Subset(ConcatDataset([Subset(one, [1]), two]), [2, 0])
    assert labels_and_classes(nested) == ([0, 1], ("cat", "dog"))
    part, _ = random_split(one, [2, 1], torch.Generator().manual_seed(0))
    assert open_source(part).classes == ("cat", "dog")


def test_parts_that_number_their_classes_differently_are_joined_by_name() -> None:
    one, two = Items([0, 1], classes=["cat", "dog"]), Items([0, 1], classes=["bird", "cat"])
    raw = open_source(ConcatDataset([one, two]))
    assert labels_and_classes(ConcatDataset([one, two])) == (["cat", "dog", "bird", "cat"], ())
    assert "joined by name" in reasons(raw)[0]
    with pytest.raises(DataError, match="one part has no names"):
        open_source(ConcatDataset([one, two, Items([0, 1])]))


def test_a_wrapped_datasets_names_are_used_where_its_labels_are_the_items() -> None:
    inner = Items([0, 1, 1], classes=["cat", "dog"], targets=[0, 1, 1])
    assert labels_and_classes(Wrapper(inner)) == ([0, 1, 1], ("cat", "dog"))
    assert labels_and_classes(Wrapper(Subset(inner, [2, 0]))) == ([1, 0], ("cat", "dog"))
    swapped = open_source(Wrapper(inner, relabel=lambda label: 1 - label))
    assert swapped.classes == ()
    assert "cannot be matched" in reasons(swapped)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("10", "2"):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (4, 4), (index, 0, 0)).save(tmp_path / name / f"{index}.png")
    return tmp_path


def test_an_image_folders_names_survive_a_split(folder: Path) -> None:
    part = Subset(ImageFolder(folder), [0, 3, 5])
    assert labels_and_classes(part) == ([0, 1, 1], ("10", "2"))


def test_a_target_transform_takes_the_names_away(folder: Path) -> None:
    swapped = ImageFolder(folder, target_transform=lambda label: 1 - label)
    assert labels_and_classes(swapped) == ([1, 1, 1, 0, 0, 0], ())
    same = ImageFolder(folder, target_transform=int)
    assert labels_and_classes(same) == ([0, 0, 0, 1, 1, 1], ("10", "2"))
