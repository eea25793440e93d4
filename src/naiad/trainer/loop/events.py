"""A run's numbers for people's tools: metrics.jsonl (a line an epoch) and TensorBoard events.

Nothing reads these files back but ``truncate_after``: a resumed run takes its history from the checkpoint.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from naiad import durable
from naiad.trainer.artifact.writing import translate_errors
from naiad.trainer.model.model import EpochRecord

if TYPE_CHECKING:
    from naiad.trainer.loop.tensorboard_file import TensorBoardFile

STEPS_PER_POINT = 20
"""Steps whose mean is one TensorBoard point: writing a point takes about a tenth of a small step's time."""


class EventWriter(Protocol):
    """Called from the thread that trains. Steps count up, except after ``truncate_after``. Raises DiskFull, FolderError."""

    def write_epoch(self, record: EpochRecord) -> None: ...

    def write_step(self, step: int, loss: float, rate: float) -> None:
        """Called after each step; ``step`` counts from 1."""

    def truncate_after(self, step: int) -> None:
        """Removes what was written for later steps: the run goes on from ``step``."""

    def close(self) -> None:
        """May be called twice; no other method may be called after it."""


class NullEventWriter:
    """Writes nothing, for a run without a folder."""

    def write_epoch(self, record: EpochRecord) -> None: ...

    def write_step(self, step: int, loss: float, rate: float) -> None: ...

    def truncate_after(self, step: int) -> None: ...

    def close(self) -> None: ...


class EventFiles:
    """The event writer of a run folder, which exists. Goes on with the files that are there. Raises DiskFull, FolderError.

    ``metrics.jsonl`` holds whole lines at any moment. A kill may leave an incomplete last line, which the next run removes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metrics = folder / "metrics.jsonl"
        self._tensorboard: TensorBoardFile | None = None
        self._first_step: int | None = None
        self._losses: list[float] = []
        self._remove_lines(last_step=None)

    def write_epoch(self, record: EpochRecord) -> None:
        line = json.dumps(_replace_non_finite(asdict(record)), allow_nan=False)
        with translate_errors(self._folder), self._metrics.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        with translate_errors(self._folder):
            scores = {f"validation/{name}": value for name, value in record.validation.items()}
            self._open_tensorboard().add_scalars({"epoch/train_loss": record.train_loss, **scores}, record.step)

    def write_step(self, step: int, loss: float, rate: float) -> None:
        self._losses.append(loss)
        if step % STEPS_PER_POINT:
            return
        with translate_errors(self._folder):
            loss = sum(self._losses) / len(self._losses)
            self._open_tensorboard().add_scalars({"step/loss": loss, "step/learning_rate": rate}, step)
        self._losses.clear()

    def truncate_after(self, step: int) -> None:
        self._remove_lines(last_step=step)
        self.close()
        self._losses.clear()
        self._first_step = step + 1

    def close(self) -> None:
        if self._tensorboard is not None:
            tensorboard, self._tensorboard = self._tensorboard, None
            with translate_errors(self._folder):
                tensorboard.close()

    def _remove_lines(self, *, last_step: int | None) -> None:
        """Rewrites metrics.jsonl, atomically, when it holds an incomplete line or a step after ``last_step``."""
        if not self._metrics.exists():
            return
        data = self._metrics.read_bytes()
        kept_lines = b"".join(line for line in data.splitlines(keepends=True) if _is_line_kept(line, last_step))
        if kept_lines != data:
            with translate_errors(self._folder):
                durable.write_file(self._metrics, kept_lines)

    def _open_tensorboard(self) -> "TensorBoardFile":
        """Opens the file at the first number: a run that is truncated at once leaves no empty one."""
        if self._tensorboard is None:
            from naiad.trainer.loop.tensorboard_file import TensorBoardFile  # noqa: PLC0415  # reason: only a run with a folder needs it

            self._tensorboard = TensorBoardFile(self._folder / "events", first_step=self._first_step)
        return self._tensorboard


def _is_line_kept(line: bytes, last_step: int | None) -> bool:
    """False for an incomplete line, and for a step after ``last_step``."""
    if not line.endswith(b"\n"):
        return False
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return False
    return last_step is None or step <= last_step


def _replace_non_finite(value: Any) -> Any:
    """The value with None for each number that is not finite: JSON has no NaN."""
    match value:
        case dict():
            return {name: _replace_non_finite(item) for name, item in value.items()}
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
