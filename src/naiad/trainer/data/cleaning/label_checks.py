"""Checks labels: missing ones, and classes with few samples.

Shape legend: N samples.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.findings import Action, Findings, make_findings

MIN_CLASS_SAMPLES = 5
"""Classes with fewer training samples are reported."""


def drop_missing_labels(cleaned: CleanedSplit, *, split: str, labels_required: bool) -> tuple[CleanedSplit, Findings]:
    """Removes the samples without a label.

    Raises DataError where more than half of the labels are missing, or any where they are required.
    """
    if cleaned.targets is None:
        return cleaned, Findings()
    is_missing = missing_label_mask(cleaned.targets)
    count = int(is_missing.sum())
    if not count:
        return cleaned, Findings()
    if labels_required or 2 * count > len(cleaned):
        first = cleaned.names[int(np.flatnonzero(is_missing)[0])]
        raise DataError(
            f"{count:,} of {len(cleaned):,} labels in {split} are missing or NaN, the first at {first}",
            hint="remove those samples, or give them labels",
        )
    names = cleaned.select_names(is_missing)
    findings = make_findings("missing-label", split, names, Action.QUARANTINED, "samples without a label")
    return cleaned.keep(~is_missing), findings


def missing_label_mask(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Returns (N,): true for None, NaN, NaT, infinities and blank text."""
    if labels.dtype.kind == "f":
        return np.asarray(~np.isfinite(labels), dtype=bool)
    if labels.dtype.kind == "U":
        return np.asarray(np.char.strip(labels) == "", dtype=bool)
    if labels.dtype.kind != "O":
        return np.zeros(len(labels), bool)
    return np.array([_is_missing(value) for value in labels], dtype=bool)


def find_small_classes(indices: npt.NDArray[np.int64], classes: tuple[str, ...]) -> Findings:
    """Reports classes that have fewer than five samples, or none, among the training split's class indices (N,)."""
    counts = np.bincount(indices, minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    small = [f"{name}: {count}" for name, count in zip(classes, counts, strict=True) if 0 < count < MIN_CLASS_SAMPLES]
    empty_message = "classes without a training sample: the model cannot learn them"
    small_message = f"classes with fewer than {MIN_CLASS_SAMPLES} training samples: their scores are not reliable"
    return make_findings("empty-class", "train", empty, Action.REPORTED, empty_message) + make_findings(
        "tiny-class", "train", small, Action.REPORTED, small_message
    )


def _is_missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124  # reason: NaN
