"""Charts of measurements as PNG files: log-log by default, axes with units, each line with a colour and a marker of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

COLOURS = ("#1d6fb8", "#d9822b", "#3b9b6d", "#7a5bb5")
MARKS = ("o", "s", "^", "D")
DARK, GREY, LIGHT = "#26303a", "#6b7785", "#dfe4e9"
Points = Sequence[tuple[float, float]]


def write_chart(
    file: Path,
    title: str,
    panels: Sequence[tuple[str, Mapping[str, Points]]],
    *,
    x_label: str,
    x_ticks: Sequence[float] | None = None,
    references: Mapping[str, Points] | None = None,
    logarithmic: bool = True,
) -> None:
    """Draws panels (y label, points by name) side by side over the same x. ``references``: dashed lines in the last panel."""
    figure = Figure(figsize=(5.0 * len(panels) + 0.4, 4.0), dpi=150, layout="constrained", facecolor="white")
    figure.suptitle(title, fontsize=11.5, color=DARK, x=0.01, ha="left", fontweight="bold")
    for number, (y_label, series) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), number + 1)
        _style_axes(axes, x_label, y_label)
        for position, (name, points) in enumerate(series.items()):
            style = {"color": COLOURS[position % len(COLOURS)], "marker": MARKS[position % len(MARKS)]}
            small = len(points) > 40
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, label=name, linewidth=1.7, markersize=0 if small else 5, **style)
        if references and number == len(panels) - 1:
            for name, points in references.items():
                xs, ys = zip(*points, strict=True)
                axes.plot(xs, ys, label=name, color=GREY, linewidth=1.1, linestyle=(0, (4, 3)))
        if logarithmic:
            _set_log_scale(axes, x_ticks)
        else:
            axes.set_ylim(0, 1.1 * max(y for points in series.values() for _, y in points))
            axes.yaxis.set_major_formatter(FuncFormatter(_format_tick))
        if len(series) > 1 or references:
            axes.legend(frameon=False, fontsize=8.5, labelcolor=DARK, loc="best")
    file.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png")


def _style_axes(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set_xlabel(x_label, fontsize=9.5, color=DARK)
    axes.set_ylabel(y_label, fontsize=9.5, color=DARK)
    axes.grid(visible=True, which="major", color=LIGHT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, colors=DARK, color=GREY)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(GREY)


def _set_log_scale(axes: Axes, x_ticks: Sequence[float] | None) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high / low < 20:  # a flat line must look flat and have labelled ticks
        axes.set_ylim(low / 3, high * 3)
    if x_ticks is not None:
        axes.set_xticks(list(x_ticks))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(_format_tick))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 400 else (1.0,), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(_format_tick))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _format_tick(value: float, _position: int) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    if value >= 1e4:
        return f"{value / 1e3:g} k"
    return f"{value:,.0f}" if value >= 1e3 else f"{value:g}"
