"""Findings of what the reading of a table guessed or left out: from the table's metadata."""

import json
import re

import pyarrow as pa

from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.number_text import PLAIN
from naiad.trainer.data.sources.csv_file import DIALECT, ENCODING, MISSING, SKIPPED
from naiad.trainer.data.sources.frames import INDEX


def report_reading(table: pa.Table) -> Findings:
    """Returns the encoding that was guessed, skipped lines, names that may be data, and the index that is no column."""
    metadata = table.schema.metadata or {}
    findings = Findings()
    if (encoding := metadata.get(ENCODING)) is not None:
        name = "Windows-1252" if encoding == b"cp1252" else "Latin-1"
        message = f"the file is not UTF-8, so it is read as {name}: if its words look wrong, save it as UTF-8"
        findings += Findings((Finding("encoding-guessed", "train", 1, Action.REPORTED, message),))
    if skipped := int(metadata.get(SKIPPED, b"0")):
        message = "lines above the names of the columns are skipped: comments, or a line such as sep=;"
        findings += Findings((Finding("lines-skipped", "train", skipped, Action.REPORTED, message),))
    numbers = [name for name in table.column_names if re.match(PLAIN, name)]
    if DIALECT in metadata and numbers and not all(name.isdecimal() for name in numbers):
        message = "names of columns are numbers: if the first line of the file is data, put a line of names above it"
        findings += Findings(
            (Finding("header-of-numbers", "train", len(numbers), Action.REPORTED, message, (numbers[0],)),)
        )
    for index in filter(None, metadata.get(INDEX, b"").decode().split("\n")):
        message = f"{index!r} is the index of a data frame, not a column: types={{{index!r}: 'category'}} would use it"
        findings += Findings((Finding("index-not-used", "train", 1, Action.REPORTED, message, (index,)),))
    return findings


def describe_reading(table: pa.Table) -> str:
    """Returns the encoding and the delimiter of the CSV file that the table comes from; empty for another source."""
    return str((table.schema.metadata or {}).get(DIALECT, b"").decode())


def missing_words(table: pa.Table, column: str) -> dict[str, int]:
    """Returns the words for a missing cell that the file has in the column, such as NA, and how often each is there."""
    metadata = table.schema.metadata or {}
    words: dict[str, dict[str, int]] = json.loads(metadata.get(MISSING, b"{}"))
    return words.get(column, {})
