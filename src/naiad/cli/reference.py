"""Writes every command's help as one page: ``python -m naiad.cli.reference > docs/reference/cli.md``."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

from naiad.cli.main import app


def make_reference() -> str:
    group: Any = typer.main.get_command(app)
    blocks = ["# The command line", "Written by `python -m naiad.cli.reference`; a test compares it with the commands."]
    for name, command in _commands(group, ""):
        blocks += [f"## naiad {name}", inspect.cleandoc(command.help or ""), _options_table(command)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yields each command with its whole name; the commands of a group follow the group."""
    for name, command in group.commands.items():
        yield prefix + name, command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")


def _options_table(command: Any) -> str:
    rows = [row for parameter in command.params if (row := _row(parameter))]
    return "\n".join(["| given | what it is | default |", "|---|---|---|", *rows]) if rows else ""


def _row(parameter: Any) -> str:
    flags = [flag for flag in [*parameter.opts, *parameter.secondary_opts] if flag.startswith("-")]
    name = ", ".join(f"`{flag}`" for flag in flags) or f"`{parameter.metavar}`"
    default = parameter.default if parameter.default not in (None, False, ()) else ""
    text = (parameter.help or "").replace("|", "\\|")
    return f"| {name} | {text} | {default if isinstance(default, str | int) or default else ''} |"


if __name__ == "__main__":
    sys.stdout.write(make_reference())
