"""The live table of a search on a terminal: trials, the best so far, and the expected gain of another minute."""

import sys
from collections.abc import Callable
from typing import TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from naiad.trainer.loop.tolerant_stream import TolerantStream
from naiad.trainer.tuning.trial import Trial, TrialState
from naiad.trainer.tuning.watcher import LineWatcher, SearchOutline, SearchWatcher, changed_text, outline_lines
from naiad.visible_text import visible_cell, visible_line

_MOST_ROWS = 14
_REFRESHES_PER_S = 4
_STYLES = {
    TrialState.RUNNING: "cyan",
    TrialState.PAUSED: "yellow",
    TrialState.COMPLETE: "green",
    TrialState.STOPPED: "dim",
    TrialState.FAILED: "red",
}
_ORDER = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PAUSED, TrialState.STOPPED, TrialState.FAILED)


class TableWatcher:
    """Shows the running trials and the best others in a table that is drawn anew a few times a second."""

    def __init__(self, console: Console, *, rewrite: Callable[[str], str] = str) -> None:
        """rewrite: gives a note as it is to be shown."""
        self._console, self._rewrite = console, rewrite
        self._live = Live(console=console, refresh_per_second=_REFRESHES_PER_S, auto_refresh=False)
        self._outline: SearchOutline | None = None
        self._trials: dict[int, Trial] = {}
        self._gain: float | None = None

    def start(self, outline: SearchOutline) -> None:
        self._outline = outline
        table = Table("searched", "range or values", box=None, header_style="bold")
        for name, text in outline.space.items():
            table.add_row(Text(visible_cell(name)), Text(visible_cell(text)))
        self._console.print(table)
        for line in outline_lines(outline):
            self._console.print(Text(visible_line(line)))
        self._live.start()

    def change(self, trial: Trial) -> None:
        self._trials[trial.number] = trial
        if self._outline is not None:
            self._live.update(self._render(self._outline), refresh=True)

    def expect(self, gain_per_minute: float) -> None:
        self._gain = gain_per_minute

    def note(self, text: str) -> None:
        self._console.print(Text(visible_line(f"note: {self._rewrite(text)}")), style="yellow")

    def close(self) -> None:
        self._live.stop()

    def _render(self, outline: SearchOutline) -> Group:
        metric, direction = outline.objective.metric, outline.objective.direction
        table = Table("trial", "state", "epoch", metric, "values", box=None, header_style="bold")
        ranked = sorted(
            self._trials.values(),
            key=lambda one: (_ORDER.index(one.state), direction.gain(0.0, one.score) if one.score is not None else 0.0),
        )
        for trial in ranked[:_MOST_ROWS]:
            name = str(trial.number) if trial.repeat_of is None else f"{trial.number} ({trial.repeat_of} again)"
            score = "" if trial.score is None else f"{trial.score:.4f}"
            values = f"{changed_text(trial.values, outline.untuned)}{f' | {trial.reason}' if trial.reason else ''}"
            cells = (name, trial.state.value, f"{trial.epoch}/{outline.epochs}", score, values)
            table.add_row(*(Text(visible_cell(cell)) for cell in cells), style=_STYLES[trial.state])
        return Group(table, Text(self._footer(outline, len(ranked))))

    def _footer(self, outline: SearchOutline, count: int) -> str:
        objective = outline.objective
        own = [one for one in self._trials.values() if one.repeat_of is None]
        scores = [one.objective for one in own if one.state is TrialState.COMPLETE and one.objective is not None]
        best = f"best {objective.metric} {objective.direction.best(scores):.4f} | " if scores else ""
        total = "" if outline.most_trials is None else f" of {outline.most_trials}"
        gain = "" if self._gain is None else f" | another minute is expected to gain {self._gain:.2g}"
        more = f" | {count - _MOST_ROWS} more" if count > _MOST_ROWS else ""
        return f"{best}{len(own)}{total} trials{gain}{more}"


def make_watcher(*, with_table: bool = True, rewrite: Callable[[str], str] = str) -> SearchWatcher:
    """Returns a table on a terminal, lines elsewhere, both on stderr. rewrite: gives a note as it is to be shown."""
    if with_table and sys.stderr.isatty():
        return TableWatcher(Console(file=cast(TextIO, TolerantStream(sys.stderr))), rewrite=rewrite)
    return LineWatcher(rewrite=rewrite)
