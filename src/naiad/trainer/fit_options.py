"""The options of ``fit``, each described once: for Python, a pre-flight, the command line, the client and a job's program.

Loads no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naiad.errors import OptionError, describe_value

if TYPE_CHECKING:
    from naiad.trainer.plan.plan import Plan

_LARGEST_SEED = 2**32 - 1
"""scikit-learn takes no larger one."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Raises OptionError for a seed that cannot be used; ``fit`` checks the rest against the data and the network.

    ``help`` of a field is the sentence that the command line shows.
    """

    validation: Any = field(default=None, metadata={"help": "Validation data; split off if left out."})
    epochs: int | None = field(default=None, metadata={"help": "Passes over the training split; chosen if left out."})
    time_limit_s: float | None = field(default=None, metadata={"help": "Wall time from start to end."})
    plan: "Mapping[str, Any] | Plan | str | Path | None" = field(
        default=None, metadata={"help": "Choices to keep, by name, or the plan (or its file) to follow as it stands."}
    )
    seed: int | None = field(default=None, metadata={"help": "The same seed gives the same run; 0 if left out."})
    out: str | Path | None = field(
        default=None, metadata={"help": "The run's folder; everything stays in memory if left out."}
    )
    resume: bool = field(default=False, metadata={"help": "Continue the run in --out."})
    task: str | None = field(
        default=None, metadata={"help": "classification, regression or clustering; found from the data if left out."}
    )
    label: str | int | None = field(default=None, metadata={"help": "The target's column, for tables."})
    types: Mapping[str, str] | None = field(
        default=None,
        metadata={
            "help": "What a table's column holds: number, category, text, date, image, ignore; found if left out."
        },
    )
    image_size: int | tuple[int, int] | None = field(
        default=None, metadata={"help": "Side, or height and width, in pixels."}
    )
    as_: str | None = field(
        default=None,
        metadata={"help": "image, sequence or tokens: what arrays hold; found from the network if left out."},
    )
    report: bool = field(default=True, metadata={"help": "Write report.html and its pictures."})

    def __post_init__(self) -> None:
        for name in ("resume", "report"):
            if type(getattr(self, name)).__name__ not in ("bool", "bool_"):  # NumPy's count too
                raise OptionError(f"{name} is True or False, given {describe_value(getattr(self, name))}")
        if self.seed is not None:
            check_seed(self.seed)


def check_seed(seed: object) -> int:
    """Returns the seed. Raises OptionError for what is none."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) <= _LARGEST_SEED:
        raise OptionError(f"seed must be a whole number from 0 to {_LARGEST_SEED}, given {describe_value(seed)}")
    return int(seed)


def flag_of(name: str) -> str:
    """Returns the option of the command line that gives the field: ``--time-limit`` for ``time_limit_s``."""
    return _FLAGS.get(name, f"--{name.strip('_').replace('_', '-')}")


_FLAGS = {"time_limit_s": "--time-limit", "types": "--type"}
"""Options of the command line whose names are not those of the fields."""


def help_of(name: str) -> str:
    """Returns the sentence that describes the field."""
    return str({option.name: option.metadata["help"] for option in fields(FitOptions)}[name])
