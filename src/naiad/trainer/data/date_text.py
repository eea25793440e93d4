"""Dates as people write them, with or without a clock. Infers the format of a column, and reads it.

A format is one of strptime's. Fractions of a second are dropped, and a zone is converted to UTC.
Shape legend: N cells.
"""

from dataclasses import dataclass
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d %b %Y",
    "%b %d, %Y",
)
"""The formats that are tried first: of two that read the same cells, the first one is taken."""
_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d %b %Y", "%b %d, %Y", "%b %d %Y", "%d-%b-%Y", "%A, %b %d, %Y", "%A, %d %b %Y", "%a %b %d %Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%y-%m-%d", "%y/%m/%d", "%d-%b-%y", "%d %b %y"),
)
_CLOCKS = (
    "",
    "%H:%M",
    "%H:%M:%S",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%H:%M:%S%z",
    "%H:%M:%S %z",
    "%H:%M%z",
    "%H:%M:%S UTC",
    "%H:%M:%S GMT",
)
_SEPARATORS = (" ", "T", ", ")
_OF_PROGRAMS = (
    *("%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z"),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S UTC %Y", "%a %b %d %H:%M:%S %z %Y"),
)
"""Dates in the heads of mails and in the logs of web servers, and as C and Twitter write them."""
_ALL_FORMATS = tuple(
    dict.fromkeys(
        (
            *FORMATS,
            *(
                date + (separator + clock if clock else "")
                for date, clock, separator in product(_DATES, _CLOCKS, _SEPARATORS)
            ),
            *_OF_PROGRAMS,
        )
    )
)
_SHAPE = r"^(\d{1,4}|[A-Za-z]{3,9},?)[-/. ]+(\d{1,2}|[A-Za-z]{3,9})"
"""The start of every date: two parts, each digits or the name of a month or a day."""
_SECOND_FRACTION = r"(:\d{2})[.,]\d{1,9}"
_SHORT_YEAR = r"^(\d{1,2}/\d{1,2}/\d{2}|\d{2}[.-]\d{2}[.-]\d{2}|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2})([ T,]|$)"
"""A date with two digits of the year. Versions such as 1.2.3 are none."""
_SAMPLE_CELLS = 500
_MIN_YEAR = 1000
"""strptime reads 24 as the year 24 where the format has four digits."""


@dataclass(frozen=True)
class DateReading:
    """The format that reads most cells of a column."""

    format: str
    fraction: float
    """Fraction of the cells that can be read."""
    other: str | None = None
    """A format that reads the same cells as other dates, with day and month exchanged; None where there is none."""


def infer_date_format(known: pa.Array, counts: pa.Array, *, min_fraction: float) -> DateReading | None:
    """Returns the reading of distinct trimmed cells, each with its count; None where too few are dates."""
    total = pc.sum(counts).as_py()
    has_shape = pc.match_substring_regex(known, _SHAPE)
    if not total or (pc.sum(counts.filter(has_shape)).as_py() or 0) < min_fraction * total:
        return None
    most_frequent = pc.index(counts, pc.max(counts)).as_py()
    evenly = range(0, len(known), max(1, len(known) // _SAMPLE_CELLS))
    sample = known.take(pa.array([most_frequent, *evenly]))
    formats = [each for each in _ALL_FORMATS if pc.any(pc.is_valid(_parse(sample, each))).as_py()]
    fractions = {each: _fraction(known, counts, each) for each in formats}
    if not fractions:
        return None
    best = max(fractions, key=lambda each: fractions[each])
    if fractions[best] < min_fraction:
        return None
    return DateReading(best, fractions[best], _find_other(known, best, fractions))


def parse_dates(text: pa.ChunkedArray, date_format: str | None) -> pa.ChunkedArray:
    """Returns (N,) timestamps in microseconds; null where a trimmed cell is no date. None tries the first formats on each."""
    formats = FORMATS if date_format is None else (date_format,)
    return pc.coalesce(*(_parse(text, each) for each in formats))


def _parse(text: pa.Array | pa.ChunkedArray, date_format: str) -> pa.Array | pa.ChunkedArray:
    if "%S" in date_format:
        text = pc.replace_substring_regex(text, _SECOND_FRACTION, r"\1")
    parsed = pc.strptime(text, format=date_format, unit="us", error_is_null=True)
    if parsed.type.tz:
        parsed = parsed.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    if "%y" in date_format:
        is_date = pc.match_substring_regex(text, _SHORT_YEAR)
    elif "%Y" in date_format:
        is_date = pc.greater_equal(pc.year(parsed), _MIN_YEAR)
    else:
        return parsed
    return pc.if_else(is_date, parsed, pa.scalar(None, parsed.type))


def _fraction(known: pa.Array, counts: pa.Array, date_format: str) -> float:
    is_date = pc.is_valid(_parse(known, date_format))
    return float((pc.sum(counts.filter(is_date)).as_py() or 0) / pc.sum(counts).as_py())


def _find_other(known: pa.Array, best: str, fractions: dict[str, float]) -> str | None:
    equal = [each for each, fraction in fractions.items() if fraction == fractions[best] and each != best]
    dates = _parse(known, best)
    return next((each for each in equal if not dates.equals(_parse(known, each))), None)
