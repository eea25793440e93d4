"""Labels that a Dataset is known to give with its items, without reading them.

Known are torch's and torchvision's own ``__getitem__``; an attribute such as ``targets`` of any other class may be inherited,
stale or overridden, so it is compared with the items and never used in their place.
Shape legend: N items.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset, TensorDataset
from torchvision import datasets as torchvision_datasets
from torchvision.datasets.vision import StandardTransform

from naiad.trainer.data.sources.label_matrix import read_labels

Labels = npt.NDArray[Any]

_LABELS_BY_GETITEM: dict[Any, Callable[[Any], Any]] = {
    torchvision_datasets.DatasetFolder.__getitem__: lambda dataset: [label for _, label in dataset.samples],
    torchvision_datasets.MNIST.__getitem__: lambda dataset: dataset.targets,
    torchvision_datasets.CIFAR10.__getitem__: lambda dataset: dataset.targets,
    torchvision_datasets.USPS.__getitem__: lambda dataset: dataset.targets,
    torchvision_datasets.SVHN.__getitem__: lambda dataset: dataset.labels,
    torchvision_datasets.STL10.__getitem__: lambda dataset: dataset.labels,
    torchvision_datasets.SEMEION.__getitem__: lambda dataset: dataset.labels,
    TensorDataset.__getitem__: lambda dataset: dataset.tensors[1] if len(dataset.tensors) == 2 else None,
}


@dataclass(frozen=True)
class Leaf:
    """Part of a Dataset that is no Subset and no ConcatDataset."""

    dataset: Any
    indices: npt.NDArray[np.int64]
    """(n,) items of ``dataset``."""
    positions: npt.NDArray[np.int64]
    """(n,) places of these items in the whole."""


def find_leaves(dataset: Any) -> list[Leaf]:
    """Returns the Datasets that the items of Subsets and ConcatDatasets come from; a Dataset of another class is its own leaf."""
    positions = np.arange(len(dataset))
    return list(_walk(dataset, positions, positions))


def stored_labels(dataset: Any) -> Labels | None:
    """Returns the labels (N,) that the items have, or None where that takes reading them."""
    return _join(dataset, _leaf_labels)


def reference_labels(dataset: Any) -> Labels | None:
    """Returns the labels (N,) that the class names of a Dataset belong to: stored ones, or the attribute ``targets``."""
    return _join(dataset, lambda leaf: _first(_leaf_labels(leaf), _attribute_labels(leaf)))


def gives_stored_items(dataset: Any) -> bool:
    """Whether ``__getitem__`` is a known one, and nothing is set that changes what it gives."""
    transforms = getattr(dataset, "transforms", None)
    unchanged = getattr(dataset, "transform", None) is None and transforms is None
    return unchanged and _gives_stored_labels(dataset)


def read_attribute(dataset: Any, name: str) -> Any:
    """Returns None where there is no such attribute, or reading it fails."""
    try:
        return getattr(dataset, name, None)
    except Exception:  # noqa: BLE001  # reason: user code may raise anything
        return None


def _walk(dataset: Any, indices: npt.NDArray[np.int64], positions: npt.NDArray[np.int64]) -> Iterator[Leaf]:
    getitem = type(dataset).__getitem__
    if getitem is Subset.__getitem__:
        chosen = np.asarray(dataset.indices, dtype=np.int64)[indices]
        chosen = np.where(chosen < 0, chosen + len(dataset.dataset), chosen)  # counted from the end
        yield from _walk(dataset.dataset, chosen, positions)
    elif getitem is ConcatDataset.__getitem__:
        starts = np.array([0, *dataset.cumulative_sizes])
        parts = np.searchsorted(starts, indices, side="right") - 1
        for number, part in enumerate(dataset.datasets):
            is_here = parts == number
            if is_here.any():
                yield from _walk(part, indices[is_here] - starts[number], positions[is_here])
    else:
        yield Leaf(dataset, indices, positions)


def _gives_stored_labels(dataset: Any) -> bool:
    transforms = getattr(dataset, "transforms", None)
    return (
        type(dataset).__getitem__ in _LABELS_BY_GETITEM
        and getattr(dataset, "target_transform", None) is None
        and (transforms is None or (type(transforms) is StandardTransform and transforms.target_transform is None))
    )


def _join(dataset: Any, labels_of: Callable[[Leaf], Labels | None]) -> Labels | None:
    """Returns the labels of all leaves in the order of the whole; None where those of one leaf are not known."""
    leaves = find_leaves(dataset)
    labels = [labels_of(leaf) for leaf in leaves]
    known = [each for each in labels if each is not None]
    if not known or len(known) < len(labels) or len({each.dtype.kind for each in known}) > 1:
        return None
    joined = np.empty(len(dataset), np.result_type(*known))
    for leaf, each in zip(leaves, known, strict=True):
        joined[leaf.positions] = each
    return joined


def _first(one: Labels | None, other: Labels | None) -> Labels | None:
    return other if one is None else one


def _attribute_labels(leaf: Leaf) -> Labels | None:
    for name in ("targets", "labels"):
        values = read_attribute(leaf.dataset, name)
        if isinstance(values, list | tuple | np.ndarray | Tensor) and len(values) == len(leaf.dataset):
            array = np.asarray(values)
            return array[leaf.indices] if array.ndim == 1 else None
    return None


def _leaf_labels(leaf: Leaf) -> Labels | None:
    if not _gives_stored_labels(leaf.dataset):
        return None
    labels = _LABELS_BY_GETITEM[type(leaf.dataset).__getitem__](leaf.dataset)
    return None if labels is None else read_labels(labels)[0][leaf.indices]
