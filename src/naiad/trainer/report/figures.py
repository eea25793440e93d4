"""Charts as matplotlib figures, drawn through the object API; each function gives the bytes of a PNG file.

All are dark on white: the page turns them round where the reader prefers dark.
Shape legend: N samples, K classes.
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
NAMED_CLASSES = 20
"""A confusion matrix of more classes has no names and no counts."""
_WIDTH_IN, _HEIGHT_IN = 4.5, 3.0
_FONT_FILE = f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"
_FONT = FontProperties(fname=_FONT_FILE, size=9)
_SMALL = FontProperties(fname=_FONT_FILE, size=8)
_COUNTS = LinearSegmentedColormap.from_list("naiad", ["#ffffff", "#9cc3e6", BLUE, "#0f3c66"])


def lines(series: Mapping[str, Sequence[tuple[float, float]]], *, y_label: str, x_label: str = "epoch") -> bytes:
    """A line a name, through its (x, y) points; those that are not finite are left out."""
    figure, axes = _chart(x_label, y_label)
    for colour, (name, points) in zip((BLUE, ORANGE), series.items(), strict=False):
        finite = [(x, y) for x, y in points if math.isfinite(y)]
        marker = "o" if len(finite) <= 30 else ""
        axes.plot(
            [x for x, _ in finite],
            [y for _, y in finite],
            color=colour,
            marker=marker,
            markersize=3.5,
            label=plain(name),
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if len(series) > 1:
        axes.legend(frameon=False, prop=_FONT, labelcolor=INK)
    return _png(figure)


def confusion(counts_KK: npt.NDArray[np.int64], classes: Sequence[str]) -> bytes:
    """Colour is the share of the true class's samples: a row adds up to one."""
    count = len(classes)
    named = count <= NAMED_CLASSES
    side_in = min(9.0, max(3.4, 1.4 + 0.38 * count)) if named else 6.0
    figure, axes = _chart("predicted", "true", size_in=(side_in + 0.4, side_in))
    axes.grid(visible=False)
    share_KK = counts_KK / np.maximum(counts_KK.sum(axis=1, keepdims=True), 1)
    axes.imshow(share_KK, cmap=_COUNTS, vmin=0.0, vmax=1.0)
    if named:
        names = [plain(name, 18) for name in classes]
        axes.set_xticks(range(count), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(count), names)
        _write_counts(axes, counts_KK, share_KK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
    _set_tick_font(axes)
    return _png(figure)


def scatter(truth_N: npt.NDArray[np.float32], values_N: npt.NDArray[np.float32], *, name: str) -> bytes:
    """Predicted against true, with the line on which both are equal."""
    figure, axes = _chart(f"true {plain(name)}", f"predicted {plain(name)}")
    low, high = _limits(np.concatenate([truth_N, values_N]))
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.plot(truth_N, values_N, linestyle="", marker="o", markersize=3.5, markeredgewidth=0, color=BLUE, alpha=0.5)
    return _png(figure)


def histogram(errors_N: npt.NDArray[np.float32], *, name: str) -> bytes:
    figure, axes = _chart(f"predicted - true {plain(name)}", "samples")
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
    return _png(figure)


def clusters(points_N2: npt.NDArray[np.float32], clusters_N: npt.NDArray[np.int64]) -> bytes:
    figure, axes = _chart("first component", "second component", size_in=(_WIDTH_IN + 1.0, _HEIGHT_IN + 0.8))
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
    return _png(figure)


def sheet(pictures: Sequence[npt.NDArray[np.uint8]], captions: Sequence[str], *, columns: int = 8) -> bytes:
    """Pictures (height, width, 3) in a grid, each with its caption of one or two lines below. One axes holds them all."""
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    cell_in, text_in = 1.15, 0.36
    row_in = cell_in + text_in
    figure = Figure(figsize=(columns * cell_in, rows * row_in), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))  # its units are inches
    axes.set_axis_off()
    for place, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        centre, top = (place % columns + 0.5) * cell_in, (rows - place // columns) * row_in - 0.04
        height, width = picture.shape[:2]
        tall, wide = (0.92 * cell_in * side / max(height, width) for side in (height, width))
        extent = (centre - wide / 2, centre + wide / 2, top - tall, top)
        axes.imshow(picture, extent=extent, interpolation="nearest" if max(height, width) < 100 else "antialiased")
        text = "\n".join(plain(line, 26) for line in caption.splitlines())
        style = {"fontproperties": _SMALL, "fontsize": 6, "color": INK}
        axes.text(centre, top - 0.95 * cell_in, text, ha="center", va="top", **style)  # type: ignore[arg-type]  # reason: a dict of mixed values
    axes.set(xlim=(0, columns * cell_in), ylim=(0, rows * row_in), aspect="auto")
    return _png(figure)


def plain(text: str, length: int = 32) -> str:
    """``text`` on one line, without what the font cannot draw and what matplotlib would take for a formula."""
    known = _characters()
    shown = "".join(letter if ord(letter) in known else "\N{WHITE SQUARE}" for letter in " ".join(text.split()))
    if len(shown) > length:
        shown = shown[: length - 1] + "…"
    return shown.replace("$", r"\$")


@cache
def _characters() -> frozenset[int]:
    return frozenset(FT2Font(_FONT_FILE).get_charmap())


def _chart(
    x_label: str, y_label: str, *, size_in: tuple[float, float] = (_WIDTH_IN, _HEIGHT_IN)
) -> tuple[Figure, Axes]:
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


def _write_counts(axes: Axes, counts_KK: npt.NDArray[np.int64], share_KK: npt.NDArray[np.float64]) -> None:
    for row, column in zip(*np.nonzero(counts_KK), strict=True):
        colour = "white" if share_KK[row, column] > 0.45 else INK
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


def _limits(values_N: npt.NDArray[np.float32]) -> tuple[float, float]:
    low, high = float(values_N.min()), float(values_N.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
