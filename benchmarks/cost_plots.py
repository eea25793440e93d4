"""Result files and plots of cost_growth.py."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from charts import write_chart
from cost_cases import STREAMED_SIDE, Cost, Curve

SERIES = ("images", "numbers", "streamed", "side", "batch")
MEMORY_LABEL = "peak memory beyond the imports (MB)"
Curves = dict[int, Curve]
"""Memory over time by number of samples."""


def write_results(out: Path, costs: Sequence[Cost], curves: Curves) -> None:
    (out / "results").mkdir(parents=True, exist_ok=True)
    with (out / "results" / "cost_growth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(Cost.__dataclass_fields__))
        table.writeheader()
        table.writerows({name: _round(value) for name, value in asdict(cost).items()} for cost in costs)
    with (out / "results" / "cost_growth_streamed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("samples", "seconds", "resident_mb"))
        writer.writerows((size, round(at_s, 2), round(mb, 1)) for size, curve in curves.items() for at_s, mb in curve)


def read_results(out: Path) -> tuple[list[Cost], Curves]:
    with (out / "results" / "cost_growth.csv").open(encoding="utf-8") as file:
        types = {name: field.type for name, field in Cost.__dataclass_fields__.items()}
        costs = [Cost(**{name: types[name](value) for name, value in line.items()}) for line in csv.DictReader(file)]
    curves: Curves = {}
    with (out / "results" / "cost_growth_streamed.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            curves.setdefault(int(line["samples"]), []).append((float(line["seconds"]), float(line["resident_mb"])))
    return costs, curves


def _round(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def draw_plots(out: Path, costs: Sequence[Cost], curves: Curves) -> None:
    plots = out / "plots"
    costs_by_series = {name: [cost for cost in costs if cost.series == name] for name in SERIES}
    names = {
        "images": "Fashion-MNIST, SimpleNet",
        "numbers": "16 numbers, three layers",
        "streamed": "32×32 images, streamed",
    }
    costs_by_label = {label: costs_by_series[name] for name, label in names.items() if costs_by_series[name]}
    if costs_by_label:
        title = "One epoch and all around it, by the number of samples"
        _draw_costs(plots / "cost_samples.png", title, costs_by_label, "samples")
    if costs_by_series["side"]:
        sides = [cost.size for cost in costs_by_series["side"]]
        title = "One epoch by image side: a small network on 600 images"
        _draw_costs(
            plots / "cost_side.png", title, {"600 images": costs_by_series["side"]}, "image side (pixels)", ticks=sides
        )
    if costs_by_series["batch"]:
        sizes = [cost.size for cost in costs_by_series["batch"]]
        title = f"One epoch by batch size: SimpleNet on {costs_by_series['batch'][0].samples:,} images"
        costs_by_label = {"SimpleNet": costs_by_series["batch"]}
        _draw_costs(plots / "cost_batch.png", title, costs_by_label, "batch size (samples)", ticks=sizes)
    if costs_by_series["streamed"]:
        _draw_streamed(plots / "memory_streamed.png", costs_by_series["streamed"], curves)


def _draw_costs(
    file: Path, title: str, costs_by_label: dict[str, list[Cost]], x_label: str, *, ticks: Sequence[float] | None = None
) -> None:
    seconds = {name: [(cost.size, cost.seconds) for cost in costs] for name, costs in costs_by_label.items()}
    if len(costs_by_label) == 1:
        (costs,) = costs_by_label.values()
        seconds = {
            "the whole call": [(cost.size, cost.seconds) for cost in costs],
            "its epoch": [(cost.size, cost.epoch_s) for cost in costs],
        }
    memory = {name: [(cost.size, cost.used_mb) for cost in costs] for name, costs in costs_by_label.items()}
    panels = [("time (s)", seconds), (MEMORY_LABEL, memory)]
    write_chart(file, title, panels, x_label=x_label, x_ticks=ticks)


def _draw_streamed(file: Path, costs: list[Cost], curves: Curves) -> None:
    item_mb = 4 * STREAMED_SIDE**2 / 2**20
    in_memory = {"what holding the data would take": [(cost.size, cost.size * item_mb) for cost in costs]}
    peak = {"streamed": [(cost.size, cost.used_mb) for cost in costs]}
    panels = [(MEMORY_LABEL, peak)]
    write_chart(
        file, "Memory while streaming, by the number of samples", panels, x_label="samples", references=in_memory
    )
    size, curve = max(curves.items())
    time_file = file.with_name(f"{file.stem}_over_time.png")
    panels = [("resident memory (MB)", {f"{size:,} samples": curve})]
    write_chart(
        time_file,
        f"Memory while streaming {size:,} samples",
        panels,
        x_label="time since the call (s)",
        logarithmic=False,
    )
