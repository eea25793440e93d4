"""Every command's help as one page: ``python -m naiad.cli.reference > docs/reference/cli.md``."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

from naiad.cli.main import app


def reference() -> str:
    group: Any = typer.main.get_command(app)
    parts = ["# The command line", "Written by `python -m naiad.cli.reference`; a test compares it with the commands."]
    for name, command in _commands(group, ""):
        parts += [f"## naiad {name}", inspect.cleandoc(command.help or ""), _options(command)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _commands(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    """Groups, and after each its own commands."""
    for name, command in group.commands.items():
        yield before + name, command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")


def _options(command: Any) -> str:
    rows = [row for parameter in command.params if (row := _row(parameter))]
    return "\n".join(["| given | what it is | default |", "|---|---|---|", *rows]) if rows else ""


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("-"))
    given = names or f"`{parameter.metavar}`"
    default = parameter.default if parameter.default not in (None, False, ()) else ""
    text = (parameter.help or "").replace("|", "\\|")
    return f"| {given} | {text} | {default if isinstance(default, str | int) or default else ''} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
