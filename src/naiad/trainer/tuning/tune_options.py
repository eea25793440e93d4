"""The options of ``tune`` besides those of ``fit``, each described once: for Python and for the command line. Loads no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

from naiad.errors import OptionError, describe_value
from naiad.trainer.fit_options import FitOptions

DEFAULT_TRIALS = 30
"""Trials where neither their number nor a time limit is given."""


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """Raises OptionError for a number that cannot be used; ``tune`` checks the rest against the data and the network.

    ``help`` of a field is the sentence that the command line shows.
    """

    fit: FitOptions = field(default_factory=FitOptions)
    """Options of the trials' runs; ``out`` and ``resume`` are those of the search, ``time_limit_s`` is its whole time."""
    space: Mapping[str, Any] | None = field(
        default=None, metadata={"help": "What is searched: NAME=RANGE or NAME=VALUES; may be repeated."}
    )
    constraints: Sequence[str] = field(
        default=(), metadata={"help": "A comparison that values must meet: 'width * depth <= 1024'; may be repeated."}
    )
    trials: int | None = field(
        default=None, metadata={"help": f"Trials; {DEFAULT_TRIALS} if neither they nor a time limit are given."}
    )
    metric: str | None = field(
        default=None, metadata={"help": "Validation metric to compare by; accuracy, r2 or loss if left out."}
    )
    parallel: int | None = field(
        default=None, metadata={"help": "Trials at once; as many as cores and memory bear if left out."}
    )
    search: str | None = field(
        default=None, metadata={"help": "gp, tpe, random, grid, cma or qmc; chosen if left out."}
    )
    halving: bool = field(default=True, metadata={"help": "Pause trials at rungs, and go on with the best."})
    until_gain: float | None = field(
        default=None, metadata={"help": "End when another minute is expected to gain less."}
    )
    memory: bool = field(default=True, metadata={"help": "Begin with what earlier searches have found, and remember."})

    def __post_init__(self) -> None:
        for name in ("trials", "parallel"):
            _check_count(name, getattr(self, name))
        for name in ("halving", "memory"):
            if not isinstance(getattr(self, name), bool):
                raise OptionError(f"{name} is True or False, given {describe_value(getattr(self, name))}")
        gain = self.until_gain
        if gain is not None and (isinstance(gain, bool) or not isinstance(gain, Real) or not gain > 0):
            raise OptionError(f"until_gain must be more than 0, given {describe_value(gain)}", hint="try 0.001")
        if isinstance(self.constraints, str):
            raise OptionError("constraints is a list of texts", hint=f"write [{self.constraints!r}]")
        for constraint in self.constraints:
            if not isinstance(constraint, str):
                raise OptionError(
                    f"a constraint is a text, given {describe_value(constraint)}", hint="try 'width <= 64'"
                )
        if self.space is not None and not isinstance(self.space, Mapping):
            raise OptionError(
                f"space takes dimensions by name, given {describe_value(self.space)}", hint="try {'lr': 'log:1e-4:1'}"
            )


def _check_count(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1):
        raise OptionError(f"{name} must be a whole number of at least 1, given {describe_value(value)}")


def tune_help_of(name: str) -> str:
    """Returns the sentence that describes the field."""
    return str({option.name: option.metadata.get("help", "") for option in fields(TuneOptions)}[name])
