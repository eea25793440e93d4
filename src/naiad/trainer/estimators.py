"""Naiad as scikit-learn estimators: for pipelines, searches and cross-validation.

Knows scikit-learn's contract and ``fit``. Both estimators pass all of scikit-learn's ``check_estimator``.
Shape legend: N samples, F features, K classes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn

from naiad.errors import InputError
from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress, make_progress
from naiad.trainer.model.model import Model


class _Estimator(BaseEstimator):  # type: ignore[misc]  # reason: scikit-learn is untyped
    model_: Model

    def __init__(
        self,
        net: nn.Module | type[nn.Module] | str | None = None,
        *,
        epochs: int | None = None,
        time_limit_s: float | None = None,
        plan: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ) -> None:
        self.net = net
        self.epochs = epochs
        self.time_limit_s = time_limit_s
        self.plan = plan
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # a missing number becomes the training mean
        tags.input_tags.three_d_array = True  # images
        return tags

    def _train(self, X: npt.NDArray[Any], y: npt.NDArray[Any], task: str) -> None:
        with _input_errors_as_value_errors():
            self.model_ = fit(
                deepcopy(self.net),
                (X, y),
                epochs=self.epochs,
                time_limit_s=self.time_limit_s,
                plan=self.plan,
                seed=self._seed(),
                task=task,
                report=False,
                progress=make_progress() if self.verbose else SilentProgress(),
            )

    def _seed(self) -> int:
        """Returns ``random_state`` where it is a number; else draws a seed from it, as scikit-learn does."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _validate_input(self, X: Any) -> npt.NDArray[Any]:
        check_is_fitted(self, "model_")
        inputs: npt.NDArray[Any] = validate_data(self, X, reset=False, **_INPUT_CHECKS)
        return inputs

    def _predict_scores(self, X: Any) -> npt.NDArray[np.float32 | np.float64]:
        inputs = self._validate_input(X)
        with _input_errors_as_value_errors():
            return self.model_.predict(inputs).scores


_INPUT_CHECKS: dict[str, Any] = {"allow_nd": True, "ensure_all_finite": "allow-nan", "dtype": "numeric"}


class NaiadClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]  # reason: scikit-learn is untyped
    """Trains a network to tell classes apart. The arguments are those of ``naiad.fit``; ``random_state`` is its seed.

    Attributes after ``fit``: ``model_`` (a naiad.Model), ``classes_`` (K,), ``n_features_in_``.
    """

    classes_: npt.NDArray[Any]

    def fit(self, X: Any, y: Any) -> Self:
        """X: (N, F) numbers, or images (N, H, W), (N, H, W, C), (N, C, H, W). y: (N,). Raises ValueError, TrainingError."""
        X, y = validate_data(self, X, y, ensure_min_samples=2, **_INPUT_CHECKS)
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"NaiadClassifier needs samples of at least two classes, given one class: {self.classes_[0]!r}"
            )
        self._train(X, indices, "classification")
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32 | np.float64]:
        """Returns (N, K) probabilities, in the order of ``classes_``."""
        return self._predict_scores(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Returns (N,) values of ``classes_``."""
        indices = self._predict_scores(X).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[indices]
        return labels


class NaiadRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]  # reason: scikit-learn is untyped
    """Trains a network to predict a number. The arguments are those of ``naiad.fit``; ``random_state`` is its seed.

    Attributes after ``fit``: ``model_`` (a naiad.Model), ``n_features_in_``.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """X: as for NaiadClassifier. y: (N,) numbers. Raises ValueError, TrainingError."""
        X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2, **_INPUT_CHECKS)
        self._train(X, y, "regression")
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float32 | np.float64]:
        """Returns (N,) values in the units of y."""
        return self._predict_scores(X)[:, 0]


@contextmanager
def _input_errors_as_value_errors() -> Iterator[None]:
    """Raises ValueError for InputError: callers of scikit-learn expect it where the input cannot be used."""
    try:
        yield
    except InputError as error:
        message = str(error) if error.hint is None else f"{error}; {error.hint}"
        raise ValueError(message) from error
