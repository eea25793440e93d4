"""The hyperparameters of a job, decoded. Their values must be texts that a program can be given."""

from collections.abc import Mapping
from typing import Any

from naiad.service.contract.request_checks import check_program_text
from naiad.service.contract.training_toolkit import argument_text, decode_value, framework_values, variable_text
from naiad.service.executors.port import InstanceSpec


def decode_values(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values. Raises Invalid for a value that can be neither an argument nor a variable."""
    values = {name: decode_value(text) for name, text in hyperparameters.items()}
    for name, value in values.items():
        for text in (name, argument_text(value), variable_text(value)):
            check_program_text(text, at=f"the hyperparameter {name!r}")
    return values


def all_hyperparameters(spec: InstanceSpec) -> dict[str, Any]:
    return decode_values(spec.request.get("HyperParameters", {}))


def framework_hyperparameters(spec: InstanceSpec) -> dict[str, Any]:
    """Returns SageMaker's hyperparameters for a framework, such as those of a distribution."""
    return framework_values(all_hyperparameters(spec))
