"""The hyperparameters of a request: their values, and the command-line arguments that a script gets."""

import json
import os
from collections.abc import Mapping
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec

_FRAMEWORK_PREFIX = "sagemaker_"
"""Beginning of the names that are for SageMaker's toolkit, and not for the script."""


def decode_values(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values: SDK 2 writes them as JSON, other clients as plain text.

    Raises Invalid for a value that cannot be a command-line argument.
    """
    values = {name: _decode(text) for name, text in hyperparameters.items()}
    for name, value in values.items():
        check_program_text(f"{name}{text_of(value)}", at=f"the hyperparameter {name!r}")
    return values


def user_hyperparameters(spec: InstanceSpec) -> dict[str, Any]:
    """Returns the hyperparameters of the script, sorted by name."""
    values = decode_values(spec.request.get("HyperParameters", {}))
    return {name: values[name] for name in sorted(values) if not name.startswith(_FRAMEWORK_PREFIX)}


def framework_hyperparameters(spec: InstanceSpec) -> dict[str, Any]:
    """Returns SageMaker's own hyperparameters, which the script does not get as arguments."""
    values = decode_values(spec.request.get("HyperParameters", {}))
    return {name: values[name] for name in sorted(values) if name.startswith(_FRAMEWORK_PREFIX)}


def command_line_arguments(values: Mapping[str, Any]) -> list[str]:
    """Returns ``--name value`` for each hyperparameter, as SageMaker's training toolkit does."""
    pairs = ((f"--{name}" if len(name) > 1 else f"-{name}", text_of(value)) for name, value in values.items())
    return [word for pair in pairs for word in pair]


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)


def check_program_text(text: str, *, at: str) -> None:
    """Raises Invalid for a text that can be neither an argument nor an environment variable."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise Invalid(f"{at} cannot be written in UTF-8: {error.reason}") from error
    if "\0" in text:
        raise Invalid(f"{at} has a NUL character, which no program can be given")


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
