"""How cost grows: seconds and peak memory of ``naiad.fit`` against samples, image side and batch size; memory while streaming.

    python benchmarks/cost_growth.py [--quick] [--series images numbers streamed side batch] [--repeats 2]
    python benchmarks/cost_growth.py --plots-only

One epoch each, in a process of its own, whose data is made before the clock starts. Every choice is automatic except what would
change with the size: epochs, batch and optimizer are set and nothing is measured beforehand. The clock runs from the call to its
return; ``epoch_s`` is the steps' part of it. Memory is the process's resident set: after the imports, before the call
(with the data, where it is held), and its peak during the call.

    images     Fashion-MNIST, SimpleNet, 10³ to 6·10⁴ samples
    numbers    16 features in memory, 16-64-64-4 network, 10³ to 10⁷ samples
    streamed   1×32×32 float images that a torch Dataset makes on demand, 10³ to 10⁶ samples: as large as 4 GB if held
    side       Fashion-MNIST's images scaled to 16 … 224 pixels, a small network with global pooling
    batch      Fashion-MNIST, SimpleNet, batches of 16 … 4,096

Results go to benchmarks/results/cost_growth.csv, pictures to benchmarks/plots; those of ``--quick`` to runs/cost_growth.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from charts import chart
from log import row
from torch import Tensor, nn

import naiad
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.nets.guide import SimpleNet

HERE = Path(__file__).parent
WATCHED_S = 0.1
FEATURES, STREAMED_SIDE = 16, 32
SIZES = {
    "images": (1_000, 3_000, 10_000, 30_000, 60_000),
    "numbers": (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    "streamed": (1_000, 10_000, 100_000, 1_000_000),
    "side": (16, 32, 64, 96, 128, 224),
    "batch": (16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096),
}
QUICK = {
    "images": (1_000, 2_000, 4_000),
    "numbers": (1_000, 10_000, 100_000),
    "streamed": (1_000, 4_000, 16_000),
    "side": (16, 32, 64),
    "batch": (64, 512, 4_096),
}
MEMORY_LABEL = "peak memory beyond the imports (MB)"
LARGE = 1_000_000
"""Run once only."""


@dataclass(frozen=True)
class Cost:
    series: str
    size: int
    samples: int
    seconds: float
    epoch_s: float
    imports_mb: float
    before_mb: float
    """With the data, where it is held."""
    peak_mb: float

    @property
    def used_mb(self) -> float:
        """By the data and the run."""
        return self.peak_mb - self.imports_mb


# ---- one run, in its own process


class OnDemand(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """An item is a picture of its class with noise of its own each time, so that it cannot be held and is streamed."""

    def __init__(self, count: int) -> None:
        self.targets = np.random.default_rng(1).integers(0, 10, count)
        self.pictures = torch.randn(10, 1, STREAMED_SIDE, STREAMED_SIDE)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        target = int(self.targets[index])
        return self.pictures[target] * torch.rand(1), target


def numbers(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    inputs = random.standard_normal((count, FEATURES), dtype=np.float32)
    targets = (inputs[:, 0] > 0) * 2 + (inputs[:, 1] > inputs[:, 2])
    return inputs, targets.astype(np.int64)


def fashion(count: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Validation has as many always, so that only the training part grows."""
    raw = open_source("fashion-mnist", label=None).splits
    parts = {"train": (raw["train"], count), "validation": (raw["test"], 1_000)}
    return {
        name: (np.asarray(split.inputs).reshape(-1, 28, 28)[:some], np.asarray(split.targets)[:some])
        for name, (split, some) in parts.items()
    }


def perceptron(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs)
    )


def any_side() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def case(series: str, size: int, samples: int) -> tuple[nn.Module, Any, dict[str, Any], dict[str, Any]]:
    """Network, data, plan, further arguments."""
    match series:
        case "images":
            return SimpleNet(), fashion(size), {"batch_size": 128, "optimizer": "sgd"}, {}
        case "numbers":
            return perceptron(FEATURES, 4), numbers(size), {"batch_size": 1_024}, {}
        case "streamed":
            return perceptron(STREAMED_SIDE**2, 10), OnDemand(size), {"batch_size": 256}, {}
        case "side":
            data = fashion(samples)
            data["validation"] = tuple(part[:100] for part in data["validation"])
            return any_side(), data, {"batch_size": 64, "optimizer": "sgd"}, {"image_size": size}
        case "batch":
            return SimpleNet(), fashion(samples), {"batch_size": size, "optimizer": "sgd"}, {}
    raise ValueError(series)


