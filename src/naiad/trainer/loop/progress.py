"""Shows people how a run goes: on a terminal, in a log, or not at all."""

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from naiad.errors import OptionError
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.findings import Finding
from naiad.trainer.loop.tolerant_stream import TolerantStream
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.plan.plan import Plan
from naiad.visible_text import visible_cell, visible_line

_BAR_INTERVAL_S = 0.2


class Progress(Protocol):
    """Called from the thread that trains: ``start``, then steps, epochs and notes, then ``close``."""

    def start(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        """step: 0, or the step of the checkpoint that a resumed run goes on from."""

    def update(self, step: int, loss: float, rate: float, samples: int) -> None:
        """Called after each step; ``step`` counts from 1. rate: the learning rate. samples: those of this step."""

    def end_epoch(self, record: EpochRecord) -> None: ...

    def note(self, text: str) -> None:
        """Shows one line: a repair, a rollback to a checkpoint, a missing file of the artifact."""

    def close(self) -> None: ...


def check_progress(progress: Progress) -> Progress:
    """Raises OptionError for an object without the methods of a progress."""
    missing = [name for name in _METHODS if not callable(getattr(progress, name, None))]
    if missing:
        raise OptionError(
            f"progress takes an object with the methods of Progress, given a {type(progress).__name__} without {missing[0]}",
            hint="leave it out, or give naiad.trainer.loop.progress.SilentProgress()",
        )
    return progress


_METHODS = ("start", "update", "end_epoch", "note", "close")


class SilentProgress:
    """Shows nothing."""

    def start(self, plan: Plan, dataset: Dataset, *, step: int) -> None: ...

    def update(self, step: int, loss: float, rate: float, samples: int) -> None: ...

    def end_epoch(self, record: EpochRecord) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class LineProgress:
    """Prints one event a line, in a fixed order and with units; for logs and for jobs."""

    def __init__(
        self, stream: TextIO | None = None, *, interval_s: float = 2.0, rewrite: Callable[[str], str] = str
    ) -> None:
        """interval_s: least time between two lines of steps. rewrite: gives a finding's message as it is to be shown."""
        self._rewrite = rewrite
        self._stream = TolerantStream(stream if stream is not None else sys.stderr)
        self._interval_s = interval_s
        self._speed = _Speed()
        self._printed_at = float("-inf")

    def start(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        for line in header_lines(plan, dataset, self._rewrite):
            self._print(line)
        self._speed.start(plan, step)

    def update(self, step: int, loss: float, rate: float, samples: int) -> None:
        self._speed.update(step, samples)
        if self._speed.now - self._printed_at >= self._interval_s:
            self._printed_at = self._speed.now
            times = f"{self._speed.text} | {self._speed.time_left}"
            self._print(f"step {self._speed.position} | loss {loss:.4f} | lr {rate:.1e} | {times}")

    def end_epoch(self, record: EpochRecord) -> None:
        self._print(epoch_line(record))

    def note(self, text: str) -> None:
        self._print(f"note: {text}")

    def close(self) -> None: ...

    def _print(self, line: str) -> None:
        self._stream.write(visible_line(line) + "\n")
        self._stream.flush()


class BarProgress:
    """Shows a moving bar on a terminal, the plan above it and a line for each epoch."""

    def __init__(self, console: Console | None = None, *, rewrite: Callable[[str], str] = str) -> None:
        """rewrite: gives a finding's message as it is to be shown."""
        self._rewrite = rewrite
        self._console = console if console is not None else _console(sys.stderr)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(),
        )
        self._bar = RichProgress(*columns, console=self._console, transient=True)
        self._task: TaskID | None = None
        self._speed = _Speed()
        self._drawn_at = float("-inf")

    def start(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        self._console.print(_plan_table(plan, dataset, self._rewrite))
        self._speed.start(plan, step)
        self._task = self._bar.add_task("train", total=plan.total_steps, completed=step, text="")
        self._bar.start()

    def update(self, step: int, loss: float, rate: float, samples: int) -> None:
        self._speed.update(step, samples)
        if self._task is not None and self._speed.now - self._drawn_at >= _BAR_INTERVAL_S:
            self._drawn_at = self._speed.now
            self._bar.update(self._task, completed=step, text=f"loss {loss:.4f} | lr {rate:.1e} | {self._speed.text}")

    def end_epoch(self, record: EpochRecord) -> None:
        self._bar.console.print(Text(visible_line(epoch_line(record))))

    def note(self, text: str) -> None:
        self._bar.console.print(Text(visible_line(f"note: {text}")), style="yellow")

    def close(self) -> None:
        self._bar.stop()


def make_progress(stream: TextIO | None = None, *, rewrite: Callable[[str], str] = str) -> Progress:
    """A bar on a terminal, lines elsewhere. stream: None is stderr. rewrite: gives a finding's message as it is to be shown."""
    stream = stream if stream is not None else sys.stderr
    return BarProgress(_console(stream), rewrite=rewrite) if stream.isatty() else LineProgress(stream, rewrite=rewrite)


def _console(stream: TextIO) -> Console:
    return Console(file=cast(TextIO, TolerantStream(stream)))


class _Speed:
    """Speed and remaining time, measured over the last second of steps or more."""

    def __init__(self) -> None:
        self.now = 0.0
        self._total = self._step = 0
        self._window_start, self._window_step, self._window_samples = 0.0, 0, 0
        self._step_s = self._samples_per_s = 0.0

    def start(self, plan: Plan, step: int) -> None:
        self._total, self._step = plan.total_steps, step
        self._step_s = self._samples_per_s = 0.0
        self.now = time.perf_counter()
        self._start_window()

    def update(self, step: int, samples: int) -> None:
        self.now = time.perf_counter()
        self._step, self._window_samples = step, self._window_samples + samples
        elapsed_s = self.now - self._window_start
        if elapsed_s >= 1.0 or self._step_s == 0.0:
            self._step_s = elapsed_s / max(1, step - self._window_step)
            self._samples_per_s = self._window_samples / max(elapsed_s, 1e-9)
            self._start_window()

    def _start_window(self) -> None:
        self._window_start, self._window_step, self._window_samples = self.now, self._step, 0

    @property
    def position(self) -> str:
        width = len(str(self._total))
        return f"{self._step:0{width}d}/{self._total}"

    @property
    def text(self) -> str:
        return f"{self._step_s * 1e3:.1f} ms | {self._samples_per_s:,.0f} samples/s"

    @property
    def time_left(self) -> str:
        return f"eta {(self._total - self._step) * self._step_s:.0f} s"


def epoch_line(record: EpochRecord) -> str:
    scores = " | ".join(f"validation {name} {value:.4f}" for name, value in record.validation.items())
    line = f"epoch {record.epoch:03d} | train loss {record.train_loss:.4f} | {scores} | {record.seconds:.1f} s"
    return line.replace(" |  | ", " | ")


def header_lines(plan: Plan, dataset: Dataset, rewrite: Callable[[str], str]) -> list[str]:
    """The data, its findings and the plan, one fact a line."""
    lines = [f"data: {_data_line(dataset)}"]
    lines += [_finding_line(finding, rewrite) for finding in dataset.findings.items]
    for name, value, reason, measured in plan.rows():
        lines.append(f"plan: {name:<20} {value:<14} {reason}{f' ({measured})' if measured else ''}")
    return lines


def _data_line(dataset: Dataset) -> str:
    test = f"{len(dataset.test):,} test" if dataset.test is not None else "no test split"
    return (
        f"{dataset.name}: {len(dataset.train):,} train, {len(dataset.validation):,} validation, {test}; "
        f"{dataset.task} ({dataset.task_reason})"
    )


def _finding_line(finding: Finding, rewrite: Callable[[str], str]) -> str:
    return f"found: {rewrite(finding.message)} ({finding.count:,} in {finding.split}, {finding.action})"


def _plan_table(plan: Plan, dataset: Dataset, rewrite: Callable[[str], str]) -> Table:
    findings = [_finding_line(finding, rewrite) for finding in dataset.findings.items]
    title = Text("\n".join(map(visible_line, [_data_line(dataset), *findings])))
    table = Table("choice", "value", "reason", title=title, title_justify="left", box=None, header_style="bold")
    for name, value, reason, measured in plan.rows():
        cells = (name, value, f"{reason}{f' ({measured})' if measured else ''}")
        table.add_row(*(Text(visible_cell(cell)) for cell in cells))
    return table
