"""The record of one trial: its values, how far it came, and its scores."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from naiad.errors import OptionError, describe_value

Value = float | int | str
"""The value of a dimension: a number, or the name of a category."""


class TrialState(StrEnum):
    RUNNING = "running"
    """It is being trained, or waits to be gone on with after an interruption."""
    PAUSED = "paused"
    """It waits at a rung for its promotion; its checkpoint is kept."""
    COMPLETE = "complete"
    """It was trained for all of its epochs."""
    STOPPED = "stopped"
    """It was ended early, by a rule or for want of time."""
    FAILED = "failed"
    """It raised an error, diverged or ran out of memory; ``reason`` says which."""


class Direction(StrEnum):
    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def is_better(self, one: float, other: float) -> bool:
        return one > other if self is Direction.MAXIMIZE else one < other

    def best(self, scores: Iterable[float]) -> float:
        """Raises ValueError where there are none."""
        return max(scores) if self is Direction.MAXIMIZE else min(scores)

    def gain(self, score: float, over: float) -> float:
        """Returns by how much ``score`` is better than ``over``; negative where it is worse."""
        return score - over if self is Direction.MAXIMIZE else over - score


@dataclass(frozen=True)
class Trial:
    number: int
    values: Mapping[str, Value] = field(default_factory=dict)
    """Values by dimension; without those of dimensions whose condition is not met."""
    state: TrialState = TrialState.RUNNING
    objective: float | None = None
    """The score of a complete trial; the last score of another one, where there is one."""
    curve: tuple[tuple[int, float], ...] = ()
    """(epoch, score) after each epoch, epochs counted from 1."""
    reason: str = ""
    """Why it failed or was stopped; empty for the others."""
    seed: int | None = None
    """The seed of its run, where it is not the study's."""
    repeat_of: int | None = None
    """The trial whose values it has, for a repetition with another seed; None for the search's own trials."""
    seconds: float = 0.0
    """Wall time of its training so far."""
    ended_s: float | None = None
    """Seconds from the beginning of the search to its end or its last pause; None before."""
    paused_at: int = 0
    """The epoch of its last pause; 0 before the first."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Choices of its plan, for people."""

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self.curve[-1][0] if self.curve else 0

    @property
    def score(self) -> float | None:
        """The objective, else the score after the last epoch; None before the first."""
        if self.objective is not None:
            return self.objective
        return self.curve[-1][1] if self.curve else None

    def score_at(self, epoch: int) -> float | None:
        return next((score for at, score in self.curve if at == epoch), None)

    def with_epoch(self, epoch: int, score: float, seconds: float = 0.0) -> "Trial":
        """Adds an epoch. One that was trained before, and lost in a crash, takes the place of the lost one."""
        earlier = tuple(point for point in self.curve if point[0] < epoch)
        return replace(self, curve=(*earlier, (epoch, score)), seconds=self.seconds + seconds)

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "values": dict(self.values),
            "state": self.state.value,
            "objective": self.objective,
            "curve": [list(point) for point in self.curve],
            "reason": self.reason,
            "seed": self.seed,
            "repeat_of": self.repeat_of,
            "seconds": round(self.seconds, 3),
            "ended_s": None if self.ended_s is None else round(self.ended_s, 3),
            "paused_at": self.paused_at,
            "plan": dict(self.plan),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Trial":
        """Reads a trial; all but ``number`` and ``values`` may be left out. Raises OptionError."""
        try:
            return cls(
                number=int(stored["number"]),
                values=dict(stored["values"]),
                state=TrialState(stored.get("state", "running")),
                objective=_number(stored.get("objective")),
                curve=tuple(_read_curve(stored.get("curve") or ())),
                reason=str(stored.get("reason") or ""),
                seed=stored.get("seed"),
                repeat_of=stored.get("repeat_of"),
                seconds=float(stored.get("seconds") or 0.0),
                ended_s=_number(stored.get("ended_s")),
                paused_at=int(stored.get("paused_at") or 0),
                plan=dict(stored.get("plan") or {}),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise OptionError(f"{describe_value(stored)} is no trial: {error!r}") from error


def _number(value: Any) -> float | None:
    """Returns None for a score that is missing, or no number: a diverged trial has none."""
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _read_curve(points: Iterable[Any]) -> Iterator[tuple[int, float]]:
    for epoch, value in points:
        score = _number(value)
        if score is not None:
            yield int(epoch), score
