"""Networks learn scikit-learn's data sets, and are no worse than simple methods on the same split."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import RidgeCV
from sklearn.metrics import normalized_mutual_info_score
from sklearn.model_selection import train_test_split

import naiad
from naiad.trainer.loop.progress import SilentProgress


def split(X, y, **options):
    train_X, test_X, train_y, test_y = train_test_split(X, y, test_size=0.25, random_state=1, **options)
    return {"train": (train_X, train_y), "test": (test_X, test_y)}


@pytest.mark.slow
def test_digits_are_classified():
    digits = load_digits()
    data = split(digits.images.astype(np.uint8) * 15, digits.target, stratify=digits.target)
    model = naiad.fit(None, data, epochs=25, report=False, progress=SilentProgress())
    assert model.evaluations["test"]["metrics"]["accuracy"] >= 0.97


def test_diabetes_is_predicted_no_worse_than_by_ridge():
    data = split(*load_diabetes(return_X_y=True))
    ridge = RidgeCV(np.logspace(-3, 2, 20)).fit(*data["train"]).score(*data["test"])
    model = naiad.fit(None, data, report=False, progress=SilentProgress())
    assert model.evaluations["test"]["metrics"]["r2"] >= ridge - 0.02


def test_a_table_of_cancers_is_classified():
    table = load_breast_cancer(as_frame=True).frame
    data = {"train": table.iloc[:400], "test": table.iloc[400:]}
    model = naiad.fit(None, data, label="target", epochs=30, report=False, progress=SilentProgress())
    assert model.evaluations["test"]["metrics"]["accuracy"] >= 0.94


@pytest.mark.slow
def test_clusters_of_digits_are_better_than_those_of_raw_pixels():
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32)
    raw = normalized_mutual_info_score(y, KMeans(10, n_init=10, random_state=0).fit_predict(X))
    model = naiad.fit(None, (X,), task="clustering", plan={"clusters": 10}, report=False, progress=SilentProgress())
    assert normalized_mutual_info_score(y, model.predict(X).labels) > raw


def test_brightness_is_predicted_from_images():
    """A regression on images: the fraction of bright pixels."""
    generator = np.random.default_rng(0)
    fractions = generator.random(300)
    images = (generator.random((300, 8, 8)) < fractions[:, None, None]).astype(np.uint8) * 255
    data = {"train": (images[:240], fractions[:240]), "test": (images[240:], fractions[240:])}
    model = naiad.fit(None, data, epochs=6, report=False, progress=SilentProgress())
    assert model.task == "regression"
    assert model.evaluations["test"]["metrics"]["r2"] > 0.8
