"""Suggests the values of the next trials from what is known, by name of a strategy. The samplers are Optuna's and SciPy's.

Nothing is kept between calls: a suggestion is a function of the history, the seed and the trial's number. So a search that was
killed goes on as it would have gone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from naiad.errors import OptionError, did_you_mean
from naiad.trainer.tuning.history import History
from naiad.trainer.tuning.optuna_study import sample_with_optuna
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Value

FEW_TRIALS = 500
"""Trials up to which the Gaussian process is the default; Optuna's documentation recommends it up to there."""
_LARGEST_FINITE = 20_000
"""Combinations up to which a space of categories and whole numbers is searched without repetition."""
_ATTEMPTS, _RANDOM_ATTEMPTS = 4, 2_000
"""Suggestions of a model, and of random numbers, that may violate a constraint before the next way is taken."""
_MOST_START, _LEAST_START = 10, 4
"""Trials that a sequence of low discrepancy suggests before a model does."""
_KEPT_FRACTION = 0.5
"""Probability that such a trial keeps a value of the anchor."""
_NO_ANCHOR: Mapping[str, Value] = MappingProxyType({})


class Strategy(StrEnum):
    GP = "gp"
    """Gaussian process with expected improvement: Optuna's GPSampler."""
    TPE = "tpe"
    """Tree-structured Parzen estimator: Optuna's TPESampler."""
    CMA = "cma"
    """CMA-ES: Optuna's CmaEsSampler, with the package cmaes."""
    RANDOM = "random"
    GRID = "grid"
    QMC = "qmc"
    """Scrambled Sobol sequence of SciPy."""


_ALIASES = {"bayesian": Strategy.GP, "hyperband": Strategy.GP, "sobol": Strategy.QMC, "cma-es": Strategy.CMA}
"""Names of AWS and of other tools. Hyperband is halving, which is decided elsewhere, with suggestions of the Gaussian process."""


@dataclass(frozen=True)
class Suggestion:
    values: tuple[dict[str, Value], ...]
    """Values of as many trials as were wanted, or of fewer where the space is exhausted."""
    is_exhausted: bool = False


def read_strategy(name: str) -> Strategy:
    """Raises OptionError for an unknown name."""
    known = {**{strategy.value: strategy for strategy in Strategy}, **_ALIASES}
    if not isinstance(name, str) or name.lower() not in known:
        raise OptionError(f"the search {name!r} is not known", hint=did_you_mean(str(name), known))
    return known[name.lower()]


def suggest(
    space: Space,
    history: History,
    *,
    strategy: Strategy,
    seed: int,
    count: int,
    start_number: int,
    anchor: Mapping[str, Value] = _NO_ANCHOR,
) -> Suggestion:
    """Suggests ``count`` trials, numbered from ``start_number`` on; none has the values of an earlier one.

    Raises OptionError where no values meet the constraints.

    anchor: values that are known to be good. The trials before a model suggests have about half of them.
    """
    chosen: list[dict[str, Value]] = []
    for number in range(start_number, start_number + count):
        values = _suggest_one(_Draw(space, strategy, seed, number, anchor), history)
        if values is None:
            return Suggestion(tuple(chosen), is_exhausted=True)
        chosen.append(values)
        history = history.with_running(number, values)
    return Suggestion(tuple(chosen))


@dataclass(frozen=True)
class _Draw:
    """One suggestion that is wanted."""

    space: Space
    strategy: Strategy
    seed: int
    number: int
    anchor: Mapping[str, Value]


def _suggest_one(draw: _Draw, history: History) -> dict[str, Value] | None:
    """Returns None where every combination has been tried."""
    space = draw.space
    tried = {_key(trial.values) for trial in history.trials}
    if draw.strategy is Strategy.GRID:
        return next((values for values in _shuffled_grid(space, draw.seed) if _key(values) not in tried), None)
    is_allowed = False
    for values in _candidates(draw, history):
        is_allowed = is_allowed or space.is_allowed(values)
        if space.is_allowed(values) and _key(values) not in tried:
            return values
    if space.size <= _LARGEST_FINITE:
        return _untried(space, tried, draw.seed, draw.number)
    if not is_allowed:
        raise _no_combination(space)
    return None


