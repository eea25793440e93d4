"""Plots of a search by matplotlib's object API. Each function returns the bytes of a PNG file."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from naiad.trainer.report.plots import BLUE, INK, ORANGE, PALE, chart, png, printable
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Trial, TrialState

_WIDE_IN, _HIGH_IN = 7.5, 3.6
_SCORES = LinearSegmentedColormap.from_list("naiad scores", ["#c9d3dc", "#7fb2dd", BLUE, "#0f3c66"])
_MOST_NAMES = 14
"""Letters of a category beside its axis."""


def history(points: Sequence[tuple[float, float]], trials: Sequence[Trial], *, metric: str) -> bytes:
    """The best score so far over the seconds of the search, and each complete trial as a dot."""
    figure, axes = chart("seconds", metric, size_in=(_WIDE_IN, _HIGH_IN))
    complete = [one for one in trials if one.state is TrialState.COMPLETE and one.objective is not None]
    axes.plot(
        [one.ended_s or 0.0 for one in complete],
        [one.objective or 0.0 for one in complete],
        linestyle="",
        marker="o",
        markersize=3.5,
        color=PALE,
        markeredgecolor=INK,
        markeredgewidth=0.4,
    )
    last = max((one.ended_s or 0.0 for one in trials), default=0.0)
    steps = [*points, (last, points[-1][1])] if points else []
    axes.step([x for x, _ in steps], [y for _, y in steps], where="post", color=BLUE)
    return png(figure)


def importance(values: Mapping[str, float]) -> bytes:
    """A bar for each dimension, the most important one on top."""
    figure, axes = chart("importance", "", size_in=(_WIDE_IN, 0.7 + 0.3 * len(values)))
    names = list(reversed(list(values)))
    axes.barh([printable(name) for name in names], [values[name] for name in names], color=BLUE, height=0.6)
    return png(figure)


def curves(trials: Sequence[Trial], rungs: Sequence[int], *, chosen: int, metric: str) -> bytes:
    """The score of each trial after each epoch; a dot where it was paused, the rungs as dashed lines."""
    figure, axes = chart("epoch", metric, size_in=(_WIDE_IN, _HIGH_IN))
    for rung in rungs:
        axes.axvline(rung, color=PALE, linewidth=0.9, linestyle=(0, (4, 3)))
    for trial in sorted(trials, key=lambda one: one.number == chosen):
        epochs, scores = [epoch for epoch, _ in trial.curve], [score for _, score in trial.curve]
        is_chosen = trial.number == chosen
        colour = ORANGE if is_chosen else INK if trial.number == 0 else BLUE
        style = {"linewidth": 1.8 if is_chosen or trial.number == 0 else 0.8, "alpha": 1.0 if is_chosen else 0.55}
        label = f"trial {trial.number}" if is_chosen or trial.number == 0 else None
        axes.plot(epochs, scores, color=colour, label=label, **style)  # type: ignore[arg-type]  # reason: a dict of one value type
        paused = [(epoch, score) for epoch, score in trial.curve if epoch in rungs and epoch <= trial.paused_at]
        axes.plot([x for x, _ in paused], [y for _, y in paused], linestyle="", marker="o", markersize=3, color=colour)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if trials:
        axes.legend(frameon=False, labelcolor=INK, fontsize=8)
    return png(figure)


def parallel_coordinates(
    space: Space, pairs: Sequence[tuple[Mapping[str, float | int | str], float]], *, metric: str
) -> bytes:
    """A line for each trial through its values; dark lines have good scores. pairs: values and scores; more is better."""
    names = list(space.names)
    figure, axes = chart("", "", size_in=(max(_WIDE_IN, 1.2 * len(names) + 1), 4.2))
    axes.grid(visible=False)
    scores = [score for _, score in pairs]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    for values, score in sorted(pairs, key=lambda pair: pair[1]):
        xs = [index for index, name in enumerate(names) if name in values]
        ys = [space.dimension(names[index]).fraction_of(values[names[index]]) for index in xs]
        quality = (score - low) / (high - low) if high > low else 1.0
        axes.plot(xs, ys, color=_SCORES(quality), linewidth=0.6 + 1.2 * quality, alpha=0.35 + 0.6 * quality)
    _write_axes(axes, space)
    axes.set_title(f"darker lines have a better {printable(metric)}", fontsize=8, color=INK)
    return png(figure)


def _write_axes(axes: Axes, space: Space) -> None:
    """Names below, and the ends of each dimension, or its categories, beside its axis."""
    axes.set_xticks(
        range(len(space.names)), [printable(name, 22) for name in space.names], rotation=30, ha="right", fontsize=8
    )
    axes.set_yticks([])
    axes.set_ylim(-0.08, 1.08)
    for index, dimension in enumerate(space.dimensions):
        axes.axvline(index, color=PALE, linewidth=0.9)
        labels: dict[float, str] = {}
        if dimension.choices:
            labels = {dimension.fraction_of(choice): choice for choice in dimension.choices}
        else:
            labels = {-0.05: f"{dimension.low:g}", 1.04: f"{dimension.high:g}"}
        for height, text in labels.items():
            label = axes.text(index + 0.03, height, printable(text, _MOST_NAMES), fontsize=6.5, color=INK, va="center")
            label.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.8})
