"""Statistics of a category: the mean of the target over its training rows, for columns of many categories.

A training row must not see its own target. So each training row has a fold, and its statistics are those of the rows in the
other folds; a new row has those of all training rows. The fold travels in the row's code: its fraction is (fold + 1) / 16.
Shape legend: N rows, B batch, S columns, F features, T statistics of a category, R rows of the lookup table.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.data.table_encoding import MISSING_CODE

FOLDS = 5
_FOLD_STEP = 16.0
"""Codes up to a million keep a fraction of 1/16 in float32."""
MAX_STATISTICS = 16
"""Classes that have a statistic each; of more classes the most frequent ones."""
_PRIOR_ROWS = 5.0
"""Rows of the mean over all categories that are added to each category: few rows say little."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CategoryColumn:
    slot: int
    categories: int


@dataclass(frozen=True)
class StatisticTargets:
    """Targets of the training split: class indices (N,), or values of a regression."""

    values: Tensor
    task: Task
    classes: int


def assign_folds(train: Split, columns: list[CategoryColumn], *, seed: int) -> Split:
    """Returns the training split with a fold in the codes of ``columns``."""
    assert isinstance(train.samples, TensorSamples)  # reason: tables are always in memory
    values_NF = train.samples.tensor.clone()
    fold_N = torch.from_numpy(np.random.default_rng(seed).permutation(len(train)) % FOLDS)
    for column in columns:
        values_NF[:, column.slot] += (fold_N + 1) / _FOLD_STEP
    return replace(train, samples=TensorSamples(values_NF))


class TargetStatistics(nn.Module):
    """float32 (B, F) encoded rows in, float32 (B, S · T) out: mean 0 and deviation 1 over the training rows.

    An unknown category has the mean over all categories. The buffers' names are stored in artifacts.
    """

    column_slots: Tensor
    first_rows: Tensor
    last_codes: Tensor
    table: Tensor

    def __init__(self, column_slots: list[int], first_rows: list[int], last_codes: list[int], table_RT: Tensor) -> None:
        super().__init__()
        self.register_buffer("column_slots", torch.tensor(column_slots, dtype=torch.int64))
        self.register_buffer("first_rows", torch.tensor(first_rows, dtype=torch.int64))
        self.register_buffer("last_codes", torch.tensor(last_codes, dtype=torch.int64))
        self.register_buffer("table", table_RT.float())

    def forward(self, encoded: Tensor) -> Tensor:
        codes_BS = encoded.index_select(1, self.column_slots) - MISSING_CODE
        whole_BS = torch.floor(codes_BS)
        fold_BS = torch.round((codes_BS - whole_BS) * _FOLD_STEP).to(torch.int64)
        known_BS = torch.minimum(whole_BS.to(torch.int64).clamp(min=0), self.last_codes)
        rows_BS = self.first_rows + known_BS * (FOLDS + 1) + fold_BS.clamp(0, FOLDS)
        return self.table[rows_BS].flatten(1)


def fit_target_statistics(
    columns: list[CategoryColumn], encoded_NF: Tensor, targets: StatisticTargets
) -> TargetStatistics:
    """encoded_NF: the training split of ``assign_folds``."""
    indicators_NT = _indicators(targets)
    tables, first_rows = [], [0]
    for column in columns:
        codes_N = encoded_NF[:, column.slot].double().numpy() - MISSING_CODE
        whole_N = np.floor(codes_N).astype(np.int64)
        fold_N = np.rint((codes_N - whole_N) * _FOLD_STEP).astype(np.int64) - 1
        table = _statistics(whole_N, fold_N, indicators_NT, codes=column.categories - MISSING_CODE)
        seen_NT = table[whole_N * (FOLDS + 1) + fold_N + 1]
        deviation = seen_NT.std(axis=0)
        tables.append((table - seen_NT.mean(axis=0)) / np.where(deviation > 0, deviation, 1))
        first_rows.append(first_rows[-1] + len(table))
    last_codes = [column.categories - MISSING_CODE - 1 for column in columns]
    table_RT = torch.from_numpy(np.concatenate(tables))
    return TargetStatistics([column.slot for column in columns], first_rows[:-1], last_codes, table_RT)


def _indicators(targets: StatisticTargets) -> Floats:
    """Returns (N, T): whether the row has the class, for one of two or the most frequent ones; or the value."""
    values_N: npt.NDArray[Any] = targets.values.numpy()
    if targets.task is Task.REGRESSION:
        indicators_NT = (values_N.astype(np.float64) - values_N.astype(np.float64).mean())[:, None]
    elif targets.classes == 2:
        indicators_NT = values_N[:, None] == 1
    else:
        frequent = np.argsort(-np.bincount(values_N, minlength=targets.classes), kind="stable")[:MAX_STATISTICS]
        indicators_NT = values_N[:, None] == np.sort(frequent)
    return np.asarray(indicators_NT, dtype=np.float64)


def _statistics(
    code_N: npt.NDArray[np.int64], fold_N: npt.NDArray[np.int64], indicators_NT: Floats, *, codes: int
) -> Floats:
    """Returns (codes · (FOLDS + 1), T): for each code the mean over all rows, then over those outside each fold."""
    index_N, cells = code_N * FOLDS + fold_N, codes * FOLDS
    counts = np.bincount(index_N, minlength=cells).reshape(codes, FOLDS, 1).astype(np.float64)
    sums = np.stack([np.bincount(index_N, weights=column, minlength=cells) for column in indicators_NT.T], axis=-1)
    sums = sums.reshape(codes, FOLDS, -1)
    counts = np.concatenate([counts.sum(axis=1, keepdims=True), counts.sum(axis=1, keepdims=True) - counts], axis=1)
    sums = np.concatenate([sums.sum(axis=1, keepdims=True), sums.sum(axis=1, keepdims=True) - sums], axis=1)
    prior = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    means: Floats = (sums + _PRIOR_ROWS * prior) / (counts + _PRIOR_ROWS)
    return means.reshape(codes * (FOLDS + 1), -1)
