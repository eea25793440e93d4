"""The plan: every choice that a run follows, with its reason, printable before anything runs.

What the user sets is kept; what is left out is chosen by ``choices.py``. A plan never changes once a run has started:
a checkpoint carries it, and a resumed run follows the same one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Reason:
    """Why a choice has its value."""

    text: str
    measured: str | None = None
    """What was measured for it, with units; None for a rule."""


@dataclass(frozen=True)
class Plan:
    """The resolved choices of a run. ``reasons`` has one entry a field."""

    epochs: int
    total_steps: int
    """Optimisation steps of the whole run; the schedule ends here."""
    time_limit_s: float | None
    """Wall time after which the loop ends wherever it is; None is no limit."""
    checkpoint_steps: int
    """Steps between checkpoints, besides the one at each epoch's end."""
    batch_size: int
    microbatch_size: int
    """Samples a forward pass; smaller than ``batch_size`` when gradients are accumulated."""
    optimizer: str
    """``sgd`` (Nesterov momentum) or ``adamw``, fused where torch has it."""
    learning_rate: float
    """Peak of the schedule."""
    momentum: float
    weight_decay: float
    schedule: str
    """``one-cycle``, ``cosine`` or ``constant``."""
    warmup_fraction: float
    """Part of all steps in which the learning rate climbs to its peak."""
    clip_norm: float | None
    """Largest gradient norm; None is no clipping."""
    label_smoothing: float
    augment: tuple[str, ...]
    """Of ``flip``, ``shift``, ``crop``; empty is none."""
    precision: str
    """``fp32`` or ``bf16`` (autocast)."""
    memory_format: str
    """``contiguous`` or ``channels_last``."""
    feed: str
    """``memory`` or ``stream``."""
    keep: str
    """Which weights the model gets: ``last``, or ``best`` on the validation split, of equals the latest."""
    average: float | None
    """Decay of an exponential moving average of the weights; None is no average."""
    clusters: int | None
    """Clusters to find; None has the number chosen by silhouette. Other tasks do not use it."""
    device: str
    threads: int
    seed: int
    reasons: tuple[tuple[str, Reason], ...] = ()

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(choice, value, reason, measured), in the order of the fields; for printing and for the report."""
        why = dict(self.reasons)
        blank = Reason("")
        return [
            (name, _shown(getattr(self, name)), why.get(name, blank).text, why.get(name, blank).measured or "")
            for name in choice_names()
        ]

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in choice_names()}
        values["reasons"] = {name: {"text": why.text, "measured": why.measured} for name, why in self.reasons}
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Plan":
        chosen = {name: values[name] for name in choice_names()}
        chosen["augment"] = tuple(chosen["augment"])
        reasons = tuple((name, Reason(**why)) for name, why in values.get("reasons", {}).items())
        return cls(**chosen, reasons=reasons)


def choice_names() -> tuple[str, ...]:
    """The names that ``plan={...}`` may set."""
    return tuple(field.name for field in fields(Plan) if field.name != "reasons")


def _shown(value: object) -> str:
    match value:
        case None:
            return "off"
        case float():
            return f"{value:g}"
        case str():
            return value
        case Iterable():
            return ", ".join(value) or "none"
        case _:
            return str(value)
