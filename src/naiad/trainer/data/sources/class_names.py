"""Names of the classes of a Dataset: its attribute ``classes`` is used as far as it agrees with the labels of the items.

Names are found through Subset, random_split and ConcatDataset, and in a Dataset that another one wraps.
Shape legend: N items, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset, Subset
from torchvision.datasets import VisionDataset

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.name_attributes import (
    ATTRIBUTES,
    ClassNames,
    counts_from_zero,
    parse_names,
    read_names,
)
from naiad.trainer.data.sources.stored_labels import (
    Labels,
    Leaf,
    find_leaves,
    read_attribute,
    reference_labels,
)

_BASE_CLASSES = (Dataset, VisionDataset)
_MAX_LISTED = 3
_UNLABELLED = -1
"""Label that Hugging Face gives to samples without one."""


@dataclass(frozen=True)
class NamedLabels:
    """Labels of a data set with the names of their classes."""

    labels: Labels | None
    """(N,): whole numbers where there are ``classes``, else as the items give them, or their names."""
    classes: tuple[str, ...] = ()
    """Names of the labels 0, 1, …; empty where they are not known, and where the labels are names themselves."""
    findings: Findings = field(default_factory=Findings)


def name_labels(dataset: Any, labels: Labels | None, *, label_key: int | str | None = None) -> NamedLabels:
    """Finds the names of the items' labels (N,). Raises DataError where parts of a ConcatDataset contradict each other.

    Labels are replaced by their names where these have other numbers than 0, 1, …. label_key: name of the label's part, under
    which a Hugging Face Dataset keeps the names.
    """
    numbers = _as_whole_numbers(labels)
    if numbers is None:
        return NamedLabels(labels, (), _report_unused_names(dataset, labels))
    names_by_leaf = [_find_names(leaf, numbers[leaf.positions], label_key) for leaf in find_leaves(dataset)]
    known = list(dict.fromkeys(names.found for names in names_by_leaf if names.found))
    findings = sum((_report_reason(names.reason) for names in names_by_leaf if names.reason), Findings())
    if len(known) > 1:
        return _join_by_name(names_by_leaf, numbers, known)
    if not known or not _covers(known[0], numbers):
        return NamedLabels(labels, (), findings)
    if counts_from_zero(known[0]):
        return NamedLabels(numbers, tuple(name for _, name in known[0]), findings)
    return NamedLabels(_to_names(numbers, known[0]), (), findings)


@dataclass(frozen=True)
class _LeafNames:
    """Names that one leaf has for its labels: ``found`` where they agree with the items, else the ``reason`` against them."""

    leaf: Leaf
    found: ClassNames = ()
    reason: str = ""


def _find_names(leaf: Leaf, labels: npt.NDArray[np.int64], label_key: int | str | None) -> _LeafNames:
    """Looks at the attributes of the leaf, then at those of the Dataset that it wraps. labels: (n,) of the leaf's items."""
    features = read_attribute(leaf.dataset, "features")
    if isinstance(features, Mapping) and hasattr(features.get(label_key), "names"):
        names = _with_missing(parse_names(features[label_key]), labels)
        return _LeafNames(leaf, *_check_range(names, labels, f"the feature {label_key}", features[label_key]))
    attribute, names, value = read_names(leaf.dataset)
    if attribute is not None:
        owner = f"the attribute {attribute} of {type(leaf.dataset).__name__}"
        found, reason = _check_range(names, labels, owner, value)
        if found and not _belongs_to(leaf, leaf.dataset, labels, found):
            found, reason = (), f"{owner} belongs to other labels than the items have: it is not used"
        return _LeafNames(leaf, found, reason)
    for wrapped in _wrapped_datasets(leaf.dataset):
        inner = {read_names(each.dataset)[1] for each in find_leaves(wrapped)} - {None}
        if inner:
            owner = f"the class names of the {type(wrapped).__name__} in {type(leaf.dataset).__name__}"
            found, reason = _check_range(inner.pop(), labels, owner, None)
            if found and (inner or not _belongs_to(leaf, wrapped, labels, found)):
                found, reason = (), f"{owner} cannot be matched with the labels of the items: they are not used"
            return _LeafNames(leaf, found, reason)
    return _LeafNames(leaf)


def _with_missing(names: ClassNames | None, labels: npt.NDArray[np.int64]) -> ClassNames | None:
    """Returns the names of a Hugging Face feature; samples that have the label -1 have none, as for blank text."""
    is_unlabelled = bool((labels == _UNLABELLED).any())
    return ((_UNLABELLED, ""), *names) if names and is_unlabelled else names


