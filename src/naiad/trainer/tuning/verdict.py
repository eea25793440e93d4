"""The verdict of a search: whether its best trial beats trial 0 by more than the noise over seeds. If not, trial 0 is the result.

The best of many noisy scores is too good. So the best trial and trial 0 are trained again with fresh seeds, and the means are
compared by Welch's one-sided t-test; the score by which the trial was chosen is not among them.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from naiad.trainer.tuning.trial import Direction

CONFIDENCE = 0.95
REPEATS = 2
"""Repetitions of the best trial and of trial 0 with fresh seeds."""
_LEAST_DEVIATION = 1e-12


@dataclass(frozen=True)
class Verdict:
    is_better: bool
    """Whether the best trial is the result."""
    gain: float | None
    """By how much its mean over fresh seeds is better than trial 0's; None where there was no time, or no trial to compare."""
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


def judge_by_split(base: float, best: float, *, samples: int, is_fraction: bool, direction: Direction) -> Verdict:
    """The verdict where there is no time for other seeds: by the standard error of a fraction of the validation samples.

    is_fraction: whether the scores are fractions of the samples, as an accuracy is. Other scores are not compared at all.
    """
    gain = direction.gain(best, base)
    if not is_fraction:
        text = "there was no time to measure the noise over seeds, so trial 0 is the result"
        return Verdict(is_better=False, gain=gain, noise=None, text=text)
    noise = 1.645 * math.sqrt(2 * base * (1 - base) / max(1, samples))
    text = f"{gain:+.4g}, where {samples:,} validation samples leave {noise:.4g} to chance; no time for other seeds"
    return Verdict(
        is_better=gain > noise,
        gain=gain,
        noise=noise,
        text=f"{'better' if gain > noise else 'not better'} than trial 0: {text}",
    )


def _student(error: float, parts: Sequence[float], counts: Sequence[int]) -> float:
    """Returns the error times Student's quantile, with Welch's degrees of freedom."""
    if error < _LEAST_DEVIATION:
        return 0.0
    from scipy.stats import t  # noqa: PLC0415  # reason: SciPy's statistics load for half a second

    terms = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    freedom = sum(parts) ** 2 / max(terms, _LEAST_DEVIATION**2)
    return error * float(t.ppf(CONFIDENCE, freedom))
