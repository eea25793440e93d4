"""What a person sees while a run goes on: a port, and its adapters for a terminal, for a log, and for nobody."""

import sys
import time
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.findings import Finding
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.plan.plan import Plan


class Progress(Protocol):
    """Called from the thread that trains, in this order: started, then steps, epochs and notes, then done."""

    def started(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        """``step`` is 0, or where a resumed run goes on."""

    def stepped(self, step: int, loss: float, rate: float, samples: int) -> None: ...

    def epoch_ended(self, record: EpochRecord) -> None: ...

    def note(self, text: str) -> None:
        """One line that the user should see: a repair, a return to a checkpoint, a part of the artifact left out."""

    def done(self) -> None: ...


class Silent:
    def started(self, plan: Plan, dataset: Dataset, *, step: int) -> None: ...

    def stepped(self, step: int, loss: float, rate: float, samples: int) -> None: ...

    def epoch_ended(self, record: EpochRecord) -> None: ...

    def note(self, text: str) -> None: ...

    def done(self) -> None: ...


class Lines:
    """One event one line, fixed order, units; for logs and for jobs."""

    def __init__(self, stream: TextIO | None = None, *, every_s: float = 2.0) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._every_s = every_s
        self._pace = _Pace()
        self._printed_at = float("-inf")

    def started(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        for line in opening_lines(plan, dataset):
            self._say(line)
        self._pace.start(plan, step)

    def stepped(self, step: int, loss: float, rate: float, samples: int) -> None:
        self._pace.stepped(step, samples)
        if self._pace.now - self._printed_at >= self._every_s:
            self._printed_at = self._pace.now
            self._say(f"step {self._pace.place} | loss {loss:.4f} | lr {rate:.1e} | {self._pace.text}")

    def epoch_ended(self, record: EpochRecord) -> None:
        self._say(epoch_line(record))

    def note(self, text: str) -> None:
        self._say(f"note: {text}")

    def done(self) -> None: ...

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Bar:
    """A bar that moves, for a terminal; the plan above it, a line an epoch under it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console if console is not None else Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(),
        )
        self._bar = RichProgress(*columns, console=self._console, transient=True)
        self._task: TaskID | None = None
        self._pace = _Pace()
        self._drawn_at = float("-inf")

    def started(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        self._console.print(_plan_table(plan, dataset))
        self._pace.start(plan, step)
        self._task = self._bar.add_task("train", total=plan.total_steps, completed=step, text="")
        self._bar.start()

    def stepped(self, step: int, loss: float, rate: float, samples: int) -> None:
        self._pace.stepped(step, samples)
        if self._task is not None and self._pace.now - self._drawn_at >= 0.2:
            self._drawn_at = self._pace.now
            self._bar.update(self._task, completed=step, text=f"loss {loss:.4f} | lr {rate:.1e} | {self._pace.speed}")

    def epoch_ended(self, record: EpochRecord) -> None:
        self._bar.console.print(epoch_line(record), highlight=False)

    def note(self, text: str) -> None:
        self._bar.console.print(f"note: {text}", highlight=False, style="yellow")

    def done(self) -> None:
        self._bar.stop()


def progress_for(stream: TextIO | None = None) -> Progress:
    """A bar on a terminal, plain lines elsewhere."""
    stream = stream if stream is not None else sys.stderr
    return Bar(Console(file=stream)) if stream.isatty() else Lines(stream)


class _Pace:
    """Speed and time left, from the steps of the last few seconds."""

    def start(self, plan: Plan, step: int) -> None:
        self._total = plan.total_steps
        self._step = step
        self.now = time.perf_counter()
        self._since, self._since_step, self._samples = self.now, step, 0
        self._step_s, self._samples_s = 0.0, 0.0

    def stepped(self, step: int, samples: int) -> None:
        self.now = time.perf_counter()
        self._step, self._samples = step, self._samples + samples
        elapsed = self.now - self._since
        if elapsed >= 1.0 or self._step_s == 0.0:
            self._step_s = elapsed / max(1, step - self._since_step)
            self._samples_s = self._samples / max(elapsed, 1e-9)
            self._since, self._since_step, self._samples = self.now, step, 0

    @property
    def place(self) -> str:
        width = len(str(self._total))
        return f"{self._step:0{width}d}/{self._total}"

    @property
    def speed(self) -> str:
        return f"{self._step_s * 1e3:.1f} ms | {self._samples_s:,.0f} samples/s"

    @property
    def text(self) -> str:
        return f"{self.speed} | eta {(self._total - self._step) * self._step_s:.0f} s"


def epoch_line(record: EpochRecord) -> str:
    scores = " | ".join(f"validation {name} {value:.4f}" for name, value in record.validation.items())
    line = f"epoch {record.epoch:03d} | train loss {record.train_loss:.4f} | {scores} | {record.seconds:.1f} s"
    return line.replace(" |  | ", " | ")


def opening_lines(plan: Plan, dataset: Dataset) -> list[str]:
    lines = [f"data: {_data_line(dataset)}"]
    lines += [_found_line(finding) for finding in dataset.findings.items]
    for name, value, reason, measured in plan.rows():
        lines.append(f"plan: {name:<16} {value:<14} {reason}{f' ({measured})' if measured else ''}")
    return lines


def _data_line(dataset: Dataset) -> str:
    test = f"{len(dataset.test):,} test" if dataset.test is not None else "no test split"
    return (
        f"{dataset.name}: {len(dataset.train):,} train, {len(dataset.validation):,} validation, {test}; "
        f"{dataset.task} ({dataset.task_reason})"
    )


def _found_line(finding: Finding) -> str:
    return f"found: {finding.message} ({finding.count:,} in {finding.split}, {finding.action})"


def _plan_table(plan: Plan, dataset: Dataset) -> Table:
    title = "\n".join([_data_line(dataset), *(_found_line(finding) for finding in dataset.findings.items)])
    table = Table("choice", "value", "reason", title=title, title_justify="left", box=None, header_style="bold")
    for name, value, reason, measured in plan.rows():
        table.add_row(name, value, f"{reason}{f' ({measured})' if measured else ''}")
    return table
