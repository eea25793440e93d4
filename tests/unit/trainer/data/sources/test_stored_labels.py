"""Labels that are known without reading the items."""

from typing import Any

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset
from torchvision.datasets import CIFAR10, MNIST

from naiad.trainer.data.sources.stored_labels import find_leaves, gives_stored_items, reference_labels, stored_labels


def make(kind: type, **attributes: Any) -> Any:
    """A torchvision Dataset without its files."""
    dataset = kind.__new__(kind)
    vars(dataset).update({"transform": None, "target_transform": None, "transforms": None, **attributes})
    return dataset


def mnist(**attributes: Any) -> Any:
    return make(MNIST, data=torch.zeros(3, 4, 4, dtype=torch.uint8), targets=torch.tensor([2, 0, 1]), **attributes)


class Relabelled(MNIST):
    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index)[0], 0


def test_torchvisions_own_classes_give_what_they_store() -> None:
    labels = stored_labels(ConcatDataset([Subset(mnist(), [2, 0]), mnist()]))
    assert labels is not None
    assert labels.tolist() == [1, 2, 2, 0, 1]
    cifar = make(CIFAR10, data=np.zeros((2, 4, 4, 3), np.uint8), targets=[1, 0])
    assert stored_labels(cifar).tolist() == [1, 0]  # type: ignore[union-attr]
    assert stored_labels(TensorDataset(torch.zeros(2, 1), torch.tensor([1, 0]))).tolist() == [1, 0]  # type: ignore[union-attr]


def test_a_transform_of_inputs_leaves_the_labels_known() -> None:
    assert stored_labels(mnist(transform=lambda image: image)) is not None
    assert not gives_stored_items(mnist(transform=lambda image: image))
    assert gives_stored_items(mnist())


def test_what_changes_labels_makes_them_unknown() -> None:
    assert stored_labels(mnist(target_transform=str)) is None
    assert stored_labels(mnist(transforms=lambda image, label: (image, label))) is None
    relabelled = make(Relabelled, data=torch.zeros(3, 4, 4, dtype=torch.uint8), targets=torch.tensor([2, 0, 1]))
    assert stored_labels(relabelled) is None
    assert reference_labels(relabelled).tolist() == [2, 0, 1]  # type: ignore[union-attr]


def test_leaves_keep_their_places() -> None:
    class Own(Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> int:
            return index

    leaves = find_leaves(Subset(ConcatDataset([Own(), Own()]), [4, 1, 0]))
    places = sorted((leaf.positions.tolist(), leaf.indices.tolist()) for leaf in leaves)
    assert places == [([0], [1]), ([1, 2], [1, 0])]