def measure(series: str, size: int, samples: int) -> tuple[Cost, list[tuple[float, float]]]:
    """The cost, and the resident set over time: (seconds since the call, MB)."""
    torch.manual_seed(0)
    imports_mb = _memory_mb("VmRSS")
    net, data, plan, arguments = case(series, size, samples)
    plan = {"measure_fraction": 0.0, "clip_norm": None, **plan}
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak counts from here
    before_mb = _memory_mb("VmRSS")
    curve: list[tuple[float, float]] = []
    over = threading.Event()
    begun = time.perf_counter()
    watcher = threading.Thread(target=_watch, args=(curve, over, begun), daemon=True)
    watcher.start()
    model = naiad.fit(net, data, epochs=1, plan=plan, seed=0, report=False, progress=SilentProgress(), **arguments)
    seconds = time.perf_counter() - begun
    over.set()
    watcher.join()
    epoch_s = sum(record.seconds for record in model.history)
    counted = size if series in {"images", "numbers", "streamed"} else samples
    return Cost(series, size, counted, seconds, epoch_s, imports_mb, before_mb, _memory_mb("VmHWM")), curve


def _watch(curve: list[tuple[float, float]], over: threading.Event, begun: float) -> None:
    while not over.wait(WATCHED_S):
        curve.append((time.perf_counter() - begun, _memory_mb("VmRSS")))


def _memory_mb(what: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(text.partition(f"{what}:")[2].split()[0]) / 1024


# ---- all of them


def all_runs(given: argparse.Namespace) -> tuple[list[Cost], dict[int, list[tuple[float, float]]]]:
    costs, curves = [], {}
    for series in given.series:
        for size in (QUICK if given.quick else SIZES)[series]:
            samples = {"side": 600, "batch": 20_000}.get(series, size) // (
                10 if given.quick and series == "batch" else 1
            )
            repeats = 1 if given.quick or size >= LARGE else given.repeats
            found = [_in_a_process(series, size, samples) for _ in range(repeats)]
            cost = min((cost for cost, _ in found), key=lambda cost: cost.seconds)
            costs.append(cost)
            if series == "streamed":
                curves[size] = found[0][1]
            print(
                f"{series:<9} {size:>10,}  {cost.seconds:8.2f} s  epoch {cost.epoch_s:8.2f} s  "
                f"{cost.imports_mb:5.0f} → {cost.before_mb:5.0f} → {cost.peak_mb:5.0f} MB",
                flush=True,
            )
    return costs, curves


