"""Pauses of a job that is a trial of a tuning job: when, what is reported, and that each is made once.

The tuning job names epochs. After each of them the run has its checkpoint; the trainer writes ``naiad-pause.json`` into the
output folder and ends with status 75 (EX_TEMPFAIL). The service runs the job again, from its checkpoints, when the trial is
promoted.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.errors import OptionError
from naiad.trainer.hyperparameters import OBJECTIVE_METRIC, PAUSE_AT_EPOCHS
from naiad.trainer.option_text import parse_whole_numbers

PAUSED_STATUS = 75
PAUSE_FILE = "naiad-pause.json"
_MADE_FILE = "naiad-paused.json"
"""The file beside the checkpoints that says which pause was made last."""
_HEADLINES = ("accuracy", "r2", "loss")
"""Scores that are the objective where the tuning job names none that the run has."""
_PREFIXES = ("validation:", "validation_", "validation ")


@dataclass(frozen=True)
class JobPauses:
    epochs: tuple[int, ...]
    """All epochs to pause after, in rising order; empty in a job that is no trial."""
    made: int
    """The epoch of the last pause that was made; 0 before the first."""
    metric: str | None
    """Name of the tuning job's objective."""
    checkpoints: Path
    output: Path

    @classmethod
    def read(cls, hyperparameters: Mapping[str, Any], environment: Mapping[str, str]) -> "JobPauses":
        """Raises OptionError for epochs that are none."""
        checkpoints, output = Path(environment["SM_CHECKPOINT_DIR"]), Path(environment["SM_OUTPUT_DIR"])
        epochs = parse_whole_numbers(hyperparameters.get(PAUSE_AT_EPOCHS), name=PAUSE_AT_EPOCHS)
        metric = hyperparameters.get(OBJECTIVE_METRIC)
        made = _read_made(checkpoints / _MADE_FILE) if epochs else 0
        return cls(epochs, made, None if metric is None else str(metric), checkpoints, output)

    @property
    def pending(self) -> frozenset[int]:
        """The epochs to pause after in this attempt."""
        return frozenset(epoch for epoch in self.epochs if epoch > self.made)

    def with_restarts(self, plan: Any) -> Any:
        """Returns the plan's choices with a schedule that ends at each pause, unless they say otherwise (see ``restarts``)."""
        if not self.epochs or not isinstance(plan, Mapping) or "restarts" in plan:
            return plan
        return {**plan, "restarts": ",".join(map(str, self.epochs))}

    def write(self, epoch: int, scores: Mapping[str, float]) -> None:
        """Writes the pause, and then that it was made: a crash in between makes it again. Raises OSError."""
        finite = {name: score for name, score in scores.items() if math.isfinite(score)}
        values = {"paused_at": epoch, "objective": self._objective(finite), "scores": finite}
        durable.write_file(self.output / PAUSE_FILE, json.dumps(values).encode())
        durable.write_file(self.checkpoints / _MADE_FILE, json.dumps({"epoch": epoch}).encode())

    def _objective(self, scores: Mapping[str, float]) -> float | None:
        metric = self.metric or ""
        names = [metric, *(metric.removeprefix(prefix) for prefix in _PREFIXES), *_HEADLINES]
        return next((scores[name] for name in names if name in scores), None)


def _read_made(file: Path) -> int:
    try:
        return int(json.loads(file.read_bytes())["epoch"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(f"{os.fspath(file)} is damaged: {error}", hint="start the tuning job anew") from error
