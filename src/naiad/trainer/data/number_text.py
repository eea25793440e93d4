"""Numbers as people write them: 21,704 and 1.234,5, $5.20 and 12 %, (3.50). Infers how a column writes them, and reads them.

Knows text; knows nothing of columns and files. A plain number (-1.5e3) needs none of this: ``columns.py`` reads it.
Shape legend: N cells.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
"""A number as computers write it."""
CODE = r"^[+-]?0\d+$"
"""``007`` is a code, not the number seven."""
_LONG_CODE = r"^\d{20,}$|^\+\d{8,}$"
"""A number of an account, which has more digits than a computer counts with, or of a telephone."""
_SPACES = " \u00a0\u2009\u202f"
_GROUP_MARKS = {".": f",'’_{_SPACES}", ",": f".'’{_SPACES}"}
"""Marks between thousands, by the decimal mark."""
_SIGNS = "+−-"
_CURRENCIES = (
    *(
        "US$",
        "A$",
        "C$",
        "R$",
        "$",
        "€",
        "£",
        "¥",
        "₹",
        "₩",
        "₽",
        "₺",
        "₫",
        "₪",
        "฿",
        "₴",
        "zł",
        "Kč",
        "kr",
        "Fr.",
        "Rs.",
    ),
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "BRL", "SEK", "NOK", "DKK", "PLN", "CZK", "KRW"),
)
_PERCENT = "%"


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written."""

    decimal: str = "."
    """The decimal mark, a point or a comma."""
    unit: str = ""
    """A currency or ``%`` beside the number; the value is the number as it is written: 12 % is 12."""

    def __str__(self) -> str:
        """Returns the number 1234.5 in this format."""
        number = "1,234.5" if self.decimal == "." else "1.234,5"
        if self.unit == _PERCENT:
            return number + self.unit
        return f"{self.unit}{number}" if len(self.unit) == 1 else f"{number} {self.unit}".rstrip()


@dataclass(frozen=True)
class NumberReading:
    """The format that reads most cells of a column."""

    format: NumberFormat
    fraction: float
    """Fraction of the cells that can be read."""
    is_certain: bool
    """False where each cell could also be read with the other decimal mark, with another value: 1,234."""


def parse_specimen(text: str) -> NumberFormat | None:
    """Returns the format that ``1,234.5``, ``1.5``, ``1.234,5 €`` or ``1,5%`` is written in; None for another text."""
    unit = next((each for each in (*_CURRENCIES, _PERCENT) if each in text), "")
    match = re.fullmatch(r"1(?:[.,' ]?234)?([.,])5", text.replace(unit, "").strip())
    return NumberFormat(match[1], unit) if match else None


def find_unit(known: pa.Array, counts: pa.Array, decimal: str) -> str:
    """Returns the unit that most of the numbers with this decimal mark have; "" where there is none, or several.

    known: distinct trimmed cells, each with its count.
    """
    is_number = pc.match_substring_regex(known, _pattern(decimal))
    numbers, counts = known.filter(is_number), counts.filter(is_number)
    unit, with_unit = _find_unit(numbers, counts)
    is_frequent = unit is not None and 2 * with_unit >= (pc.sum(counts).as_py() or 0)
    return unit if unit and is_frequent else ""


def infer_number_format(known: pa.Array, counts: pa.Array, *, decimal: str | None = None) -> NumberReading | None:
    """Returns the reading of distinct trimmed cells, each with its count; None where no cell is a number.

    decimal: the mark that other columns of the table have; decides where both marks read the same cells.
    """
    total = pc.sum(counts).as_py()
    matches = {mark: pc.match_substring_regex(known, _pattern(mark)) for mark in (".", ",")}
    weights = {mark: pc.sum(counts.filter(mask)).as_py() or 0 for mark, mask in matches.items()}
    if not total or not max(weights.values()):
        return None
    is_tie = weights["."] == weights[","]
    mark = decimal if is_tie and decimal is not None else max(weights, key=lambda each: weights[each])
    readable = known.filter(matches[mark])
    unit, with_unit = _find_unit(readable, counts.filter(matches[mark]))
    if unit is None:
        return None
    weight = with_unit if unit == _PERCENT else weights[mark]
    is_certain = not is_tie or not pc.any(pc.match_substring_regex(readable, r"\d[.,]\d")).as_py()
    return NumberReading(NumberFormat(mark, unit), weight / total, is_certain)


