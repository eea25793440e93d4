"""Mappings as command-line arguments and as variables."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from naiad.service.contract.training_toolkit import command_line_arguments, variable_text


class SplitResultSpec(NamedTuple):
    included: dict[str, Any]
    excluded: dict[str, Any]


def to_cmd_args(mapping: Mapping[str, Any]) -> list[str]:
    return command_line_arguments(mapping)


def to_env_vars(mapping: Mapping[str, Any]) -> dict[str, str]:
    return {f"SM_{name.upper()}" if name else "": variable_text(value) for name, value in mapping.items()}


def split_by_criteria(
    dictionary: Mapping[str, Any], keys: Collection[str] | None = None, prefix: str | None = None
) -> SplitResultSpec:
    """Returns the items with one of ``keys`` or with the prefix, and the others."""
    chosen = {name for name in dictionary if name in (keys or ()) or (prefix and name.startswith(prefix))}
    return SplitResultSpec(
        {name: value for name, value in dictionary.items() if name in chosen},
        {name: value for name, value in dictionary.items() if name not in chosen},
    )
