"""Plots by matplotlib's object API. Each function returns the bytes of a PNG file.

The plots are dark on white; the page inverts them where the reader prefers dark.
Shape legend: N samples, K classes, M samples of one cluster.
"""

import io
import math
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import MaxNLocator

DPI = 110
BLUE, ORANGE = "#1d6fb8", "#d9822b"
INK, PALE = "#3a4450", "#d5dbe1"
CLUSTER_COLOURS = (BLUE, ORANGE, "#3b9b6d", "#b5476b", "#7a5bb5", "#8a6d3b", "#2fa3a8", "#9aa33a", "#c75a4a", "#6b7785")
MAX_NAMED_CLASSES = 20
"""Most classes for which a confusion matrix has names and counts."""
_WIDTH_IN, _HEIGHT_IN = 4.5, 3.0
_FONT_FILE = f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"
_FONT = FontProperties(fname=_FONT_FILE, size=9)
_SMALL = FontProperties(fname=_FONT_FILE, size=8)
_COUNTS = LinearSegmentedColormap.from_list("naiad", ["#ffffff", "#9cc3e6", BLUE, "#0f3c66"])


def lines(series: Mapping[str, Sequence[tuple[float, float]]], *, y_label: str, x_label: str = "epoch") -> bytes:
    """One line for each name, through its (x, y) points; points that are not finite are left out."""
    figure, axes = chart(x_label, y_label)
    for colour, (name, points) in zip((BLUE, ORANGE), series.items(), strict=False):
        finite = [(x, y) for x, y in points if math.isfinite(y)]
        marker = "o" if len(finite) <= 30 else ""
        axes.plot(
            [x for x, _ in finite],
            [y for _, y in finite],
            color=colour,
            marker=marker,
            markersize=3.5,
            label=printable(name),
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if len(series) > 1:
        axes.legend(frameon=False, prop=_FONT, labelcolor=INK)
    return png(figure)


def confusion(counts_KK: npt.NDArray[np.int64], classes: Sequence[str]) -> bytes:
    """A matrix of counts. The colour is the fraction of the true class's samples: a row adds up to one."""
    count = len(classes)
    named = count <= MAX_NAMED_CLASSES
    side_in = min(9.0, max(3.4, 1.4 + 0.38 * count)) if named else 6.0
    figure, axes = chart("predicted", "true", size_in=(side_in + 0.4, side_in))
    axes.grid(visible=False)
    fraction_KK = counts_KK / np.maximum(counts_KK.sum(axis=1, keepdims=True), 1)
    axes.imshow(fraction_KK, cmap=_COUNTS, vmin=0.0, vmax=1.0)
    if named:
        names = [printable(name, 18) for name in classes]
        axes.set_xticks(range(count), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(count), names)
        _write_counts(axes, counts_KK, fraction_KK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
    _set_tick_font(axes)
    return png(figure)


def scatter(
    targets_N: npt.NDArray[np.float32 | np.float64], values_N: npt.NDArray[np.float32 | np.float64], *, name: str
) -> bytes:
    """Predicted values against true ones, with the line on which both are equal. name: the target's."""
    figure, axes = chart(f"true {printable(name)}", f"predicted {printable(name)}")
    low, high = _limits(np.concatenate([targets_N, values_N]))
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.plot(targets_N, values_N, linestyle="", marker="o", markersize=3.5, markeredgewidth=0, color=BLUE, alpha=0.5)
    return png(figure)


def histogram(errors_N: npt.NDArray[np.float32 | np.float64], *, name: str) -> bytes:
    """Histogram of the errors. name: the target's."""
    figure, axes = chart(f"predicted - true {printable(name)}", "samples")
    low, high = _limits(errors_N)
    axes.hist(
        np.clip(errors_N, low, high),
        bins=min(40, max(8, len(errors_N) // 8)),
        range=(low, high),
        color=BLUE,
        rwidth=0.92,
    )
    axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    return png(figure)


def clusters(points_N2: npt.NDArray[np.float32], clusters_N: npt.NDArray[np.int64]) -> bytes:
    """Points in two dimensions, coloured by cluster."""
    figure, axes = chart("first component", "second component", size_in=(_WIDTH_IN + 1.0, _HEIGHT_IN + 0.8))
    for cluster in np.unique(clusters_N):
        chosen_M2 = points_N2[clusters_N == cluster]
        colour = CLUSTER_COLOURS[int(cluster) % len(CLUSTER_COLOURS)]
        style = {"marker": "o" if cluster < len(CLUSTER_COLOURS) else "^", "color": colour, "label": str(cluster)}
        axes.plot(*chosen_M2.T, linestyle="", markersize=4, markeredgewidth=0, alpha=0.7, **style)  # type: ignore[arg-type]  # reason: a dict of one value type
    axes.legend(
        frameon=False,
        prop=_SMALL,
        labelcolor=INK,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        title_fontproperties=_SMALL,
    )
    return png(figure)


def sheet(pictures: Sequence[npt.NDArray[np.uint8]], captions: Sequence[str], *, columns: int = 8) -> bytes:
    """Pictures (height, width, 3) in a grid, each above its caption of one or two lines. All are in one matplotlib axes."""
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    cell_in, text_in = 1.15, 0.36
    row_in = cell_in + text_in
    figure = Figure(figsize=(columns * cell_in, rows * row_in), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))  # its units are inches
    axes.set_axis_off()
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        centre, top = (index % columns + 0.5) * cell_in, (rows - index // columns) * row_in - 0.04
        height, width = picture.shape[:2]
        tall, wide = (0.92 * cell_in * side / max(height, width) for side in (height, width))
        extent = (centre - wide / 2, centre + wide / 2, top - tall, top)
        axes.imshow(picture, extent=extent, interpolation="nearest" if max(height, width) < 100 else "antialiased")
        text = "\n".join(printable(line, 26) for line in caption.splitlines())
        style = {"fontproperties": _SMALL, "fontsize": 6, "color": INK}
        axes.text(centre, top - 0.95 * cell_in, text, ha="center", va="top", **style)  # type: ignore[arg-type]  # reason: a dict of mixed values
    axes.set(xlim=(0, columns * cell_in), ylim=(0, rows * row_in), aspect="auto")
    return png(figure)


def printable(text: str, length: int = 32) -> str:
    """``text`` on one line, without characters that the font lacks, and without formulas for matplotlib."""
    known = _characters()
    line = "".join(letter if ord(letter) in known else "\N{WHITE SQUARE}" for letter in " ".join(text.split()))
    if len(line) > length:
        line = line[: length - 1] + "…"
    return line.replace("$", r"\$")


@cache
def _characters() -> frozenset[int]:
    """Code points that the font can draw."""
    return frozenset(FT2Font(_FONT_FILE).get_charmap())


def chart(x_label: str, y_label: str, *, size_in: tuple[float, float] = (_WIDTH_IN, _HEIGHT_IN)) -> tuple[Figure, Axes]:
    """Returns an empty chart in the style of all reports."""
    figure = Figure(figsize=size_in, dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_xlabel(x_label, fontproperties=_FONT, color=INK)
    axes.set_ylabel(y_label, fontproperties=_FONT, color=INK)
    axes.grid(visible=True, color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(PALE)
    axes.tick_params(colors=INK, length=3, color=PALE)
    _set_tick_font(axes)
    return figure, axes


def _set_tick_font(axes: Axes) -> None:
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(_SMALL)


def _write_counts(axes: Axes, counts_KK: npt.NDArray[np.int64], fraction_KK: npt.NDArray[np.float64]) -> None:
    for row, column in zip(*np.nonzero(counts_KK), strict=True):
        colour = "white" if fraction_KK[row, column] > 0.45 else INK
        size = 7.5 if counts_KK.max() < 10_000 else 6.5
        axes.text(
            column,
            row,
            str(counts_KK[row, column]),
            ha="center",
            va="center",
            color=colour,
            fontproperties=_SMALL,
            fontsize=size,
        )


def _limits(values_N: npt.NDArray[np.float32 | np.float64]) -> tuple[float, float]:
    low, high = float(values_N.min()), float(values_N.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def png(figure: Figure) -> bytes:
    """Returns the figure as a PNG file."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
