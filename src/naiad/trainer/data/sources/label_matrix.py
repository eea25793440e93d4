"""Labels of several columns: one-hot rows are classes; everything else has more than one label a sample and is refused.

Shape legend: N samples, K columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.dense_tensor import to_dense_tensor

_SUM_TOLERANCE = 1e-3
"""How far the parts of soft labels may be from adding up to 1."""


def read_labels(targets: Any) -> tuple[npt.NDArray[Any], Findings]:
    """Returns labels (N,): one-hot rows (N, K) as the number or the name of their column, (N, 1) flattened. Raises DataError."""
    column_names = tuple(str(name) for name in getattr(targets, "columns", ()))
    if isinstance(targets, Mapping):
        raise _several_labels_of_names(targets)
    if hasattr(targets, "toarray") and hasattr(targets, "nnz"):  # a sparse matrix of SciPy, as OneHotEncoder gives
        targets = targets.toarray()
    if isinstance(targets, Tensor):
        targets = to_dense_tensor(targets, name="y").numpy()
    try:
        values = np.asarray(targets)
    except ValueError as error:
        raise DataError(
            f"the labels differ in shape: {error}", hint="give one label a sample, a number or a text"
        ) from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.shape[1] > 1 and len(values):
        return _decode_one_hot(values, column_names)
    if values.ndim != 1:
        raise DataError(
            f"y has shape {tuple(values.shape)}, but one label a sample is needed: (N,)",
            hint="give the class, or the number, of each sample",
        )
    return _decode_bytes(values), Findings()


def count_one_hot_columns(targets: Any) -> int | None:
    """Returns the number of columns of labels that ``read_labels`` takes for one-hot; None where they have names, or are one."""
    if hasattr(targets, "columns") or isinstance(targets, Mapping):
        return None
    shape: tuple[int, ...] = np.shape(targets) if hasattr(targets, "shape") or isinstance(targets, list | tuple) else ()
    return int(shape[1]) if len(shape) == 2 and shape[1] > 1 else None


def _decode_bytes(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns labels (N,) that are bytes, as HDF5 and MATLAB files have them, as text; other labels as they are."""
    if labels.dtype.kind == "O" and any(isinstance(label, bytes) for label in labels):
        decoded = [label.decode("utf-8", "replace") if isinstance(label, bytes) else label for label in labels]
        return np.array(decoded, dtype=object)
    return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels


def _decode_one_hot(matrix: npt.NDArray[Any], column_names: Sequence[str]) -> tuple[npt.NDArray[Any], Findings]:
    numbers_NK = _to_numbers(matrix)
    columns = numbers_NK.shape[1]
    is_binary = bool(((numbers_NK == 0) | (numbers_NK == 1)).all())
    if not is_binary or not bool((numbers_NK.sum(axis=1) == 1).all()):
        raise _several_labels_error(numbers_NK, is_binary=is_binary)
    indices = numbers_NK.argmax(axis=1)
    named = f"by the name of the column: {', '.join(column_names[:5])}" if column_names else f"0 to {columns - 1}"
    message = f"one-hot labels of {columns} columns are taken as classes, {named}"
    finding = Finding("one-hot-labels", "train", len(indices), Action.REPORTED, message)
    return np.array(column_names)[indices] if column_names else indices, Findings((finding,))


def _several_labels_error(numbers_NK: npt.NDArray[np.float64], *, is_binary: bool) -> DataError:
    shape, columns = tuple(numbers_NK.shape), numbers_NK.shape[1]
    if is_binary:
        return DataError(
            f"y of shape {shape} marks no class or several for some samples (multi-label), but one label a sample is needed",
            hint="train one model for each class: (X, y[:, 0]), (X, y[:, 1]), …",
        )
    is_soft = bool((numbers_NK >= 0).all()) and bool((abs(numbers_NK.sum(axis=1) - 1) < _SUM_TOLERANCE).all())
    if is_soft:
        return DataError(
            f"y of shape {shape} holds a probability for each class, but one label a sample is needed",
            hint="give the most likely class: y.argmax(axis=1)",
        )
    return DataError(
        f"y of shape {shape} holds {columns} targets a sample, but one label a sample is needed: (N,)",
        hint="train one model for each target: (X, y[:, 0]), (X, y[:, 1]), …",
    )


def _several_labels_of_names(targets: Mapping[Any, Any]) -> DataError:
    names = ", ".join(map(str, targets))
    return DataError(
        f"y is a mapping of several targets, {names}, but one label a sample is needed",
        hint="train one model for each target: (X, y['…'])",
    )


def _to_numbers(matrix: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    try:
        return matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"y has shape {tuple(matrix.shape)}, but one label a sample is needed: (N,)", hint="give one column of it"
        ) from error
