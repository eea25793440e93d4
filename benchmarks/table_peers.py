"""scikit-learn's models with their defaults, behind the usual preprocessing, and the trivial model."""

import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from table_draw import Problem

MOST_CATEGORIES = 64
TRIVIAL = "trivial"
PEERS = {
    TRIVIAL: (DummyClassifier, DummyRegressor),
    "boosting": (HistGradientBoostingClassifier, HistGradientBoostingRegressor),
    "forest": (RandomForestClassifier, RandomForestRegressor),
    "linear": (LogisticRegression, Ridge),
    "mlp": (MLPClassifier, MLPRegressor),
}


def split(problem: Problem, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns three quarters to train on, and the rest, stratified by class."""
    frame = problem.frame
    strata = frame[problem.target].astype(str) if problem.task == "classification" else None
    train, test = train_test_split(frame, test_size=0.25, random_state=seed, stratify=strata)
    return train, test


def peer_scores(problem: Problem, seed: int) -> dict[str, float]:
    """Returns accuracy or R² on the test rows, by peer."""
    train, test = split(problem, seed)
    inputs, targets = _inputs(train, problem.target), _targets(train, problem)
    scores = {}
    for name, (classifier, regressor) in PEERS.items():
        model = (classifier if problem.task == "classification" else regressor)()
        if "random_state" in model.get_params():
            model.set_params(random_state=seed)
        pipeline = make_pipeline(_preprocessing(inputs), model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.fit(inputs, targets)
            scores[name] = score(problem, test, pipeline.predict(_inputs(test, problem.target)))
    return scores


def score(problem: Problem, test: pd.DataFrame, predicted: np.ndarray) -> float:
    wanted = _targets(test, problem)
    if problem.task == "classification":
        return float(accuracy_score(_class_names(wanted), _class_names(predicted)))
    return float(r2_score(wanted, predicted))


def _class_names(labels: np.ndarray) -> np.ndarray:
    """Returns 1.0 as 1: names of classes, however they were written."""
    return np.array([str(label).removesuffix(".0") for label in labels])


def _targets(frame: pd.DataFrame, problem: Problem) -> np.ndarray:
    values = frame[problem.target]
    return (values.astype(str) if problem.task == "classification" else values.astype(float)).to_numpy()


def _inputs(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """Returns numbers as float, and all else as text, NaN where it is missing."""
    columns = {}
    for name in frame.columns.drop(target):
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[name] = values.astype(float).replace([np.inf, -np.inf], np.nan)
        else:
            columns[name] = values.astype(object).where(values.isna(), values.astype(str)).where(values.notna(), np.nan)
    return pd.DataFrame(columns)


def _preprocessing(inputs: pd.DataFrame) -> ColumnTransformer:
    numbers = [name for name in inputs if pd.api.types.is_float_dtype(inputs[name])]
    words = [name for name in inputs if name not in numbers]
    number_steps = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    word_steps = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", max_categories=MOST_CATEGORIES, sparse_output=False),
    )
    return ColumnTransformer([("numbers", number_steps, numbers), ("words", word_steps, words)])
