"""The options of ``fit`` as a training job's hyperparameters: the client writes them, the job's program reads them.

SageMaker's hyperparameters are texts; the container contract gives those that are JSON as their value. Loads no torch.
"""

import json
from collections.abc import Mapping
from typing import Any

from naiad.errors import OptionError, did_you_mean
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.option_text import parse_duration_s, parse_image_size

_NAMES = (
    "net",
    "data",
    "validation",
    "epochs",
    "time_limit",
    "seed",
    "task",
    "label",
    "types",
    "image_size",
    "as",
    "report",
)
_PLAN_PREFIX = "plan."
PAUSE_AT_EPOCHS, OBJECTIVE_METRIC = "_naiad_pause_at_epochs", "_tuning_objective_metric"
"""Hyperparameters that a tuning job adds: epochs to pause after, such as ``1,3,9``, and the name of the objective."""


def to_hyperparameters(options: FitOptions) -> dict[str, str]:
    """Leaves out what is None, and ``validation``, ``out`` and ``resume``, which a job takes from its channels and folders.

    Raises OptionError for a plan that cannot be written as hyperparameters.
    """
    size, limit_s = options.image_size, options.time_limit_s
    if options.plan is not None and not isinstance(options.plan, Mapping):
        raise OptionError(
            f"a job takes choices of the plan by name, given {type(options.plan).__name__}",
            hint="give plan={'batch_size': 64}",
        )
    values = {
        "epochs": options.epochs,
        "time_limit": None if limit_s is None else f"{limit_s:g}s",
        "seed": options.seed,
        "task": options.task,
        "label": options.label,
        "types": None if options.types is None else json.dumps(dict(options.types)),
        "image_size": "x".join(map(str, size)) if isinstance(size, tuple) else size,
        "as": options.as_,
        "report": str(options.report).lower(),
        **{f"{_PLAN_PREFIX}{name}": _choice_text(value) for name, value in (options.plan or {}).items()},
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def from_hyperparameters(values: Mapping[str, Any], *, validation: Any = None) -> FitOptions:
    """Reads the hyperparameters that ``check_names`` accepts. Raises OptionError."""
    text = {
        name: str(values[name]) for name in ("time_limit", "image_size", "label", "as") if values.get(name) is not None
    }
    return FitOptions(
        validation=validation,
        epochs=values.get("epochs"),
        time_limit_s=parse_duration_s(text.get("time_limit")),
        plan={
            name.removeprefix(_PLAN_PREFIX): value for name, value in values.items() if name.startswith(_PLAN_PREFIX)
        },
        seed=values.get("seed", 0),
        task=values.get("task"),
        label=text.get("label"),
        types=_read_types(values.get("types")),
        image_size=parse_image_size(text.get("image_size")),
        as_=text.get("as"),
        report=values.get("report", True) not in (False, "false", "no"),
    )


def check_names(values: Mapping[str, Any]) -> None:
    """Raises OptionError for a hyperparameter that the trainer does not have."""
    for name in values:
        if name not in (*_NAMES, PAUSE_AT_EPOCHS, OBJECTIVE_METRIC) and not name.startswith(_PLAN_PREFIX):
            raise OptionError(
                f"{name!r} is no hyperparameter of Naiad's trainer",
                hint=did_you_mean(name, (*_NAMES, "plan.batch_size")),
            )


def _read_types(value: Any) -> dict[str, str] | None:
    """Raises OptionError for what is no JSON object."""
    try:
        types = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise OptionError(f"types is {value!r}, which is no JSON", hint='write it as {"zip": "text"}') from error
    if types is not None and not isinstance(types, Mapping):
        raise OptionError(f"types is {value!r}", hint='write it as {"zip": "text"}')
    return None if types is None else {str(name): str(kind) for name, kind in types.items()}


def _choice_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool | Mapping):
        raise OptionError(f"a choice of the plan is a number, a name or a list of names, given {value!r}")
    return str(value)
