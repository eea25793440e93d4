"""Shows people how a search goes: what a command line or a notebook implements, a silent one, and one that prints lines."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from naiad.trainer.loop.tolerant_stream import TolerantStream
from naiad.trainer.tuning.objective import Objective
from naiad.trainer.tuning.trial import Trial, TrialState, Value
from naiad.visible_text import visible_line


@dataclass(frozen=True)
class SearchOutline:
    """Facts of a search that are known before the first trial begins."""

    space: Mapping[str, str]
    """Each dimension as text."""
    objective: Objective
    epochs: int
    """Epochs of a whole trial."""
    rungs: tuple[int, ...]
    most_trials: int | None
    parallel: int
    strategy: str
    untuned: Mapping[str, Value] = field(default_factory=dict)
    """Values of trial 0. Of the others, only what differs is shown."""


class SearchWatcher(Protocol):
    """Called from the thread that searches: ``start``, then trials, expectations and notes, then ``close``."""

    def start(self, outline: SearchOutline) -> None: ...

    def change(self, trial: Trial) -> None:
        """Called when a trial begins, after each of its epochs, and when it pauses or ends."""

    def expect(self, gain_per_minute: float) -> None:
        """Says what another minute of searching is expected to gain, in units of the objective."""

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class SilentWatcher:
    """Shows nothing."""

    def start(self, outline: SearchOutline) -> None: ...

    def change(self, trial: Trial) -> None: ...

    def expect(self, gain_per_minute: float) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class LineWatcher:
    """Prints a line for each trial that pauses or ends, and for each note; for logs and pipes."""

    def __init__(self, stream: TextIO | None = None, *, rewrite: Callable[[str], str] = str) -> None:
        """stream: None is stderr. rewrite: gives a note as it is to be shown."""
        self._rewrite = rewrite
        self._stream = TolerantStream(stream if stream is not None else sys.stderr)
        self._outline: SearchOutline | None = None
        self._best: float | None = None

    def start(self, outline: SearchOutline) -> None:
        self._outline = outline
        for name, text in outline.space.items():
            self._print(f"space: {name:<22} {text}")
        for line in outline_lines(outline):
            self._print(line)

    def change(self, trial: Trial) -> None:
        if trial.state is TrialState.RUNNING or self._outline is None:
            return
        objective = self._outline.objective
        if trial.state is TrialState.COMPLETE and trial.repeat_of is None and trial.objective is not None:
            scores = [trial.objective, *(() if self._best is None else (self._best,))]
            self._best = objective.direction.best(scores)
        self._print(trial_line(trial, self._outline, self._best))

    def expect(self, gain_per_minute: float) -> None:
        self._print(f"another minute is expected to gain {gain_per_minute:.2g}")

    def note(self, text: str) -> None:
        self._print(f"note: {self._rewrite(text)}")

    def close(self) -> None: ...

    def _print(self, line: str) -> None:
        self._stream.write(visible_line(line) + "\n")
        self._stream.flush()


def outline_lines(outline: SearchOutline) -> list[str]:
    """Returns the search in a few lines: its objective, its trials, its rungs."""
    trials = "trials until it ends" if outline.most_trials is None else f"{outline.most_trials} trials"
    rungs = ", ".join(map(str, outline.rungs)) or "none"
    return [
        f"search: {outline.strategy}, {outline.objective.direction} {outline.objective.metric}, {trials}, "
        f"{outline.parallel} at once",
        f"trial: {outline.epochs} epoch{'' if outline.epochs == 1 else 's'}, paused after: {rungs}",
    ]


def trial_line(trial: Trial, outline: SearchOutline, best: float | None) -> str:
    """Returns one trial as a line of a log."""
    score = "" if trial.score is None else f" | {outline.objective.metric} {trial.score:.4f}"
    top = "" if best is None else f" | best {best:.4f}"
    reason = f" | {trial.reason}" if trial.reason else ""
    which = f"{trial.number:03d}" if trial.repeat_of is None else f"{trial.number:03d} (trial {trial.repeat_of} again)"
    values = changed_text(trial.values, outline.untuned)
    return f"trial {which} | {trial.state:<8} | epoch {trial.epoch:03d}{score}{top} | {values}{reason}"


def changed_text(values: Mapping[str, Value], untuned: Mapping[str, Value]) -> str:
    """Returns what is not as in trial 0: ``lr 0.01, optimizer sgd``."""
    changed = {name: value for name, value in values.items() if untuned.get(name) != value}
    return ", ".join(f"{name} {value_text(value)}" for name, value in changed.items()) or "the untuned plan"


def value_text(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
