"""The plan: every choice that a run follows, with its reason, printable before anything runs.

The plan keeps what the user sets; ``autoscale`` chooses everything else. A plan does not change once a run has started: the run's
folder holds it, and a resumed run follows the same one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from naiad.errors import OptionError
from naiad.trainer.plan.choice import NON_NEGATIVE, Choice, Range, choices_of
from naiad.trainer.plan.old_names import rename_choices
from naiad.trainer.plan.reason import SET_BY_USER, Measurement, Reason
from naiad.trainer.plan.schedule_adjustments import ScheduleAdjustment

PLAN_FILE = "plan.json"
"""The file in which a run leaves its plan, schedule adjustments included, to be repeated."""
_ON_OFF = ("off", "on")


@dataclass(frozen=True)
class MicrobatchChange:
    """A smaller microbatch: from ``step`` on, a forward pass takes ``size`` samples, as more did not fit into memory."""

    step: int
    size: int

    def __str__(self) -> str:
        return f"{self.size} from step {self.step}"


class PlanRow(NamedTuple):
    """One choice as text, for printing and for the report."""

    name: str
    value: str
    reason: str
    measured: str


@dataclass(frozen=True)
class Plan:
    """The choices of a run. ``reasons`` has one entry a choice. A default is what plans mean that do not say it."""

    epochs: Annotated[int, Choice("Passes over the training split.")]
    total_steps: Annotated[
        int, Choice("Optimisation steps of the whole run, at which the schedule ends.", is_settable=False)
    ]
    time_limit_s: Annotated[
        float | None, Choice("Wall time in seconds after which training ends, wherever it is; none is no limit.")
    ]
    checkpoint_steps: Annotated[int, Choice("Steps between checkpoints, besides the one at the end of each epoch.")]
    batch_size: Annotated[int, Choice("Samples of one optimisation step.", is_measured=True)]
    microbatch_size: Annotated[
        int, Choice("Samples of one forward pass; where it is smaller than batch_size, gradients are accumulated.")
    ]
    optimizer: Annotated[
        str,
        Choice(
            "sgd with Nesterov momentum, adamw, or muon for hidden matrices with adamw for the rest.",
            names=("sgd", "adamw", "muon"),
            is_measured=True,
            follows_length=True,
        ),
    ]
    learning_rate: Annotated[float, Choice("Peak of the schedule.", is_measured=True, follows_length=True)]
    momentum: Annotated[float, Choice("Momentum of sgd and muon.", range=Range(most=0.9999), follows_length=True)]
    weight_decay: Annotated[float, Choice("Weight decay of matrices.", range=NON_NEGATIVE, follows_length=True)]
    schedule: Annotated[
        str,
        Choice(
            "Shape of the learning rate over the run.",
            names=("one-cycle", "cosine", "constant", "constant-decay"),
            follows_length=True,
        ),
    ]
    warmup_fraction: Annotated[
        float,
        Choice(
            "Fraction of all steps in which the rate climbs to its peak.", range=Range(most=0.9), follows_length=True
        ),
    ]
    clip_norm: Annotated[float | None, Choice("Largest norm of the gradient; none does not clip it.")]
    label_smoothing: Annotated[float, Choice("Label smoothing of a classifier's loss.", range=Range(most=0.9))]
    augment: Annotated[
        tuple[str, ...],
        Choice("Random changes of training images.", names=("flip", "shift", "crop"), is_measured=True),
    ]
    precision: Annotated[
        str, Choice("Number format of the step; bf16 is autocast.", names=("fp32", "bf16"), is_measured=True)
    ]
    memory_format: Annotated[
        str, Choice("Memory layout of images.", names=("contiguous", "channels_last"), is_measured=True)
    ]
    feed: Annotated[
        str, Choice("Whether samples are held in memory or streamed from disk.", names=("memory", "stream"))
    ]
    keep_weights: Annotated[
        str,
        Choice(
            "The weights that the model gets: the last, or those with the best score or lowest loss on the validation split.",
            names=("last", "best", "lowest-loss"),
        ),
    ]
    ema: Annotated[
        float | None,
        Choice(
            "Decay of an exponential moving average of the weights; none keeps no average.",
            range=Range(most=0.99999, is_open=True),
        ),
    ]
    clusters: Annotated[int | None, Choice("Clusters to find; none has their number chosen by silhouette.")]
    device: Annotated[str, Choice("torch's name of the device.")]
    threads: Annotated[int, Choice("Threads of torch.", is_measured=True)]
    seed: Annotated[int, Choice("Seed of all random numbers.", is_settable=False)]
    compile: Annotated[str, Choice("Whether the step runs through torch.compile.", names=_ON_OFF, is_measured=True)] = (
        "off"
    )
    schedule_adjustments: Annotated[
        tuple[ScheduleAdjustment, ...],
        Choice("Where a run with a time limit went faster or slower through its schedule.", is_settable=False),
    ] = ()
    calibrate: Annotated[
        str,
        Choice(
            "Whether the validation split corrects outputs: a classifier's by a temperature, a table's towards the trivial ones.",
            names=_ON_OFF,
        ),
    ] = "on"
    measure_fraction: Annotated[
        float,
        Choice(
            "Fraction of the run's time that measuring may take; 0 makes every choice by rule.", range=Range(most=0.5)
        ),
    ] = 0.05
    batchnorm_momentum: Annotated[
        float | None,
        Choice(
            "Least momentum of BatchNorm's running statistics; none leaves each layer its own.",
            range=Range(most=1.0, is_open=True),
            follows_length=True,
        ),
    ] = None
    class_balance: Annotated[
        float,
        Choice("Weight of rare classes: at 0 every sample counts alike, at 1 every class does.", range=Range(most=1.0)),
    ] = 0.0
    feed_workers: Annotated[int, Choice("Threads that decode the images of a stream.", is_measured=True)] = 8
    fused: Annotated[
        str, Choice("Whether the optimizer updates all weights in one kernel.", names=_ON_OFF, is_measured=True)
    ] = "on"
    normalisation: Annotated[
        str,
        Choice("Whether inputs are brought to mean 0 and deviation 1, by channel or column.", names=_ON_OFF),
    ] = "on"
    microbatch_history: Annotated[
        tuple[MicrobatchChange, ...],
        Choice("Where a run had too little memory for its microbatch.", is_settable=False),
    ] = ()
    muon_precision: Annotated[
        str,
        Choice("Number format that Muon orthogonalises its updates in.", names=("fp32", "bf16")),
    ] = "bf16"
    network_output: Annotated[
        str,
        Choice(
            "What a classifier's network gives for each class: logits, or probabilities, which are turned back into logits.",
            names=("logits", "softmax", "sigmoid", "softmax-in-eval", "sigmoid-in-eval"),
        ),
    ] = "logits"
    restarts: Annotated[
        tuple[int, ...],
        Choice("Epochs after which the schedule has ended and begins anew, so that a run may be judged there."),
    ] = ()
    reasons: tuple[tuple[str, Reason], ...] = ()

    def reason(self, name: str) -> Reason:
        """The reason of the choice's value; empty where the plan does not say."""
        return dict(self.reasons).get(name, Reason(""))

    def is_set_by_user(self, name: str) -> bool:
        return self.reason(name) == SET_BY_USER

    def with_choice(self, name: str, value: Any, reason: Reason) -> "Plan":
        """The plan with another value of one choice, and why."""
        return replace(self, **{name: value, "reasons": tuple({**dict(self.reasons), name: reason}.items())})

    def rows(self) -> list[PlanRow]:
        """One row a choice, in the order of the fields."""
        return [
            PlanRow(name, _format(getattr(self, name)), reason.text, reason.format_measurements())
            for name in CHOICES
            for reason in [self.reason(name)]
        ]

    def to_json(self) -> dict[str, Any]:
        values = {name: choice.to_plain(getattr(self, name)) for name, choice in CHOICES.items()}
        reasons = {
            name: {**vars(reason), "measurements": [dict(vars(one)) for one in reason.measurements]}
            for name, reason in self.reasons
        }
        return {**values, "reasons": reasons}

    def write(self, folder: Path) -> None:
        """Writes plan.json. Raises OSError."""
        (folder / PLAN_FILE).write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """The plan in a plan.json, or in the folder that holds one. Raises OptionError."""
        file = path
        try:
            file = path / PLAN_FILE if path.is_dir() else path
            return cls.from_json(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise OptionError(
                f"there is no plan at {file}", hint=f"name a {PLAN_FILE}, or the folder of a run"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OptionError(f"{file} is no plan: {error}", hint=f"name the {PLAN_FILE} that a run wrote") from error

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Plan":
        """The plan that this or an earlier version stored. Raises KeyError where a choice is missing."""
        plan = rename_choices(stored)
        values = {
            name: choice.from_plain(plan[name])
            for name, choice in CHOICES.items()
            if name in plan or not choice.has_default
        }
        return cls(**values, reasons=tuple((name, _read_reason(reason)) for name, reason in plan["reasons"].items()))


CHOICES: Mapping[str, Choice] = choices_of(Plan)
"""The choices of a plan by name, in the order of its fields."""


def _read_reason(stored: Mapping[str, Any]) -> Reason:
    measurements = tuple(Measurement(**one) for one in stored.get("measurements", ()))
    return Reason(stored["text"], stored.get("measured"), measurements)


def _format(value: object) -> str:
    match value:
        case None:
            return "off"
        case float():
            return f"{value:g}"
        case (ScheduleAdjustment(), *_):
            return f"{len(value)} adjustments"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
