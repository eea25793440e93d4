"""The verdict of a search: whether its best trial beats trial 0 by more than the noise over seeds. If not, trial 0 is the result.

The best of many noisy scores is too good. So the best trial and trial 0 are trained again with fresh seeds, and the means are
compared by Welch's one-sided t-test; the score by which the trial was chosen is not among them.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from naiad.trainer.tuning.trial import Direction, Trial

CONFIDENCE = 0.95
REPEATS = 2
"""Repetitions of the best trial and of trial 0 with fresh seeds."""
_LEAST_DEVIATION = 1e-12
_ONE_SIDED = 1.645
"""Standard errors that chance exceeds in one case of twenty."""
_LEAST_POINTS = 4
"""Epochs from which the noise of a curve is computed."""


@dataclass(frozen=True)
class Verdict:
    is_better: bool
    """Whether the best trial is the result."""
    gain: float | None
    """Difference of its mean over fresh seeds and trial 0's; None where there was no time, or no trial to compare."""
    noise: float | None
    """The gain that chance alone might give."""
    text: str


def judge(base: Sequence[float], fresh: Sequence[float], direction: Direction) -> Verdict:
    """Compares scores of trial 0 with those of the best trial, each over several seeds. Needs two of each."""
    gain = direction.gain(statistics.fmean(fresh), statistics.fmean(base))
    parts = [statistics.variance(scores) / len(scores) for scores in (base, fresh)]
    error = math.sqrt(sum(parts))
    noise = _student(error, parts, (len(base), len(fresh)))
    is_better = gain > max(noise, _LEAST_DEVIATION)
    comparison = f"{gain:+.4g} over {len(fresh)} fresh seeds, where chance alone may give {noise:.4g}"
    if is_better:
        return Verdict(is_better=True, gain=gain, noise=noise, text=f"better than trial 0: {comparison}")
    return Verdict(
        is_better=False, gain=gain, noise=noise, text=f"not better than trial 0 beyond its noise: {comparison}"
    )


def judge_without_seeds(base: Trial, best: Trial, direction: Direction, *, samples: int | None) -> Verdict:
    """The verdict where there was no time for other seeds. Both trials are complete.

    samples: of the validation split, where the scores are fractions of them, as an accuracy is: then their standard error is the
    noise. Else it is what trial 0's score still moved by from epoch to epoch in the last third of its run.
    """
    assert base.objective is not None
    assert best.objective is not None
    gain = direction.gain(best.objective, base.objective)
    if samples is not None:
        noise: float | None = _ONE_SIDED * math.sqrt(2 * base.objective * (1 - base.objective) / max(1, samples))
        source = f"{samples:,} validation samples"
    else:
        noise, source = _noise_of_curve(base), "the last epochs of trial 0"
    if noise is None:
        text = f"{gain:+.4g}, but there was no time to measure the noise over seeds, so trial 0 is the result"
        return Verdict(is_better=False, gain=gain, noise=None, text=text)
    word = "better" if gain > noise else "not better"
    text = f"{word} than trial 0: {gain:+.4g}, where {source} leave {noise:.4g} to chance; no time for other seeds"
    return Verdict(is_better=gain > noise, gain=gain, noise=noise, text=text)


def _noise_of_curve(trial: Trial) -> float | None:
    """Returns None for a curve that is too short."""
    last = [score for _, score in trial.curve[-max(_LEAST_POINTS, len(trial.curve) // 3) :]]
    if len(last) < _LEAST_POINTS:
        return None
    return _ONE_SIDED * statistics.stdev(after - before for before, after in pairwise(last))


def _student(error: float, parts: Sequence[float], counts: Sequence[int]) -> float:
    """Returns the error times Student's quantile, with Welch's degrees of freedom."""
    if error < _LEAST_DEVIATION:
        return 0.0
    from scipy.stats import t  # noqa: PLC0415  # reason: SciPy's statistics load for half a second

    terms = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    freedom = sum(parts) ** 2 / max(terms, _LEAST_DEVIATION**2)
    return error * float(t.ppf(CONFIDENCE, freedom))