def has_code(known: pa.Array | pa.ChunkedArray) -> bool:
    """Whether one of the trimmed cells is a code: digits that would lose something as a number."""
    return any(pc.any(pc.match_substring_regex(known, pattern)).as_py() for pattern in (CODE, _LONG_CODE))


def parse_numbers(text: pa.ChunkedArray, number_format: NumberFormat) -> pa.ChunkedArray:
    """Returns (N,) float64; null where a trimmed cell is no number in this format."""
    is_number = pc.match_substring_regex(text, _pattern(number_format.decimal, number_format.unit))
    cells = pc.if_else(is_number, text, pa.scalar(None, text.type))
    if number_format.unit:
        cells = pc.replace_substring(cells, number_format.unit, "")
    marks = "".join(map(re.escape, _GROUP_MARKS[number_format.decimal] + _SPACES))
    cells = pc.replace_substring_regex(cells, f"[{marks}]", "")
    cells = pc.replace_substring(pc.replace_substring(cells, number_format.decimal, "."), "−", "-")
    is_negative = pc.match_substring_regex(cells, r"^[(-]")
    digits = pc.utf8_trim(cells, "(+-)").cast(pa.float64())
    return pc.if_else(is_negative, pc.negate(digits), digits)


def read_written_numbers(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns text (N,) as numbers where all of it is some, as people write them; other arrays as they are."""
    if labels.dtype.kind not in "OU" or not len(labels) or not all(isinstance(label, str) for label in labels):
        return labels
    text = pc.utf8_trim_whitespace(pa.array(labels.tolist()))
    counted = pc.value_counts(text)
    reading = infer_number_format(counted.field("values"), counted.field("counts"))
    if reading is None or reading.fraction < 1:
        return labels
    return np.asarray(parse_numbers(pa.chunked_array([text]), reading.format).to_numpy())


def _pattern(decimal: str, unit: str | None = None) -> str:
    """Returns the expression of a number with this decimal mark. unit: None takes any; a percent sign must be there."""
    groups = "|".join(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+" for mark in _GROUP_MARKS[decimal])
    indian = r"|[1-9]\d?(?:,\d{2})+,\d{3}" if decimal == "." else ""
    whole = rf"(?:{groups}{indian}|\d+)"
    mark = re.escape(decimal)
    number = rf"(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?"
    units = (*_CURRENCIES, _PERCENT) if unit is None else (unit,) if unit else ()
    either = "|".join(map(re.escape, units))
    before, after = (f"(?:(?:{either})[{_SPACES}]?)?", f"(?:[{_SPACES}]?(?:{either}))?") if units else ("", "")
    if unit == _PERCENT:
        before, after = "", f"[{_SPACES}]?{_PERCENT}"
    signed = rf"[{_SIGNS}]?{before}[{_SIGNS}]?{number}{after}"
    return rf"^(?:{signed}|\({before}{number}{after}\))$"


def _find_unit(readable: pa.Array, counts: pa.Array) -> tuple[str | None, int]:
    """Returns the unit and how many cells have it; "" where there is none, None where there are several."""
    found: dict[str, int] = {}
    rest, rest_counts = readable, counts
    for unit in (*_CURRENCIES, _PERCENT):
        has_unit = pc.match_substring(rest, unit)
        weight: Any = pc.sum(rest_counts.filter(has_unit)).as_py()
        if weight:
            found[unit] = weight
            rest, rest_counts = rest.filter(pc.invert(has_unit)), rest_counts.filter(pc.invert(has_unit))
    if len(found) > 1:
        return None, 0
    return next(iter(found.items()), ("", 0))