def _in_a_process(series: str, size: int, samples: int) -> tuple[Cost, list[tuple[float, float]]]:
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as cache:
        done = subprocess.run(
            [sys.executable, __file__, "--one", series, str(size), str(samples)],
            env={**os.environ, "XDG_CACHE_HOME": cache}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{series} {size} failed:\n{done.stderr[-3_000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return Cost(**answer["cost"]), [tuple(point) for point in answer["curve"]]


def say(costs: Sequence[Cost]) -> None:
    for series in dict.fromkeys(cost.series for cost in costs):
        found = [cost for cost in costs if cost.series == series]
        last, before = found[-1], found[-2]
        exponent = np.log(last.seconds / before.seconds) / np.log(last.size / before.size)
        growth = (last.peak_mb - before.peak_mb) * 2**20 / (last.size - before.size)
        note = f"{before.size:,} → {last.size:,}: {before.seconds:.3g} → {last.seconds:.3g} s"
        print(
            row(f"{series}: seconds grow as size to the power", [exponent], unit="", script="cost_growth.py", note=note)
        )
        if series in {"images", "numbers", "streamed"}:
            each = [1e6 * cost.seconds / cost.size for cost in found[-2:]]
            print(row(f"{series}: a sample", each, unit="µs", script="cost_growth.py", note=note))
            note = f"peak {before.peak_mb:.0f} MB at {before.size:,}, {last.peak_mb:.0f} MB at {last.size:,}"
            print(row(f"{series}: memory a sample", [growth], unit="bytes", script="cost_growth.py", note=note))


# ---- files


def write(out: Path, costs: Sequence[Cost], curves: dict[int, list[tuple[float, float]]]) -> None:
    (out / "results").mkdir(parents=True, exist_ok=True)
    with (out / "results" / "cost_growth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(Cost.__dataclass_fields__))
        table.writeheader()
        table.writerows({name: _rounded(value) for name, value in asdict(cost).items()} for cost in costs)
    with (out / "results" / "cost_growth_streamed.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(("samples", "seconds", "resident_mb"))
        lines.writerows((size, round(at, 2), round(mb, 1)) for size, curve in curves.items() for at, mb in curve)


def read(out: Path) -> tuple[list[Cost], dict[int, list[tuple[float, float]]]]:
    with (out / "results" / "cost_growth.csv").open(encoding="utf-8") as file:
        kinds = {name: field.type for name, field in Cost.__dataclass_fields__.items()}
        costs = [Cost(**{name: kinds[name](value) for name, value in line.items()}) for line in csv.DictReader(file)]
    curves: dict[int, list[tuple[float, float]]] = {}
    with (out / "results" / "cost_growth_streamed.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            curves.setdefault(int(line["samples"]), []).append((float(line["seconds"]), float(line["resident_mb"])))
    return costs, curves


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def draw(out: Path, costs: Sequence[Cost], curves: dict[int, list[tuple[float, float]]]) -> None:
    plots = out / "plots"
    by = {name: [cost for cost in costs if cost.series == name] for name in SIZES}
    names = {
        "images": "Fashion-MNIST, SimpleNet",
        "numbers": "16 numbers, three layers",
        "streamed": "32×32 images, streamed",
    }
    grown = {label: by[name] for name, label in names.items() if by[name]}
    if grown:
        _chart(plots / "cost_samples.png", "One epoch and all around it, by the number of samples", grown, "samples")
    if by["side"]:
        shown = {"600 images": by["side"]}
        sides = [cost.size for cost in by["side"]]
        title = "One epoch by image side: a small network on 600 images"
        _chart(plots / "cost_side.png", title, shown, "image side (pixels)", ticks=sides)
    if by["batch"]:
        sizes = [cost.size for cost in by["batch"]]
        title = f"One epoch by batch size: SimpleNet on {by['batch'][0].samples:,} images"
        _chart(plots / "cost_batch.png", title, {"SimpleNet": by["batch"]}, "batch size (samples)", ticks=sizes)
    if by["streamed"]:
        _streamed(plots / "memory_streamed.png", by["streamed"], curves)


def _chart(
    file: Path, title: str, shown: dict[str, list[Cost]], x_label: str, *, ticks: Sequence[float] | None = None
) -> None:
    seconds = {name: [(cost.size, cost.seconds) for cost in found] for name, found in shown.items()}
    if len(shown) == 1:
        (found,) = shown.values()
        seconds = {
            "the whole call": [(cost.size, cost.seconds) for cost in found],
            "its epoch": [(cost.size, cost.epoch_s) for cost in found],
        }
    memory = {name: [(cost.size, cost.used_mb) for cost in found] for name, found in shown.items()}
    panels = [("time (s)", seconds), (MEMORY_LABEL, memory)]
    chart(file, title, panels, x_label=x_label, x_ticks=ticks)


def _streamed(file: Path, found: list[Cost], curves: dict[int, list[tuple[float, float]]]) -> None:
    item_mb = 4 * STREAMED_SIDE**2 / 2**20
    held = {"what holding the data would take": [(cost.size, cost.size * item_mb) for cost in found]}
    peak = {"streamed": [(cost.size, cost.used_mb) for cost in found]}
    panels = [(MEMORY_LABEL, peak)]
    chart(file, "Memory while streaming, by the number of samples", panels, x_label="samples", references=held)
    size, curve = max(curves.items())
    over = file.with_name(f"{file.stem}_over_time.png")
    panels = [("resident memory (MB)", {f"{size:,} samples": curve})]
    chart(
        over, f"Memory while streaming {size:,} samples", panels, x_label="time since the call (s)", logarithmic=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--series", nargs="*", default=list(SIZES), choices=SIZES)
    parser.add_argument(
        "--repeats", type=int, default=2, help="of each run below a million samples; the quickest counts"
    )
    parser.add_argument("--plots-only", action="store_true", help="from the results that are there")
    parser.add_argument("--out", type=Path, help="where results/ and plots/ go")
    parser.add_argument("--one", nargs=3, metavar=("SERIES", "SIZE", "SAMPLES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        cost, curve = measure(given.one[0], int(given.one[1]), int(given.one[2]))
        print(json.dumps({"cost": asdict(cost), "curve": curve}))
        return
    out = given.out or (HERE.parent / "runs" / "cost_growth" if given.quick else HERE)
    if given.plots_only:
        draw(out, *read(out))
        return
    begun = time.perf_counter()
    costs, curves = all_runs(given)
    write(out, costs, curves)
    draw(out, costs, curves)
    say(costs)
    print(f"{(time.perf_counter() - begun) / 60:.1f} minutes; results and plots in {out}")


if __name__ == "__main__":
    main()
