"""Optuna, as far as a search needs it: one suggestion of a sampler, and the importance of the dimensions.

A study lives in memory for one call, and is made from the trials that are given; no storage of Optuna's is used. Optuna is loaded
at the first call. A dimension of the scale reverse_log goes to Optuna as 1 - value.
"""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from naiad.trainer.tuning.dimension import Dimension, Kind, Scale
from naiad.trainer.tuning.one_thread import one_thread
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Direction, Value

if TYPE_CHECKING:
    import optuna

LEAST_TRIALS_FOR_IMPORTANCE = 8
_TOP = 5
"""Trials among the best that PED-ANOVA compares with the rest, at least."""


def sample_with_optuna(
    space: Space,
    scored: Sequence[tuple[Mapping[str, Value], float]],
    running: Sequence[Mapping[str, Value]],
    strategy: str,
    direction: Direction,
    *,
    seed: int,
) -> dict[str, Value]:
    """Returns one suggestion. strategy: ``gp``, ``tpe`` or ``cma``. running: values of trials without a score yet."""
    import optuna  # noqa: PLC0415  # reason: it loads for half a second, and only a search needs it

    with _quiet():
        study = _make_study(space, scored, direction, _make_sampler(optuna, strategy, seed))
        for values in running:
            study.add_trial(_frozen_trial(optuna, space, values, None))
        trial = study.ask()
        suggested: dict[str, Value] = {}
        for dimension in space.dimensions:
            if dimension.when is None or dimension.when.is_met(suggested):
                suggested[dimension.name] = _decode(dimension, _ask(trial, dimension))
        return suggested


def compute_importance(
    space: Space, scored: Sequence[tuple[Mapping[str, Value], float]], direction: Direction
) -> dict[str, float]:
    """Returns the importance of each dimension, largest first, adding up to 1; empty with too few trials.

    PED-ANOVA: Watanabe et al., arXiv 2304.10255; with conditions: arXiv 2601.20800.
    """
    if len(scored) < LEAST_TRIALS_FOR_IMPORTANCE or len({score for _, score in scored}) < 2:
        return {}
    import optuna  # noqa: PLC0415  # reason: as above

    with _quiet():
        study = _make_study(space, scored, direction, optuna.samplers.RandomSampler(seed=0))
        quantile = min(0.5, max(0.1, _TOP / len(scored)))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
        importance = optuna.importance.get_param_importances(study, evaluator=evaluator)
    finite = {name: value if math.isfinite(value) else 0.0 for name, value in importance.items()}
    return dict(sorted(finite.items(), key=lambda item: -item[1]))


def _make_study(
    space: Space, scored: Sequence[tuple[Mapping[str, Value], float]], direction: Direction, sampler: Any
) -> "optuna.study.Study":
    import optuna  # noqa: PLC0415  # reason: as above

    study = optuna.create_study(direction=direction.value, sampler=sampler)
    for values, score in scored:
        study.add_trial(_frozen_trial(optuna, space, values, score))
    return study


def _make_sampler(optuna: Any, strategy: str, seed: int) -> Any:
    match strategy:
        case "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)
        case "tpe":
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=1, group=True)
        case "cma":
            return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)
    raise AssertionError(strategy)


def _frozen_trial(optuna: Any, space: Space, values: Mapping[str, Value], score: float | None) -> Any:
    known = [dimension for dimension in space.dimensions if dimension.name in values]
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.RUNNING if score is None else optuna.trial.TrialState.COMPLETE,
        params={dimension.name: _encode(dimension, values[dimension.name]) for dimension in known},
        distributions={dimension.name: _distribution(optuna, dimension) for dimension in known},
        value=score,
    )


def _distribution(optuna: Any, dimension: Dimension) -> Any:
    if dimension.kind is Kind.CATEGORICAL:
        return optuna.distributions.CategoricalDistribution(dimension.choices)
    low, high, is_log = _ends(dimension)
    if dimension.kind is Kind.INTEGER:
        return optuna.distributions.IntDistribution(int(low), int(high), log=is_log)
    return optuna.distributions.FloatDistribution(low, high, log=is_log)


def _ask(trial: "optuna.Trial", dimension: Dimension) -> Any:
    if dimension.kind is Kind.CATEGORICAL:
        return trial.suggest_categorical(dimension.name, dimension.choices)
    low, high, is_log = _ends(dimension)
    if dimension.kind is Kind.INTEGER:
        return trial.suggest_int(dimension.name, int(low), int(high), log=is_log)
    return trial.suggest_float(dimension.name, low, high, log=is_log)


def _ends(dimension: Dimension) -> tuple[float, float, bool]:
    """Returns low, high, and whether Optuna's scale between them is logarithmic."""
    if dimension.scale is Scale.REVERSE_LOG:
        return 1.0 - dimension.high, 1.0 - dimension.low, True
    return dimension.low, dimension.high, dimension.scale is Scale.LOG


def _encode(dimension: Dimension, value: Value) -> Any:
    if dimension.scale is not Scale.REVERSE_LOG:
        return value
    return min(1.0 - dimension.low, max(1.0 - dimension.high, 1.0 - float(value)))


def _decode(dimension: Dimension, value: Any) -> Value:
    if dimension.scale is Scale.REVERSE_LOG:
        value = min(dimension.high, max(dimension.low, 1.0 - value))
    return dimension.read_value(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Optuna on one thread, and its log lines and warnings from the user; puts its level back afterwards."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), one_thread():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
