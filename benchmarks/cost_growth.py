"""Measures how cost grows: seconds and peak memory of ``naiad.fit`` by samples, image side and batch size, and when streaming.

    python benchmarks/cost_growth.py [--quick] [--series images numbers streamed side batch] [--repeats 2]
    python benchmarks/cost_growth.py --plots-only

Each run is one epoch in a process of its own; its data is made before the clock starts. Every choice is automatic except
those that would change with the size: epochs, batch size and optimizer are set, and no choice is measured. The clock runs from
the call to its return; ``epoch_s`` is the time of the steps alone. Memory is the resident set of the process: after the
imports, before the call (with data that is in memory), and its peak during the call.

    images     Fashion-MNIST, SimpleNet, 10³ to 6·10⁴ samples
    numbers    16 features in memory, 16-64-64-4 network, 10³ to 10⁷ samples
    streamed   1×32×32 float images that a torch Dataset makes on demand, 10³ to 10⁶ samples: 4 GB if they were in memory
    side       Fashion-MNIST's images scaled to 16 … 224 pixels, a small network with global pooling
    batch      Fashion-MNIST, SimpleNet, batches of 16 … 4,096

Results go to benchmarks/results/cost_growth.csv, plots to benchmarks/plots; those of ``--quick`` to runs/cost_growth.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from cost_cases import Cost, Curve, measure
from cost_plots import Curves, draw_plots, read_results, write_results
from log import log_row

HERE = Path(__file__).parent
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
LARGE_SIZE = 1_000_000
"""A run of this size is not repeated."""


def run_all(options: argparse.Namespace) -> tuple[list[Cost], Curves]:
    costs, curves = [], {}
    for series in options.series:
        for size in (QUICK if options.quick else SIZES)[series]:
            samples = {"side": 600, "batch": 20_000}.get(series, size) // (
                10 if options.quick and series == "batch" else 1
            )
            repeats = 1 if options.quick or size >= LARGE_SIZE else options.repeats
            runs = [_run_in_process(series, size, samples) for _ in range(repeats)]
            cost = min((cost for cost, _ in runs), key=lambda cost: cost.seconds)
            costs.append(cost)
            if series == "streamed":
                curves[size] = runs[0][1]
            print(
                f"{series:<9} {size:>10,}  {cost.seconds:8.2f} s  epoch {cost.epoch_s:8.2f} s  "
                f"{cost.imports_mb:5.0f} → {cost.before_mb:5.0f} → {cost.peak_mb:5.0f} MB",
                flush=True,
            )
    return costs, curves


def _run_in_process(series: str, size: int, samples: int) -> tuple[Cost, Curve]:
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as cache:
        completed = subprocess.run(
            [sys.executable, __file__, "--one", series, str(size), str(samples)],
            env={**os.environ, "XDG_CACHE_HOME": cache}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if completed.returncode:
        raise SystemExit(f"{series} {size} failed:\n{completed.stderr[-3_000:]}")
    result = json.loads(completed.stdout.splitlines()[-1])
    return Cost(**result["cost"]), [tuple(point) for point in result["curve"]]


def print_rows(costs: Sequence[Cost]) -> None:
    for series in dict.fromkeys(cost.series for cost in costs):
        runs = [cost for cost in costs if cost.series == series]
        last, previous = runs[-1], runs[-2]
        exponent = np.log(last.seconds / previous.seconds) / np.log(last.size / previous.size)
        bytes_per_sample = (last.peak_mb - previous.peak_mb) * 2**20 / (last.size - previous.size)
        note = f"{previous.size:,} → {last.size:,}: {previous.seconds:.3g} → {last.seconds:.3g} s"
        print(
            log_row(
                f"{series}: seconds grow as size to the power", [exponent], unit="", script="cost_growth.py", note=note
            )
        )
        if series in {"images", "numbers", "streamed"}:
            sample_us = [1e6 * cost.seconds / cost.size for cost in runs[-2:]]
            print(log_row(f"{series}: a sample", sample_us, unit="µs", script="cost_growth.py", note=note))
            note = f"peak {previous.peak_mb:.0f} MB at {previous.size:,}, {last.peak_mb:.0f} MB at {last.size:,}"
            print(
                log_row(
                    f"{series}: memory a sample", [bytes_per_sample], unit="bytes", script="cost_growth.py", note=note
                )
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--series", nargs="*", default=list(SIZES), choices=SIZES)
    parser.add_argument(
        "--repeats", type=int, default=2, help="repetitions of each run below a million samples; the fastest counts"
    )
    parser.add_argument("--plots-only", action="store_true", help="draw the plots from the present results")
    parser.add_argument("--out", type=Path, help="where results/ and plots/ go")
    parser.add_argument("--one", nargs=3, metavar=("SERIES", "SIZE", "SAMPLES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        cost, curve = measure(options.one[0], int(options.one[1]), int(options.one[2]))
        print(json.dumps({"cost": asdict(cost), "curve": curve}))
        return
    out = options.out or (HERE.parent / "runs" / "cost_growth" if options.quick else HERE)
    if options.plots_only:
        draw_plots(out, *read_results(out))
        return
    started = time.perf_counter()
    costs, curves = run_all(options)
    write_results(out, costs, curves)
    draw_plots(out, costs, curves)
    print_rows(costs)
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes; results and plots in {out}")


if __name__ == "__main__":
    main()
