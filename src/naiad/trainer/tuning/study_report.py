"""The report of a search: one HTML file that opens offline, and its figures as PNG files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import naiad.trainer.report
from naiad import durable
from naiad.trainer.artifact.writing import ensure_writable, translate_errors
from naiad.trainer.report.figures import ReportFigure
from naiad.trainer.tuning import study_plots
from naiad.trainer.tuning.history import comparable_scores
from naiad.trainer.tuning.trial import Direction, Trial, TrialState
from naiad.trainer.tuning.tuned import Tuned

PAGE, FIGURES = "report.html", "report"
_TEMPLATE = "study_report.html.jinja"
_NONE = "–"


@dataclass(frozen=True)
class TableRow:
    cells: tuple[str, ...]
    is_chosen: bool


def write_study_report(folder: Path, tuned: Tuned) -> Path:
    """Writes ``report.html`` and ``report/*.png`` into ``folder`` and returns the page's path. Raises FolderError, DiskFull."""
    figures = list(_figures(tuned))
    page = _render(tuned, figures)
    ensure_writable(folder / FIGURES)
    with translate_errors(folder):
        for figure in figures:
            durable.write_file(folder / FIGURES / f"{figure.name}.png", figure.png)
        durable.write_file(folder / PAGE, page.encode(errors="backslashreplace"))
    return folder / PAGE


def _figures(tuned: Tuned) -> Iterator[ReportFigure]:
    metric, trials = tuned.objective.metric, tuned.own_trials
    yield ReportFigure(
        "history",
        "Best score over time",
        "the best validation score so far over the seconds of the search",
        study_plots.history(tuned.history, trials, metric=metric),
    )
    yield ReportFigure(
        "curves",
        "Learning curves and promotions",
        "the score of each trial after each epoch; dots where it was paused",
        study_plots.curves(trials, tuned.rungs, chosen=tuned.chosen.number, metric=metric),
    )
    pairs = _scored_values(tuned)
    if len(pairs) > 1:
        yield ReportFigure(
            "parallel-coordinates",
            "Values of all trials",
            "a line for each trial through its values",
            study_plots.parallel_coordinates(tuned.space, pairs, metric=metric),
        )
    if tuned.importance:
        yield ReportFigure(
            "importance",
            "Importance, by PED-ANOVA",
            "how much each dimension decides whether a trial is among the best",
            study_plots.importance(tuned.importance),
        )


def _scored_values(tuned: Tuned) -> list[tuple[Any, float]]:
    """Returns values and scores, of which more is better, of the trials that have both."""
    direction = tuned.objective.direction
    sign = 1.0 if direction is Direction.MAXIMIZE else -1.0
    ended = [trial for trial in tuned.own_trials if trial.state is not TrialState.FAILED]
    scores = comparable_scores(ended, direction)
    known = set(tuned.space.names)
    return [
        ({name: value for name, value in trial.values.items() if name in known}, sign * scores[trial.number])
        for trial in ended
        if trial.number in scores and trial.values
    ]


def _render(tuned: Tuned, figures: list[ReportFigure]) -> str:
    folders = [Path(__file__).parent, Path(naiad.trainer.report.__file__).parent]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    heads = ["trial", "state", tuned.objective.metric, "epochs", "seconds", *tuned.space.names, "note"]
    return environment.get_template(_TEMPLATE).render(
        tuned=tuned,
        summary=_summary(tuned),
        cards=_cards(tuned),
        comparison_rows=list(_comparison_rows(tuned)),
        figures=figures,
        table_heads=heads,
        table_rows=[_row(tuned, trial) for trial in tuned.trials],
    )


def _summary(tuned: Tuned) -> str:
    trials, states = tuned.own_trials, [trial.state for trial in tuned.own_trials]
    counts = ", ".join(f"{states.count(state)} {state.value}" for state in TrialState if state in states)
    rungs = ", ".join(map(str, tuned.rungs)) or "none"
    return (
        f"{len(trials)} trials ({counts}), {tuned.parallel} at once; a whole trial has {tuned.epochs} epochs, rungs: {rungs}. "
        f"The search ended as {tuned.ending.value}."
    )


def _cards(tuned: Tuned) -> list[tuple[str, str]]:
    metric = tuned.objective.metric
    evaluations = tuned.model.evaluations
    tests = {name: one["headline"] for name, one in evaluations.items() if "headline" in one}
    cards = [(f"validation {metric}, trial {tuned.chosen.number}", _number(tuned.chosen.objective))]
    cards += [(f"{split} {headline['metric']}", _number(headline["value"])) for split, headline in tests.items()]
    return [*cards, (f"validation {metric}, trial 0", _number(tuned.base.objective))]


def _comparison_rows(tuned: Tuned) -> Iterator[tuple[str, str, str]]:
    base, chosen = tuned.base, tuned.chosen
    yield f"validation {tuned.objective.metric}", _number(base.objective), _number(chosen.objective)
    yield "over seeds", _repetitions(tuned, base), _repetitions(tuned, chosen)
    names = [name for name in tuned.space.names if name in base.values or name in chosen.values]
    names += [name for name in chosen.plan if name not in names and base.plan.get(name) != chosen.plan.get(name)]
    for name in names:
        yield name, _value(base, name), _value(chosen, name)


def _repetitions(tuned: Tuned, trial: Trial) -> str:
    scores = [one.objective for one in tuned.trials if one.repeat_of == trial.number and one.objective is not None]
    return ", ".join(_number(score) for score in scores) or _NONE


def _value(trial: Trial, name: str) -> str:
    value = trial.values.get(name, trial.plan.get(name))
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return _NONE if value is None else str(value)


def _row(tuned: Tuned, trial: Trial) -> TableRow:
    note = trial.reason if trial.repeat_of is None else f"trial {trial.repeat_of} with seed {trial.seed}"
    cells = (
        str(trial.number),
        trial.state.value,
        _number(trial.score),
        str(trial.epoch),
        f"{trial.seconds:.1f}",
        *(_value(trial, name) for name in tuned.space.names),
        note,
    )
    return TableRow(cells, trial.number == tuned.chosen.number)


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4f}" if abs(value) < 1e4 else f"{value:.4g}"