def _check_range(
    names: ClassNames | None, labels: npt.NDArray[np.int64], owner: str, value: Any
) -> tuple[ClassNames, str]:
    """Returns the names, or no names and the reason."""
    if names is None:
        return (), f"{owner} is no list of names ({_shorten(value)}): it is not used"
    if not _covers(names, labels):
        count = f"{len(names)} names" + ("" if counts_from_zero(names) else f" ({_shorten(value)})")
        return (), f"{owner} has {count}, but the labels are {labels.min()} to {labels.max()}: it is not used"
    return names, ""


def _covers(names: ClassNames, labels: npt.NDArray[np.int64]) -> bool:
    """Whether each label has a name."""
    return set(np.unique(labels).tolist()) <= {number for number, _ in names}


def _belongs_to(leaf: Leaf, owner: Any, labels: npt.NDArray[np.int64], names: ClassNames) -> bool:
    """Whether the labels that the names of ``owner`` belong to are those of the leaf's items."""
    reference = reference_labels(owner) if len(owner) == len(leaf.dataset) else None
    if reference is not None:
        return bool(np.array_equal(reference[leaf.indices], labels))
    if owner is not leaf.dataset:
        return False
    return not _overrides_items(leaf.dataset) or len(np.unique(labels)) == len(names)


def _join_by_name(
    names_by_leaf: list[_LeafNames], numbers: npt.NDArray[np.int64], known: list[ClassNames]
) -> NamedLabels:
    """Returns text labels, where the parts of a ConcatDataset number their classes differently."""
    listed = " and ".join(f"({', '.join(name for _, name in names[:_MAX_LISTED])}, …)" for names in known[:2])
    if not all(names.found for names in names_by_leaf):
        raise DataError(
            f"the parts of the ConcatDataset number their classes differently, {listed}, and one part has no names",
            hint="give labels that are names, or parts that all have the attribute classes",
        )
    labels = np.empty(len(numbers), dtype=object)
    for names in names_by_leaf:
        labels[names.leaf.positions] = _to_names(numbers[names.leaf.positions], names.found)
    message = f"the parts of the ConcatDataset number their classes differently, {listed}: labels are joined by name"
    finding = Finding("class-names", "train", len(labels), Action.REPAIRED, message)
    return NamedLabels(labels.astype(np.str_), (), Findings((finding,)))


def _to_names(numbers: npt.NDArray[np.int64], names: ClassNames) -> npt.NDArray[np.str_]:
    """Returns the names (N,) of the numbers (N,), each of which has one."""
    name_of = dict(names)
    unique, inverse = np.unique(numbers, return_inverse=True)
    return np.array([name_of[number] for number in unique.tolist()], dtype=np.str_)[inverse]


def _wrapped_datasets(dataset: Any) -> list[Any]:
    """Returns the Datasets that the Dataset holds as attributes; for a kind of Subset the part that it chooses."""
    if isinstance(dataset, Subset):
        return [Subset(dataset.dataset, dataset.indices)]
    values = getattr(dataset, "__dict__", {}).values()
    return [value for value in values if isinstance(value, Dataset) and hasattr(value, "__len__")]


def _overrides_items(dataset: Any) -> bool:
    """Whether a subclass has overridden ``__getitem__``, so that the names may belong to labels that it replaces."""
    owners = [owner for owner in type(dataset).__mro__ if "__getitem__" in vars(owner) and owner not in _BASE_CLASSES]
    return len(owners) > 1 and not any(attribute in vars(owners[0]) for attribute in ATTRIBUTES)


def _as_whole_numbers(labels: Labels | None) -> npt.NDArray[np.int64] | None:
    """Returns None where the labels are no whole numbers."""
    if labels is None or labels.dtype.kind not in "iufb":
        return None
    if labels.dtype.kind == "f" and not bool((labels == np.floor(labels)).all()):
        return None
    return labels.astype(np.int64)


def _report_unused_names(dataset: Any, labels: Labels | None) -> Findings:
    """Reports names that belong to numbers with fractions."""
    if labels is None or labels.dtype.kind != "f":
        return Findings()
    attribute = read_names(dataset)[0]
    if attribute is None:
        return Findings()
    return _report_reason(f"the attribute {attribute} is not used: the labels are numbers with fractions")


def _report_reason(reason: str) -> Findings:
    return Findings((Finding("class-names", "train", 1, Action.REPORTED, reason),))


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
