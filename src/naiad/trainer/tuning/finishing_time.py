"""How long the end of a search takes: test, saving, reports. It is taken off the time limit before the search begins.

Remembered for the next search on this machine with the same kind of end and about as many samples to test on.
"""

import contextlib
import math
import time
from dataclasses import dataclass
from pathlib import Path

from naiad import durable
from naiad.errors import OptionError
from naiad.trainer.artifact import checksums
from naiad.trainer.autoscale.measurement_cache import cache_folder
from naiad.trainer.data.dataset import Dataset

_SAVING_S, _REPORT_S, _TESTING_S = 5.0, 6.0, 0.5
"""Seconds where nothing was timed yet: an artifact with its exported programs, two reports and a baseline, the rest."""
_SAMPLE_S = 1e-4
"""Seconds of testing a sample, where it was not timed."""
_SPARE = 1.05


@dataclass(frozen=True)
class FinishingTime:
    seconds: float
    kind: str
    path: Path

    @classmethod
    def estimate(cls, dataset: Dataset, *, saves: bool, reports: bool, folder: Path | None = None) -> "FinishingTime":
        samples = len(dataset.validation) + (len(dataset.test) if dataset.test is not None else 0)
        shape = "x".join(map(str, dataset.schema.sample_shape))
        kind = f"{dataset.task} {shape} {round(math.log10(max(1, samples)))} {saves} {saves and reports}"
        path = (folder if folder is not None else cache_folder().parent / "tuning") / "finishing.json"
        stored = _read(path).get(kind)
        seconds = _TESTING_S + samples * _SAMPLE_S + saves * (_SAVING_S + reports * _REPORT_S)
        return cls(_SPARE * (float(stored) if isinstance(stored, int | float) else seconds), kind, path)

    def search_end(self, started: float, limit_s: float | None) -> float | None:
        """Returns when searching is over, on ``time.perf_counter``; None is no limit.

        Raises OptionError where it would be over before it begins.
        """
        if limit_s is None:
            return None
        now, ends_at = time.perf_counter(), started + limit_s - self.seconds
        if ends_at <= now:
            needed_s = now - started + self.seconds
            raise OptionError(
                f"time_limit_s is {limit_s:g}, but reading, testing, saving and reporting alone take about {needed_s:.3g} s",
                hint="give it more time, or leave the report out: report=False",
            )
        return ends_at

    def store(self, seconds: float) -> None:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            durable.write_file(self.path, checksums.dumps_with_sha256({**_read(self.path), self.kind: seconds}))


def _read(path: Path) -> dict[str, object]:
    try:
        return checksums.loads_with_sha256(path.read_bytes())
    except (OSError, ValueError):
        return {}
