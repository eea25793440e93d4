"""Categories as text: numbers, truth values and text of a column are written alike, whatever program has read them.

Knows Arrow arrays; knows nothing of files.
Shape legend: N cells.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.number_text import PLAIN

_TRUTH_WORDS = {"true", "false"}
_MAX_TRUTH_WORDS = 4
"""Columns with more categories are not compared with them: each prediction would compare all categories."""


def to_categories(name: str, values: pa.ChunkedArray, categories: tuple[str, ...]) -> pa.ChunkedArray:
    """Returns (N,) text; whole numbers are the same text whether they come as 1 or as 1.0, as beside a missing cell.

    categories: those of a trained model's column; empty before there are any. Raises DataError where numbers stand for
    categories that are written otherwise: 7 for 007.
    """
    kind = values.type
    if pa.types.is_floating(kind) and pc.all(pc.equal(pc.floor(values), values)).as_py():
        values = values.cast(pa.int64(), safe=False)
    elif pa.types.is_duration(kind):
        values = values.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time(kind):
        values = values.cast(pa.time64("us"), safe=False)
    text = trim(values.cast(pa.string()))
    if 0 < len(categories) <= _MAX_TRUTH_WORDS and {category.lower() for category in categories} <= _TRUTH_WORDS:
        return _write_like(categories, text)
    if categories and (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        _check_spelling(name, text, categories)
    return text


def trim(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Removes spaces at both ends; a blank cell becomes null."""
    text = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def _write_like(categories: tuple[str, ...], text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Writes true and false as the categories do, whose case depends on the program that wrote them: True, TRUE."""
    spelling = {category.lower(): category for category in categories}
    if len(spelling) < len(categories):
        return text
    for lower, category in spelling.items():
        text = pc.if_else(pc.equal(pc.utf8_lower(text), lower), category, text)
    return text


def _check_spelling(name: str, text: pa.ChunkedArray, categories: tuple[str, ...]) -> None:
    """Raises DataError where numbers are no categories as they are written, but equal one as a number."""
    known = pa.array(categories, pa.string())
    unknown = pc.unique(text.filter(pc.invert(pc.is_in(text, value_set=known)))).drop_null()
    unknown = unknown.filter(pc.match_substring_regex(unknown, PLAIN))
    if not len(unknown):
        return
    numeric = known.filter(pc.match_substring_regex(known, PLAIN))
    place = pc.index_in(unknown.cast(pa.float64()), value_set=numeric.cast(pa.float64()))
    found = np.flatnonzero(pc.is_valid(place).to_numpy(zero_copy_only=False))
    if len(found):
        given, written = unknown[int(found[0])].as_py(), numeric[place[int(found[0])].as_py()].as_py()
        raise DataError(
            f"column {name!r} has the number {given}, but the model was trained on the text {written!r}",
            hint=f"give the column as text: pd.read_csv(…, dtype={{{name!r}: str}})",
        )
