"""The values of the objective metric that a trial's program has logged so far, in order: its learning curve.

They are read from the files that the agents write, each only as far as it has grown. An attempt that goes on from a checkpoint
continues the curve; one of a job without checkpoints begins it anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from naiad.service.domain.job import Job
from naiad.service.jobs.metrics import metric_files
from naiad.service.jobs.service import JobService
from naiad.service.metric_points import parse_points

_MAX_SENT = 128
"""Longest curve in a request to the search; of longer ones every second, fourth, … value is sent."""


@dataclass
class _Curve:
    values: list[float] = field(default_factory=list)
    offsets: dict[Path, int] = field(default_factory=dict)
    """How far each file was read."""
    attempt: int = 0
    """The last attempt that was read."""


class Curves:
    """The curves of the trials, by the names of their jobs. For one thread."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs
        self._curves: dict[str, _Curve] = {}

    def read(self, job: Job, metric: str) -> list[float]:
        """Returns the curve of a job as it is now. Do not change it."""
        curve = self._curves.setdefault(job.name, _Curve())
        is_continued = "CheckpointConfig" in job.request
        if curve.attempt != job.attempt and not is_continued:
            curve.values = []
        curve.attempt = job.attempt
        first = 1 if is_continued else max(1, job.attempt)
        attempts = [self._jobs.instances(job, attempt=attempt) for attempt in range(first, job.attempt + 1)]
        for file in dict.fromkeys(file for instances in attempts for file in metric_files(instances)):
            curve.values += _new_values(file, metric, curve.offsets)
        return curve.values

    def known(self, name: str) -> Sequence[float]:
        """Returns what was read last; () for a job that was not read."""
        return self._curves[name].values if name in self._curves else ()

    def forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._curves.pop(name, None)


def points_of(values: Sequence[float]) -> list[list[float]]:
    """Returns [epoch, value] of a curve for the search: of a long one the same epochs for every trial, and the last."""
    stride = 1
    while len(values) > _MAX_SENT * stride:
        stride *= 2
    points = [[number, value] for number, value in enumerate(values, 1) if number % stride == 0]
    if values and points[-1][0] != len(values):
        points.append([len(values), values[-1]])
    return points


def _new_values(file: Path, metric: str, offsets: dict[Path, int]) -> list[float]:
    """Reads the complete lines that a file has got since the last time."""
    start = offsets.get(file, 0)
    try:
        if file.stat().st_size <= start:
            return []
        with file.open("rb") as lines:
            lines.seek(start)
            data = lines.read()
    except FileNotFoundError:
        return []
    complete = data[: data.rfind(b"\n") + 1]
    offsets[file] = start + len(complete)
    return [point.value for point in parse_points(complete.splitlines()) if point.name == metric]