def check_constraints(space: Space) -> None:
    """Raises OptionError where no values meet the constraints, and where one of them cannot be computed."""
    if not space.constraints:
        return
    if space.size <= _LARGEST_FINITE:
        is_met = next(space.combinations(), None) is not None
    else:
        generator = np.random.default_rng(0)
        is_met = any(space.is_allowed(_random_point(space, generator)) for _ in range(_RANDOM_ATTEMPTS))
    if not is_met:
        raise _no_combination(space)


def _no_combination(space: Space) -> OptionError:
    texts = ", ".join(repr(constraint.text) for constraint in space.constraints)
    tried = "no combination" if space.size <= _LARGEST_FINITE else f"none of {_RANDOM_ATTEMPTS:,} random combinations"
    return OptionError(f"{tried} meets the constraints {texts}", hint="loosen them, or widen the space")


def _random_point(space: Space, generator: np.random.Generator) -> dict[str, Value]:
    return space.at([float(fraction) for fraction in generator.random(len(space.dimensions))])


def _candidates(draw: _Draw, history: History) -> Iterator[dict[str, Value]]:
    """Yields the strategy's suggestions, then random ones."""
    space, seed, number = draw.space, draw.seed, draw.number
    if draw.strategy in (Strategy.GP, Strategy.TPE, Strategy.CMA):
        scored = history.scored(space)
        if len(scored) >= _start_trials(space):
            running = [values for trial in history.running if (values := space.read_values(trial.values)) is not None]
            for attempt in range(_ATTEMPTS):
                sampler_seed = _derived_seed(seed, number, attempt)
                yield sample_with_optuna(
                    space, scored, running, draw.strategy.value, history.direction, seed=sampler_seed
                )
        else:
            yield _near_anchor(draw, _sobol_point(space, seed, number))
    elif draw.strategy is Strategy.QMC:
        yield space.at(_sobol_point(space, seed, number))
    generator = np.random.default_rng([seed, number])
    for _ in range(_RANDOM_ATTEMPTS):
        yield _random_point(space, generator)


def _near_anchor(draw: _Draw, point: Sequence[float]) -> dict[str, Value]:
    """Returns the values at the point, with about half of the anchor's in their place."""
    is_kept = np.random.default_rng([draw.seed, draw.number, 2]).random(len(point)) < _KEPT_FRACTION
    values: dict[str, Value] = {}
    for dimension, fraction, kept in zip(draw.space.dimensions, point, is_kept, strict=True):
        if dimension.when is None or dimension.when.is_met(values):
            known = draw.anchor.get(dimension.name) if kept else None
            values[dimension.name] = dimension.value_at(fraction) if known is None else known
    return values


def _start_trials(space: Space) -> int:
    return max(_LEAST_START, min(_MOST_START, 2 * len(space.dimensions)))


def _sobol_point(space: Space, seed: int, number: int) -> list[float]:
    """Point ``number`` of a scrambled Sobol sequence (Owen 1998), which SciPy has for up to 21,201 dimensions."""
    from scipy.stats import qmc  # noqa: PLC0415  # reason: SciPy's statistics load for half a second

    sequence = qmc.Sobol(len(space.dimensions), scramble=True, rng=np.random.default_rng(seed))
    if number:
        sequence.fast_forward(number)
    return [float(fraction) for fraction in sequence.random(1)[0]]


def _shuffled_grid(space: Space, seed: int) -> Sequence[dict[str, Value]]:
    size = math.prod(len(dimension.grid()) for dimension in space.dimensions)
    if size > 10 * _LARGEST_FINITE:
        raise OptionError(f"a grid of {size:,} combinations is too large", hint="give fewer values, or another search")
    grid = list(space.grid())
    return [grid[index] for index in np.random.default_rng(seed).permutation(len(grid))]


def _untried(space: Space, tried: set[tuple[tuple[str, str], ...]], seed: int, number: int) -> dict[str, Value] | None:
    """Returns a random one of the combinations of a finite space that are left."""
    left = [values for values in space.combinations() if _key(values) not in tried]
    return left[int(np.random.default_rng([seed, number, 1]).integers(len(left)))] if left else None


def _key(values: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in values.items()))


def _derived_seed(seed: int, number: int, attempt: int) -> int:
    return int(np.random.SeedSequence([seed, number, attempt]).generate_state(1)[0])
