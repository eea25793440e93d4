"""Writes data to stdout and messages to stderr. Colours only on a terminal, and never with NO_COLOR."""

import io
import json
import math
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL = 160
"""Columns, so that a log or a pipe gets whole lines."""


def print_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def print_json(values: Any) -> None:
    r"""Writes strict JSON: a number that is not finite becomes null, and letters that stdout lacks are written as ``\u00fc``."""
    plain = _replace_non_finite(values)
    text = json.dumps(plain, indent=2, ensure_ascii=False, default=str, allow_nan=False)
    if not _can_encode(sys.stdout.encoding, text):
        text = json.dumps(plain, indent=2, default=str, allow_nan=False)
    print_line(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    table = Table(box=None, title=title, title_justify="left", header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    stdout_console().print(table)


def stdout_console() -> Console:
    """Makes a console each time, so that a replaced ``sys.stdout`` is used."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)


def print_message(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_error(message: str, *, hint: str | None = None) -> None:
    print_message(message)
    if hint is not None:
        print_message(f"\nhint: {hint}")


def escape_unknown_letters() -> None:
    """Has stdout and stderr escape the letters that their encoding lacks, where they would end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def format_time(moment: datetime) -> str:
    """Returns the time in this machine's zone, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _can_encode(encoding: str | None, text: str) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _replace_non_finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): _replace_non_finite(element) for key, element in value.items()}
        case list() | tuple():
            return [_replace_non_finite(element) for element in value]
        case _:
            return value
