"""The estimators in scikit-learn's own checks, and in pipelines, searches and pickles."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from naiad import NaiadClassifier, NaiadRegressor


@pytest.mark.slow
@parametrize_with_checks([NaiadClassifier(epochs=40), NaiadRegressor(epochs=40)])
@pytest.mark.filterwarnings("ignore")  # the checks warn on purpose, and to say what they skip
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_a_pipeline_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    scores = cross_val_score(make_pipeline(StandardScaler(), NaiadClassifier(epochs=15)), X, y, cv=3)
    assert scores.mean() > 0.85


def test_a_search_over_the_plan():
    X, y = load_iris(return_X_y=True)
    plans = [{"learning_rate": 1e-7}, {"learning_rate": 3e-3}]
    search = GridSearchCV(NaiadClassifier("mlp", epochs=5), {"plan": plans}, cv=2).fit(X, y)
    assert search.best_params_ == {"plan": plans[1]}


def test_predictions_are_the_classes_of_the_data():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    classifier = NaiadClassifier(epochs=5).fit(X, names)
    assert classifier.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(classifier.predict(X)) <= set(names)
    signs = NaiadClassifier(epochs=5).fit(X[y < 2], np.where(y[y < 2] == 0, -1, 1))
    assert set(signs.predict(X[y < 2])) == {-1, 1}


def test_images_may_have_their_own_shape():
    digits = load_digits()
    classifier = NaiadClassifier("mlp", epochs=3).fit(digits.images, digits.target)
    assert classifier.predict_proba(digits.images[:7]).shape == (7, 10)


def test_the_given_network_is_not_trained():
    X, y = load_diabetes(return_X_y=True)
    net = nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 1))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    regressor = NaiadRegressor(net, epochs=2).fit(X, y)
    assert regressor.predict(X).shape == (442,)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    clone(regressor).fit(X, y)


def test_a_fitted_estimator_can_be_pickled():
    X, y = load_diabetes(return_X_y=True)
    regressor = NaiadRegressor(epochs=2).fit(X, y)
    assert np.array_equal(pickle.loads(pickle.dumps(regressor)).predict(X), regressor.predict(X))


@pytest.mark.parametrize("seed", [None, np.random.RandomState(0)])
def test_any_random_state(seed):
    X, y = load_iris(return_X_y=True)
    NaiadClassifier(epochs=1, random_state=seed).fit(X, y)


def test_an_input_error_is_a_value_error():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="two classes"):
        NaiadClassifier().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"'simplene'; did you mean .simplenet"):
        NaiadClassifier("simplene").fit(X, y)
