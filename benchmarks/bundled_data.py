"""Measures Naiad on scikit-learn's bundled data: digits, diabetes against ridge regression, clusters of digits against k-means.

    python benchmarks/bundled_data.py [--seeds 5]

Each seed compares both sides on the same split. Naiad chooses network and plan.
"""

import argparse

import numpy as np
from log import log_row
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import RidgeCV
from sklearn.metrics import normalized_mutual_info_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import naiad
from naiad.trainer.loop.progress import SilentProgress


def digits_accuracy(seed: int) -> float:
    images = load_digits().images.astype(np.uint8) * 15
    train_X, test_X, train_y, test_y = train_test_split(
        images, load_digits().target, test_size=0.2, stratify=load_digits().target, random_state=seed
    )
    data = {"train": (train_X, train_y), "test": (test_X, test_y)}
    model = naiad.fit(None, data, seed=seed, report=False, progress=SilentProgress())
    return 100 * model.evaluations["test"]["metrics"]["accuracy"]


def diabetes_r2_gap(seed: int) -> float:
    """Returns R² of Naiad minus that of ridge regression, whose penalty is chosen by cross-validation on the training split."""
    X, y = load_diabetes(return_X_y=True)
    train_X, test_X, train_y, test_y = train_test_split(X, y, test_size=0.25, random_state=seed)
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 25))).fit(train_X, train_y)
    data = {"train": (train_X, train_y), "test": (test_X, test_y)}
    model = naiad.fit(None, data, seed=seed, report=False, progress=SilentProgress())
    naiad_score = model.evaluations["test"]["metrics"]["r2"]
    reference = ridge.score(test_X, test_y)
    print(f"diabetes seed {seed}: ours {naiad_score:.4f}, ridge {reference:.4f}", flush=True)
    return float(naiad_score - reference)


def cluster_nmi_gap(seed: int) -> float:
    """Returns NMI of Naiad minus that of k-means on raw pixels, both with 10 clusters, over all samples."""
    X, y = load_digits(return_X_y=True)
    raw = KMeans(10, n_init=10, random_state=seed).fit_predict(X)
    model = naiad.fit(
        None,
        (X.astype(np.float32),),
        task="clustering",
        plan={"clusters": 10},
        seed=seed,
        report=False,
        progress=SilentProgress(),
    )
    naiad_score = normalized_mutual_info_score(y, model.predict(X.astype(np.float32)).labels)
    reference = normalized_mutual_info_score(y, raw)
    print(f"clusters seed {seed}: ours {naiad_score:.4f}, k-means on raw pixels {reference:.4f}", flush=True)
    return float(naiad_score - reference)


CASES = {
    "digits": (digits_accuracy, "digits, held-out fifth", "% test accuracy", "≥ 97 %"),
    "diabetes": (diabetes_r2_gap, "diabetes, R² minus ridge's", "", "≥ −0.02"),
    "clusters": (cluster_nmi_gap, "digits' clusters, NMI minus that of k-means on raw pixels", "", "> 0"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for name in options.cases:
        measure, claim, unit, goal = CASES[name]
        values = [measure(seed) for seed in range(options.seeds)]
        print(log_row(claim, values, unit=unit, goal=goal, script=f"bundled_data.py {name}"), flush=True)


if __name__ == "__main__":
    main()
