"""Labels: missing ones, and classes with too few samples."""

from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.cleaning.checked import CheckedSplit, chosen, report
from naiad.trainer.data.findings import Action, Finding, Findings

TINY_CLASS = 5


def without_missing_labels(checked: CheckedSplit, *, split: str, must_be_whole: bool) -> tuple[CheckedSplit, Findings]:
    """Leaves samples without a label out. Raises DataError when more than half miss it, or one where they must be whole."""
    if checked.targets is None:
        return checked, Findings()
    missing = missing_labels(checked.targets)
    count = int(missing.sum())
    if not count:
        return checked, Findings()
    first = checked.names[int(np.flatnonzero(missing)[0])]
    if must_be_whole or 2 * count > len(checked):
        raise DataError(
            f"{count:,} of {len(checked):,} labels in {split} are missing or NaN, the first at {first}",
            hint="leave those samples out, or give them labels",
        )
    message = "samples without a label"
    findings = report("missing-label", split, chosen(checked.names, missing), Action.LEFT_OUT, message)
    return checked.keep(~missing), findings


def missing_labels(targets: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(N,): None, NaN, NaT and empty text."""
    if targets.dtype.kind == "f":
        return np.asarray(~np.isfinite(targets), dtype=bool)
    if targets.dtype.kind == "U":
        return np.asarray(np.char.strip(targets) == "", dtype=bool)
    if targets.dtype.kind != "O":
        return np.zeros(len(targets), bool)
    return np.array([_is_missing(value) for value in targets], dtype=bool)


def tiny_classes(indices: npt.NDArray[np.int64], classes: tuple[str, ...]) -> Findings:
    """Classes of the training split with fewer than five samples, and those with none."""
    counts = np.bincount(indices, minlength=len(classes))
    empty = tuple(name for name, count in zip(classes, counts, strict=True) if count == 0)
    tiny = tuple(f"{name}: {count}" for name, count in zip(classes, counts, strict=True) if 0 < count < TINY_CLASS)
    told = (
        ("empty-class", empty, "classes without a training sample: they are not learnt"),
        ("tiny-class", tiny, f"classes with fewer than {TINY_CLASS} training samples: their scores mean little"),
    )
    return Findings(
        tuple(Finding(kind, "train", len(names), Action.TOLD, text, names[:5]) for kind, names, text in told if names)
    )


def _is_missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124  # reason: NaN
