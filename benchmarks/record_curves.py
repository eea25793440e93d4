"""Records real learning curves for the tests of the search: an MLP on scikit-learn's digits, a grid of choices × epochs.

Each row is one combination: its values, the seconds of one of its epochs, and the validation accuracy after each epoch. The
schedule ends at each rung, as in a search. The first row is the untuned plan, which keeps its own schedule.

    python benchmarks/record_curves.py            # writes tests/data/digits_curves.csv; some minutes
"""

import csv
import itertools
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import naiad
from naiad.trainer.tuning.halving import make_rungs
from naiad.trainer.tuning.watcher import SilentWatcher

TABLE = Path(__file__).parents[1] / "tests" / "data" / "digits_curves.csv"
EPOCHS = 27
GRID = {
    "lr": ["0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3"],
    "batch_size": ["16", "64", "256"],
    "optimizer": ["sgd", "adamw"],
    "activation": ["relu", "gelu", "tanh"],
    "width": ["16", "64"],
}


def main() -> None:
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32)
    data = {"train": (X[:500], y[:500]), "validation": (X[500:], y[500:])}
    restarts = ",".join(map(str, make_rungs(EPOCHS).epochs))
    options = {"epochs": EPOCHS, "search": "grid", "halving": False, "memory": False, "report": False}
    base = naiad.tune("mlp", data, {"lr": "0.003"}, trials=1, watcher=SilentWatcher(), **options)
    count = 1 + len(list(itertools.product(*GRID.values())))
    grid = {name: ",".join(values) for name, values in GRID.items()}
    tuned = naiad.tune("mlp", data, grid, trials=count, plan={"restarts": restarts}, watcher=SilentWatcher(), **options)
    own = [trial for trial in tuned.own_trials if trial.number > 0]
    seconds = {trial.number: trial.seconds / EPOCHS for trial in tuned.trials}
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["number", "base", *GRID, "epoch_s", *(f"epoch_{epoch}" for epoch in range(1, EPOCHS + 1))])
        rows = [(base.base, "1"), *((trial, "0") for trial in own if len(trial.curve) == EPOCHS)]
        for trial, is_base in rows:
            values = [trial.values.get(name, "") for name in GRID]
            scores = [f"{score:.4f}" for _, score in trial.curve]
            epoch_s = base.base.seconds / EPOCHS if is_base == "1" else seconds[trial.number]
            writer.writerow([trial.number, is_base, *values, f"{epoch_s:.5f}", *scores])


if __name__ == "__main__":
    main()
