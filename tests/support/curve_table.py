"""A table of recorded learning curves, and a pool that plays trials from it in virtual time.

``benchmarks/record_curves.py`` writes the table: scores of real networks after each epoch, with the seconds of an epoch.
"""

import csv
import heapq
from dataclasses import dataclass, field
from pathlib import Path

from naiad.trainer.tuning.space import Space, make_space
from naiad.trainer.tuning.space_text import parse_dimension
from naiad.trainer.tuning.trial import TrialState
from naiad.trainer.tuning.trial_run import EpochEvent, JobOutcome, TrialJob

TABLE = Path(__file__).parents[1] / "data" / "digits_curves.csv"
_NUMBERS = ("number", "epoch_s", "base")


@dataclass(frozen=True)
class Curve:
    values: dict[str, str]
    epoch_s: float
    scores: tuple[float, ...]


@dataclass(frozen=True)
class CurveTable:
    space: Space
    curves: dict[tuple[str, ...], Curve]
    base: Curve
    """The curve of the untuned plan."""

    @property
    def epochs(self) -> int:
        return len(self.base.scores)

    @property
    def best(self) -> float:
        return max(curve.scores[-1] for curve in self.curves.values())

    def curve(self, values) -> Curve:
        return self.curves[tuple(str(values[name]) for name in self.space.names)]


def read_table(path: Path = TABLE) -> CurveTable:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in _NUMBERS and not name.startswith("epoch_")]
    epochs = sum(name.startswith("epoch_") and name != "epoch_s" for name in rows[0])
    curves = [
        Curve(
            {name: row[name] for name in names},
            float(row["epoch_s"]),
            tuple(float(row[f"epoch_{epoch}"]) for epoch in range(1, epochs + 1)),
        )
        for row in rows
    ]
    own = [curve for curve, row in zip(curves, rows, strict=True) if row["base"] == "0"]
    known = {name: ",".join(dict.fromkeys(curve.values[name] for curve in own)) for name in names}
    space = make_space([parse_dimension(name, text) for name, text in known.items()])
    by_values = {tuple(curve.values[name] for name in names): curve for curve in own}
    return CurveTable(space, by_values, next(c for c, row in zip(curves, rows, strict=True) if row["base"] == "1"))


@dataclass
class TablePool:
    """Runs jobs in virtual time: ``wait`` moves the clock on to the next end of a job."""

    table: CurveTable
    size: int = 1
    now: float = 0.0
    trained: list[tuple[int, int]] = field(default_factory=list)
    """(trial, epoch) for each epoch that was trained."""
    _at: dict[int, int] = field(default_factory=dict)
    _ends: list[tuple[float, int, TrialJob, int]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def start(self, job: TrialJob) -> None:
        first = self._at.get(job.number, 0)
        last = min([pause for pause in job.pause_at if pause > first], default=self.table.epochs)
        ends_at = self.now + (last - first) * self._curve(job).epoch_s
        heapq.heappush(self._ends, (ends_at, job.number, job, last))
        assert len(self._ends) <= self.size

    def wait(self, on_epoch, timeout_s=None) -> list[JobOutcome]:
        if not self._ends:
            return []
        self.now, number, job, last = heapq.heappop(self._ends)
        curve = self._curve(job)
        for epoch in range(self._at.get(number, 0) + 1, last + 1):
            self.trained.append((number, epoch))
            on_epoch(EpochEvent(number, epoch, curve.scores[epoch - 1], curve.epoch_s))
        self._at[number] = last
        if last < self.table.epochs:
            return [JobOutcome(number, TrialState.PAUSED)]
        return [JobOutcome(number, TrialState.COMPLETE, curve.scores[-1])]

    def stop(self, on_epoch) -> list[JobOutcome]:
        return []

    def close(self) -> None:
        self._ends.clear()

    def _curve(self, job: TrialJob) -> Curve:
        return self.table.base if job.is_base else self.table.curve(job.values)
