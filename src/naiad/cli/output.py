"""Two voices: data on stdout, messages on stderr. Colours only on a terminal, and never with NO_COLOR."""

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH_ELSEWHERE = 160
"""Columns where there is no terminal, so that a log or a pipe gets whole lines."""


def give(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def give_json(values: Any) -> None:
    """Strict JSON: what is not a finite number becomes null."""
    give(json.dumps(_finite(values), indent=2, ensure_ascii=False, default=str, allow_nan=False))


def give_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    table = Table(box=None, title=title, title_justify="left", header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def console() -> Console:
    """Where data goes, made anew so that a replaced ``sys.stdout`` is seen."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _WIDTH_ELSEWHERE)


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(message: str, *, hint: str | None = None) -> None:
    tell(message)
    if hint is not None:
        tell(f"\nhint: {hint}")


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): _finite(part) for key, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case _:
            return value
