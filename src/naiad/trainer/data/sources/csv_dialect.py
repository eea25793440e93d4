"""How a CSV file is written: its encoding, its delimiter, and a first line ``sep=;``. Looks at bytes; reads no table.

encoding     a byte-order mark, else UTF-16 by its zero bytes, else UTF-8; of other files Windows-1252 or Latin-1
delimiter    the one that cuts the first lines into most columns, the same number in each; quotes count
quotes       single ones where all names have them; lines that begin with # above the names are comments
"""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.number_text import PLAIN

UTF8 = "utf8"
_HEAD_BYTES = 65_536
_CHUNK_BYTES = 16_000_000
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ",;\t|"
_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MAX_ROWS = 100
_SEPARATOR_LINE = re.compile(r"^\"?sep=(.)\"?(?:\r\n?|\n)", re.IGNORECASE)
_SINGLE_QUOTED = re.compile(r"^'[^'\"]*'(?:[,;\t|]'[^'\"]*')*\s*$")
_MIN_SPACED_LINES = 3
_NOT_WINDOWS = [0x81, 0x8D, 0x8F, 0x90, 0x9D]
"""Bytes that Windows-1252 does not define."""
_MAX_INNER_FRACTION = 0.2
"""Bytes between two others beyond ASCII: words of Western Europe have few, Cyrillic and Chinese ones are made of them."""


@dataclass(frozen=True)
class CsvDialect:
    encoding: str
    """A name that Python's codecs know; ``utf8`` unless the first bytes say otherwise."""
    delimiter: str
    skipped_lines: int = 0
    """Lines above the header: ``sep=;``, or comments."""
    quote: str = '"'

    def __str__(self) -> str:
        encoding = "UTF-8" if self.encoding == UTF8 else self.encoding
        skipped = f", lines skipped above the names: {self.skipped_lines}" if self.skipped_lines else ""
        return f"{encoding}, separated by {_DELIMITER_NAMES.get(self.delimiter, self.delimiter)}{skipped}"


def find_dialect(path: Path) -> CsvDialect:
    """Raises OSError, and DataError for an encoding that does not fit the file."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    encoding = _encoding_of(head)
    text = head.decode(encoding if encoding != UTF8 else "utf-8-sig", errors="replace")
    if (separator := _SEPARATOR_LINE.match(text)) is not None:
        return CsvDialect(encoding, separator[1], skipped_lines=1)
    lines = io.StringIO(text, newline="").readlines()  # cuts where Arrow does: not at a form feed
    lines = lines[:-1] if len(head) == _HEAD_BYTES and len(lines) > 1 else lines
    comments = _count_comments(lines)
    lines = lines[comments:][:_MAX_ROWS]
    quote = "'" if lines and _SINGLE_QUOTED.match(lines[0]) else '"'
    delimiter = _find_delimiter(lines, quote, is_tsv=path.suffix.lower() == ".tsv")
    _check_spaces(path, lines, delimiter)
    return CsvDialect(encoding, delimiter, comments, quote)


def guess_western_encoding(path: Path) -> str:
    """Returns the encoding of a file that is not UTF-8. Raises DataError where its bytes look like no Western European text."""
    counts_256, inner = np.zeros(256, np.int64), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            values = np.frombuffer(chunk, np.uint8)
            counts_256 += np.bincount(values, minlength=256)
            inner += _count_inner(values)
    high = int(counts_256[0x80:].sum())
    if counts_256[0] or inner > _MAX_INNER_FRACTION * high:
        raise DataError(
            f"{path} cannot be read: its encoding is neither UTF-8 nor UTF-16, and its bytes look like no Western European text",
            hint="save it as UTF-8",
        )
    return "latin-1" if counts_256[_NOT_WINDOWS].any() else "cp1252"


def _count_inner(values: npt.NDArray[np.uint8]) -> int:
    """Returns the number of bytes beyond ASCII that stand between two others."""
    is_high = values >= 0x80
    return int((is_high[:-2] & is_high[1:-1] & is_high[2:]).sum())


def _encoding_of(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 > even:
        return "utf-16-le"
    if even > len(head) // 4 > odd:
        return "utf-16-be"
    return UTF8


def _count_comments(lines: list[str]) -> int:
    """Returns how many of the first lines begin with # and are not the header: cut as the next line is, in several columns."""
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), 0)
    for delimiter in _DELIMITERS:
        widths = [_widths([line], delimiter, '"')[:1] for line in lines[max(count - 1, 0) : count + 1]]
        if count and widths[0] == widths[1] and widths[0] > [1]:
            return count - 1
    return count


def _check_spaces(path: Path, lines: list[str], delimiter: str) -> None:
    """Raises DataError for columns that are separated by spaces: they would be one column."""
    if len(lines) < _MIN_SPACED_LINES or any(delimiter in line for line in lines):
        return
    words = [line.split() for line in lines if line.strip()]
    is_spaced = len(words[0]) > 1 and all(len(row) == len(words[0]) for row in words)
    if is_spaced and all(any(re.match(PLAIN, word) for word in row) for row in words[1:]):
        raise DataError(
            f"{path} has no commas, semicolons or tabs: its columns are separated by spaces",
            hint="separate them by commas: pd.read_csv(…, sep=r'\\s+').to_csv(…, index=False)",
        )


def _find_delimiter(lines: list[str], quote: str, *, is_tsv: bool) -> str:
    preferred = "\t" + _DELIMITERS if is_tsv else _DELIMITERS
    return max(preferred, key=lambda delimiter: _score(lines, delimiter, quote, is_first=is_tsv and delimiter == "\t"))


def _score(lines: list[str], delimiter: str, quote: str, *, is_first: bool) -> tuple[bool, bool, float, int]:
    """Returns whether there are several columns, the fraction of rows that have as many as the header, and their number.

    In between: whether the rows below have three columns or more, and the header is a title. Such a file cannot be read.
    """
    widths = _widths(lines, delimiter, quote)
    if not widths:
        return False, False, 0.0, 0
    width, rows = widths[0], widths[1:]
    has_title = width == 1 and len(rows) > 1 and set(rows) == {rows[0]} and rows[0] > 2  # 1,5 has two
    fraction = sum(row == width for row in widths) / len(widths)
    return width > 1, has_title, 1.0 if is_first else fraction, width


def _widths(lines: list[str], delimiter: str, quote: str) -> list[int]:
    """Returns the number of columns of each row; empty where the lines are no CSV."""
    try:
        return [len(row) for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if row]
    except csv.Error:
        return []
