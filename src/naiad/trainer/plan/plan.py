"""The plan: every choice that a run follows, with its reason, printable before anything runs.

What the user sets is kept; what is left out is chosen by ``choices.py``. A plan never changes once a run has started:
a checkpoint carries it, and a resumed run follows the same one.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from naiad.errors import OptionError
from naiad.trainer.plan.schedule_adjustments import Turn

FILE = "plan.json"
"""Where a run leaves its plan, turns of its pace included, to be replayed."""


@dataclass(frozen=True)
class Trial:
    """One value that was tried for a choice, and what it measured, with units."""

    value: str
    measured: str


@dataclass(frozen=True)
class Reason:
    """Why a choice has its value."""

    text: str
    measured: str | None = None
    """What was measured for it, with units; None for a rule."""
    tried: tuple[Trial, ...] = ()
    """Every value that was tried, in order, the one that was taken among them."""

    def shown(self) -> str:
        """What was measured, in one line."""
        parts = [f"{trial.value}: {trial.measured}" for trial in self.tried]
        return "; ".join(([self.measured] if self.measured else []) + parts)


BY_USER = Reason("set by the user")


@dataclass(frozen=True)
class Halving:
    """From ``step`` on, a forward pass takes ``size`` samples: more did not fit in memory."""

    step: int
    size: int

    def __str__(self) -> str:
        return f"{self.size} from step {self.step}"


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
    """``sgd`` (Nesterov momentum), ``adamw``, or ``muon`` for hidden matrices with ``adamw`` for the rest."""
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
    """Which weights the model gets: ``last``, or ``best`` on the validation split, of equals the one with the lower loss."""
    average: float | None
    """Decay of an exponential moving average of the weights; None is no average."""
    clusters: int | None
    """Clusters to find; None has the number chosen by silhouette. Other tasks do not use it."""
    device: str
    threads: int
    seed: int
    compile: str = "off"
    """``on``: the step runs through torch.compile."""
    pace: tuple[Turn, ...] = ()
    """Where a run with a time limit walked its schedule faster or slower; followed when the plan is replayed."""
    calibrate: str = "on"
    """``on``: a classifier's probabilities are scaled by one temperature, found on the validation split."""
    probe_part: float = 0.05
    """Part of the run's time that measuring may take; 0 measures nothing, and every choice is made by rule."""
    forecast: float | None = None
    """The score that the run is expected to reach on its validation split, as ``autoscale/forecast.py`` has it; None where
    nothing was measured.
    """
    batchnorm_momentum: float | None = None
    """Least that a batch counts in BatchNorm's running statistics during training; None is what each layer says."""
    class_balance: float = 0.0
    """How much more the samples of rare classes count: 0 has every sample count alike, 1 every class."""
    feed_workers: int = 8
    """Threads that decode the images of a stream; plans that do not say had 8."""
    fused: str = "on"
    """``on``: the optimizer updates all weights in one kernel."""
    normalisation: str = "on"
    """``on``: inputs have mean 0 and deviation 1 by channel or column; ``off``: arrays are as they come, pixels 0…1."""
    halvings: tuple[Halving, ...] = ()
    """Where a run had too little memory for its microbatch; followed when the plan is replayed."""
    reasons: tuple[tuple[str, Reason], ...] = ()

    def taking(self, name: str, value: Any, reason: Reason) -> "Plan":
        """With another value of one choice, and why."""
        return replace(self, **{name: value, "reasons": tuple({**dict(self.reasons), name: reason}.items())})

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(choice, value, reason, measured), in the order of the fields; for printing and for the report."""
        why = dict(self.reasons)
        blank = Reason("")
        return [
            (name, _shown(getattr(self, name)), why.get(name, blank).text, why.get(name, blank).shown())
            for name in choice_names()
        ]

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in choice_names()}
        values["pace"] = [asdict(turn) for turn in self.pace]
        values["halvings"] = [asdict(halving) for halving in self.halvings]
        values["reasons"] = {name: asdict(why) for name, why in self.reasons}
        return values

    def write(self, folder: Path) -> None:
        """Into plan.json. Raises OSError."""
        (folder / FILE).write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Of a plan.json, or of the folder that holds one. Raises OptionError."""
        file = path / FILE if path.is_dir() else path
        try:
            return cls.from_json(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise OptionError(
                f"there is no plan at {file}", hint=f"name a {FILE}, or a folder that a run left"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OptionError(f"{file} is no plan: {error}", hint=f"name the {FILE} that a run wrote") from error

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Plan":
        """What an older version did not write has its default. Raises KeyError where a choice is missing."""
        chosen = {name: values[name] for name in choice_names() if name in values or name not in _LATER}
        chosen["augment"] = tuple(chosen["augment"])
        chosen["pace"] = tuple(Turn(**turn) for turn in chosen.get("pace", ()))
        chosen["halvings"] = tuple(Halving(**halving) for halving in chosen.get("halvings", ()))
        reasons = tuple((name, _reason(why)) for name, why in values.get("reasons", {}).items())
        return cls(**chosen, reasons=reasons)


_LATER = {
    "compile",
    "pace",
    "halvings",
    "calibrate",
    "probe_part",
    "forecast",
    "batchnorm_momentum",
    "class_balance",
    "feed_workers",
    "fused",
    "normalisation",
}
"""Choices that plans of the first format do not have."""


def choice_names() -> tuple[str, ...]:
    """The names that ``plan={...}`` may set."""
    return tuple(field.name for field in fields(Plan) if field.name != "reasons")


def _reason(values: dict[str, Any]) -> Reason:
    tried = tuple(Trial(**trial) for trial in values.get("tried", ()))
    return Reason(values["text"], values.get("measured"), tried)


def _shown(value: object) -> str:
    match value:
        case None:
            return "off"
        case float():
            return f"{value:g}"
        case str():
            return value
        case (Turn(), *_):
            return f"{len(value)} turns"
        case Iterable():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
