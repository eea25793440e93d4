"""Measures how much faster Naiad reaches 87 % and 90 % on Fashion-MNIST than the guide's loop, batch and rate unchanged.

    python benchmarks/guide_ratio.py --limits 3 9 [--seeds 5]

The guide's loop has reached 87 % after 13 and 15 epochs (two seeds, tested after each), and 90 % not within 36. So 13 and 36
times the seconds of its epoch, of the same round, are the least that it needs. Each round has an epoch of the guide, the same
loop tuned by hand (momentum, a one-cycle schedule, tensors in memory), and Naiad with each time limit, all choices automatic and
nothing remembered; each run is a process of its own, and no clock counts imports.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import environments
from fashion_peers import DEBIAN_FILES
from fashion_race import GUIDE_RECIPE
from fashion_runs import Outcome, Recipe, Runs, mean_accuracy, mean_seconds, unpack
from log import log_row

TUNED = Recipe(
    epochs=5, batch_size=64, learning_rate=0.05, settings={"momentum": 0.9, "schedule": "one-cycle", "feed": "tensors"}
)
EPOCHS_OF_GUIDE = {0.90: 36, 0.87: 13}
"""Epochs that the guide's loop takes to an accuracy, at the least."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limits", type=float, nargs="+", required=True, help="seconds")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--files", type=Path, default=DEBIAN_FILES, help="the folder of the four .gz files")
    options = parser.parse_args()
    sides = {"guide, an epoch": ("guide", replace(GUIDE_RECIPE, epochs=1)), "tuned by hand": ("guide-tuned", TUNED)}
    sides |= {f"naiad, {limit:g} s": ("naiad", Recipe(settings={"time_limit_s": limit})) for limit in options.limits}
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        threads = len(os.sched_getaffinity(0))
        runs = Runs(environments.DEFAULT, unpack(options.files, Path(folder)), samples=None, threads=threads)
        for seed in range(options.seeds):
            for name, (peer, recipe) in sides.items():
                outcomes[name].append(runs.run_once(peer, recipe, seed=seed))
                print(
                    f"seed {seed}  {name:<16} {outcomes[name][-1].seconds:7.2f} s  {outcomes[name][-1].accuracy:.2%}",
                    flush=True,
                )
    print_rows(outcomes)


def print_rows(outcomes: dict[str, list[Outcome]]) -> None:
    epochs = outcomes["guide, an epoch"]
    for name, runs in outcomes.items():
        note = f"{mean_seconds(runs):.2f} s"
        print(
            log_row(
                f"{name}: accuracy", [100 * run.accuracy for run in runs], unit="%", script="guide_ratio.py", note=note
            )
        )
        if name.startswith("naiad"):
            print_ratio(name, epochs, runs)


def print_ratio(name: str, epochs: list[Outcome], runs: list[Outcome]) -> None:
    reached = next((target for target in EPOCHS_OF_GUIDE if mean_accuracy(runs) >= target), None)
    if reached is None:
        return
    count = EPOCHS_OF_GUIDE[reached]
    ratios = [count * epoch.seconds / run.seconds for epoch, run in zip(epochs, runs, strict=True)]
    claim = f"the guide's {count} epochs ÷ {name}: to {reached:.0%}, at least"
    print(
        log_row(claim, ratios, unit="×", goal="≥ 20", script="guide_ratio.py", note=f"naiad {mean_accuracy(runs):.2%}")
    )


if __name__ == "__main__":
    main()
