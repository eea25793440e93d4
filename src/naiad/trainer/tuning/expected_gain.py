"""The expected gain of a search: by how much the next trials are likely to improve on the best so far.

A Gaussian process (scikit-learn's, Matérn 5/2 with noise) is fitted to the scores. The gain of one more trial is the largest
expected improvement in the space (Jones et al. 1998); of several, the mean over joint samples of the best of the most promising
points.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.trainer.tuning.dimension import Kind
from naiad.trainer.tuning.history import History
from naiad.trainer.tuning.one_thread import one_thread
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Direction, TrialState, Value

LEAST_TRIALS = 8
"""Trials with a score before which nothing is expected."""
CONVERGED_FRACTION = 0.01
"""A search has converged where one more trial is expected to gain less than this fraction of the scores' spread."""
_CANDIDATES, _JOINT, _SAMPLES = 512, 32, 256


@dataclass(frozen=True)
class Expectation:
    gain: float | None
    """The gain in units of the objective; None where too few trials have a score."""
    is_converged: bool


def expect(space: Space, history: History, *, trials: float = 1.0, seed: int = 0) -> Expectation:
    """Returns the expected gain of so many more trials; a fraction of one gains that fraction."""
    scored = history.scored(space)
    scores = np.array([score for _, score in scored])
    ended = sum(trial.state is not TrialState.RUNNING for trial in history.trials)
    if len(scored) < LEAST_TRIALS or ended < LEAST_TRIALS or not np.isfinite(scores).all():
        return Expectation(None, is_converged=False)
    spread = float(scores.std())
    if spread == 0.0:
        return Expectation(0.0, is_converged=True)
    with one_thread():
        return _expect(space, history.direction, [values for values, _ in scored], scores, trials=trials, seed=seed)


def _expect(
    space: Space,
    direction: Direction,
    values_N: Sequence[dict[str, Value]],
    scores: npt.NDArray[np.float64],
    *,
    trials: float,
    seed: int,
) -> Expectation:
    spread = float(scores.std())
    sign = 1.0 if direction is Direction.MAXIMIZE else -1.0
    standardised_N = sign * (scores - scores.mean()) / spread
    points_ND = np.array([_features(space, values) for values in values_N])
    process = _fit(points_ND, standardised_N, seed)
    best = float(process.predict(points_ND).max())  # of the model, as a single score may be luck
    generator = np.random.default_rng(seed)
    cube_CD = generator.random((_CANDIDATES, len(space.dimensions)))
    values_C = [space.at(list(map(float, row))) for row in cube_CD]
    candidates_CD = np.array([_features(space, values) for values in values_C if space.is_allowed(values)] or points_ND)
    one = _largest_improvement(process, candidates_CD, best)
    gain = one if trials <= 1 else _joint_gain(process, candidates_CD, best, round(trials), seed)
    return Expectation(max(0.0, gain * min(1.0, trials)) * spread, is_converged=one < CONVERGED_FRACTION)


def _features(space: Space, values: dict[str, Value]) -> list[float]:
    """Returns numbers in the unit interval, and an indicator a category; 0.5 and zeros where a condition is not met."""
    row: list[float] = []
    for dimension in space.dimensions:
        value = values.get(dimension.name)
        if dimension.kind is Kind.CATEGORICAL:
            row += [float(value == choice) for choice in dimension.choices]
        else:
            row.append(0.5 if value is None else dimension.fraction_of(value))
    return row


def _fit(points_ND: npt.NDArray[np.float64], scores_N: npt.NDArray[np.float64], seed: int) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels  # noqa: PLC0415  # reason: only a search needs it

    ones = np.ones(points_ND.shape[1])
    kernel = kernels.ConstantKernel(1.0, (1e-2, 1e2)) * kernels.Matern(ones, (5e-2, 2e1), nu=2.5)
    kernel = kernel + kernels.WhiteKernel(0.05, (1e-4, 1.0))
    process = GaussianProcessRegressor(kernel, n_restarts_optimizer=0, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a length at the end of its range is no trouble here
        return process.fit(points_ND, scores_N)


def _largest_improvement(process: Any, points: Sequence[Any] | npt.NDArray[np.float64], best: float) -> float:
    mean_C, deviation_C = _predict(process, points)
    z_C = (mean_C - best) / deviation_C
    density_C = np.exp(-0.5 * z_C**2) / math.sqrt(2 * math.pi)
    below_C = np.array([0.5 * (1 + math.erf(z / math.sqrt(2))) for z in z_C])
    return float(np.max((mean_C - best) * below_C + deviation_C * density_C))


def _joint_gain(process: Any, points_CD: npt.NDArray[np.float64], best: float, count: int, seed: int) -> float:
    """Returns the mean gain of the best of ``count`` points, taken from those of highest mean and deviation together."""
    mean_C, deviation_C = _predict(process, points_CD)
    chosen = np.argsort(-(mean_C + deviation_C))[: min(_JOINT, count)]
    samples_PS = process.sample_y(points_CD[chosen], n_samples=_SAMPLES, random_state=seed)
    return float(np.maximum(samples_PS.max(axis=0) - best, 0.0).mean())


def _predict(process: Any, points: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns mean and deviation of the objective itself, without the noise of a single score."""
    mean, deviation = process.predict(points, return_std=True)
    noise = process.kernel_.k2.noise_level
    return mean, np.sqrt(np.maximum(deviation**2 - noise, 1e-12))
