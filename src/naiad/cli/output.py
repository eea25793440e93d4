"""Writes data to stdout and messages to stderr. Colours only on a terminal, and never with NO_COLOR.

Whatever a command prints goes through here, and nothing of it moves a terminal's cursor or pretends to be another line: texts
come from programs, data and servers.
"""

import io
import json
import logging
import math
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from naiad.visible_text import visible_cell, visible_json, visible_line, visible_text

_WIDTH_WITHOUT_TERMINAL = 160
"""Columns, so that a log or a pipe gets whole lines."""


def print_line(text: str) -> None:
    """Writes exactly one line: a newline in the text is escaped."""
    sys.stdout.write(f"{visible_line(text)}\n")


def print_text(text: str) -> None:
    """Writes a text of several lines."""
    sys.stdout.write(f"{visible_text(text)}\n")


def print_cells(cells: Iterable[str]) -> None:
    """Writes a line of cells, separated by tabs."""
    sys.stdout.write("\t".join(map(visible_cell, cells)) + "\n")


def print_field(label: str, value: str, *, width: int = 10) -> None:
    """Writes a label and its value. Further lines of the value are indented, so that none looks like another field."""
    print_text(f"{label:<{width}}{_indent(value, width)}")


def print_json(values: Any) -> None:
    r"""Writes strict JSON: a number that is not finite becomes null, and letters that stdout lacks are written as ``\u00fc``."""
    plain = _replace_non_finite(values)
    text = json.dumps(plain, indent=2, ensure_ascii=False, default=str, allow_nan=False)
    if not _can_encode(sys.stdout.encoding, text):
        text = json.dumps(plain, indent=2, default=str, allow_nan=False)
    sys.stdout.write(f"{visible_json(text)}\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(Text(visible_cell(column)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible_cell(cell)) for cell in row))
    stdout_console().print(table)


def stdout_console() -> Console:
    """Makes a console each time, so that a replaced ``sys.stdout`` is used."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)


def print_message(text: str) -> None:
    sys.stderr.write(f"{visible_text(text)}\n")
    sys.stderr.flush()


def print_error(message: str, *, hint: str | None = None) -> None:
    """Further lines of the message and of the hint are indented, so that none looks like another message or hint."""
    print_message(_indent(message, 2))
    if hint is not None:
        print_message(f"\nhint: {_indent(hint, 6)}")


def _indent(text: str, width: int) -> str:
    """Returns the text with each line but the first indented."""
    return visible_text(text).rstrip("\n").replace("\n", "\n" + " " * width)


def escape_unknown_letters() -> None:
    """Has stdout and stderr escape the letters that their encoding lacks, where they would end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class LogFormatter(logging.Formatter):
    """Formats the lines of a server's log: a message is one line, whatever clients and models have put into it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # reason: logging's name
        return visible_line(super().formatMessage(record))

    def formatException(  # noqa: N802  # reason: logging's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return visible_text(super().formatException(ei))


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
