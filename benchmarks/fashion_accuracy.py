"""Measures test accuracy on Fashion-MNIST over seeds: SimpleNet with and without augmentation, Net on 3×32×32.

    python benchmarks/fashion_accuracy.py simplenet|augmented|net [--seeds 5] [--seed-from 0]

Naiad makes the plan of the first and the third case; the second adds the augmentation that a user would ask for.
"""

import argparse

import numpy as np
from log import log_row

import naiad
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.loop.progress import SilentProgress

CASES = {
    "simplenet": ("SimpleNet, 10 epochs, no augmentation", 10, {}, "≥ 90.5 %"),
    "augmented": (
        "SimpleNet, 20 epochs, flip, label smoothing 0.05",
        20,
        {"augment": ("flip",), "label_smoothing": 0.05},
        "≥ 91.0 %",
    ),
    "net": ("Net on 3×32×32 (padded, repeated), 10 epochs", 10, {}, "≥ 92 %"),
}


def three_channels() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    raw = open_source("fashion-mnist", label=None)
    return {name: (_pad(split.inputs), np.asarray(split.targets)) for name, split in raw.splits.items()}


def _pad(images: object) -> np.ndarray:
    array = np.asarray(images).reshape(-1, 28, 28)
    padded = np.pad(array, ((0, 0), (2, 2), (2, 2)))
    return np.repeat(padded[:, None], 3, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed-from", type=int, default=0)
    options = parser.parse_args()
    claim, epochs, plan, goal = CASES[options.case]
    data = three_channels() if options.case == "net" else "fashion-mnist"
    name = "net" if options.case == "net" else "simplenet"
    accuracies = []
    for seed in range(options.seed_from, options.seed_from + options.seeds):
        model = naiad.fit(name, data, epochs=epochs, plan=plan, seed=seed, report=False, progress=SilentProgress())
        accuracies.append(100 * model.evaluations["test"]["metrics"]["accuracy"])
        validation = 100 * model.evaluations["validation"]["metrics"]["accuracy"]
        print(f"seed {seed}: test {accuracies[-1]:.2f} %, validation {validation:.2f} %", flush=True)
    print(log_row(claim, accuracies, unit="% test accuracy", goal=goal, script=f"fashion_accuracy.py {options.case}"))


if __name__ == "__main__":
    main()
