"""A run's numbers as they come, for people's tools: metrics.jsonl (a line an epoch) and TensorBoard events.

Nothing reads these back but ``truncate_after``: a resumed run takes its history from the checkpoint.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from naiad import durable
from naiad.trainer.artifact.manifest import saving
from naiad.trainer.model.model import EpochRecord

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

STEPS_A_POINT = 20
"""A step's TensorBoard point costs as much as a small step's tenth, so one is written for this many."""


class Events(Protocol):
    """Called from the thread that trains. Steps count up, except after ``truncate_after``. Raises DiskFull, FolderError."""

    def epoch(self, record: EpochRecord) -> None: ...

    def step(self, step: int, loss: float, rate: float) -> None:
        """After each step; ``step`` counts from 1."""

    def truncate_after(self, step: int) -> None:
        """Forgets what was written for later steps: the run goes on from ``step``."""

    def close(self) -> None:
        """May be called twice; nothing else may be called after it."""


class NullEvents:
    """For a run without a folder."""

    def epoch(self, record: EpochRecord) -> None: ...

    def step(self, step: int, loss: float, rate: float) -> None: ...

    def truncate_after(self, step: int) -> None: ...

    def close(self) -> None: ...


class EventLog:
    """``metrics.jsonl`` holds whole lines at any moment but a torn last one, which the next ``open`` drops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metrics = folder / "metrics.jsonl"
        self._writer: SummaryWriter | None = None
        self._first_step: int | None = None
        self._losses: list[float] = []
        self._keep(None)

    @classmethod
    def open(cls, folder: Path) -> "EventLog":
        """Goes on with what is in ``folder``, which exists. Raises DiskFull, FolderError."""
        return cls(folder)

    def epoch(self, record: EpochRecord) -> None:
        line = json.dumps(_finite(asdict(record)), allow_nan=False)
        with saving(self._partial), self._metrics.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        with saving(self._partial):
            writer = self._tensorboard()
            writer.add_scalar("epoch/train_loss", record.train_loss, record.step)
            for name, value in record.validation.items():
                writer.add_scalar(f"validation/{name}", value, record.step)
            writer.flush()

    def step(self, step: int, loss: float, rate: float) -> None:
        self._losses.append(loss)
        if step % STEPS_A_POINT:
            return
        with saving(self._partial):
            self._tensorboard().add_scalar("step/loss", sum(self._losses) / len(self._losses), step)
            self._tensorboard().add_scalar("step/learning_rate", rate, step)
        self._losses.clear()

    def truncate_after(self, step: int) -> None:
        self._keep(step)
        self.close()
        self._losses.clear()
        self._first_step = step + 1

    def close(self) -> None:
        if self._writer is not None:
            with saving(self._partial):
                self._writer.close()
            self._writer = None

    @property
    def _partial(self) -> Path:
        return self._folder / f".partial-{self._metrics.name}"

    def _keep(self, last_step: int | None) -> None:
        """Rewrites metrics.jsonl, atomically, when it holds a torn line or a step after ``last_step``."""
        if not self._metrics.exists():
            return
        data = self._metrics.read_bytes()
        kept = b"".join(line for line in data.splitlines(keepends=True) if _whole(line, last_step))
        if kept != data:
            with saving(self._partial):
                durable.write_file(self._metrics, kept)

    def _tensorboard(self) -> "SummaryWriter":
        """The writer opens with the first number, so that a run that is truncated at once leaves no empty file."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  # reason: only a run with a folder needs it

            self._writer = SummaryWriter(str(self._folder / "events"), purge_step=self._first_step)
        return self._writer


def _whole(line: bytes, last_step: int | None) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return False
    return last_step is None or step <= last_step


def _finite(value: Any) -> Any:
    """JSON has no NaN: None stands for it."""
    match value:
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
