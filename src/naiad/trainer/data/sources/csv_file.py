"""Reads a CSV or TSV file. Whole numbers are read as text first, so that codes such as 007 stay as they are.

The table's metadata says what was guessed, and how missing cells were written.
Shape legend: N rows.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from naiad.trainer.data.category_text import trim
from naiad.trainer.data.columns import count_cells, is_text
from naiad.trainer.data.missing_words import MISSING_WORDS
from naiad.trainer.data.number_text import PLAIN, has_code, infer_number_format
from naiad.trainer.data.sources.csv_dialect import UTF8, CsvDialect, find_dialect, guess_western_encoding

TextColumns = Mapping[str, frozenset[str] | None]
"""Columns to read as text, each with the words for a missing cell that are values in it; None: all of them are."""
DIALECT, ENCODING, SKIPPED = b"naiad.dialect", b"naiad.encoding", b"naiad.skipped"
"""Keys of the metadata: encoding and delimiter, for people; an encoding that was guessed; lines skipped above the names."""
DECIMAL, MISSING = b"naiad.decimal", b"naiad.missing"
"""Keys of the metadata: the file's decimal mark, missing cells by column and word."""
_NORTH_AMERICA, _CODE_OF_TWO = "NA", r"^[A-Z]{2}$"
_MIN_CODE_FRACTION = 0.95
_DECIMAL_COMMA = r"\d,\d"
_GROUPED, _WITH_POINT = r"^[+-]?\d{1,3}(\.\d{3})+$", r"\."
_FIRST_BLOCK_BYTES = 1 << 20
_SMALLEST_PHONE = 1e7
_ZERO, _SPACE = ord("0"), ord(" ")


def read_csv(path: Path, text_columns: TextColumns) -> pa.Table:
    """Raises pa.ArrowInvalid, OSError, DataError."""
    dialect = find_dialect(path)
    if dialect.encoding != UTF8:
        return _read(path, dialect, text_columns)
    try:
        table = _read(path, dialect, text_columns)
        if not any(map(pa.types.is_binary, table.schema.types)):
            return table
    except UnicodeDecodeError:
        pass
    except pa.ArrowInvalid as error:
        if "UTF8" not in str(error).upper().replace("-", ""):
            raise
    encoding = guess_western_encoding(path)
    table = _read(path, replace(dialect, encoding=encoding), text_columns)
    return table.replace_schema_metadata({**table.schema.metadata, ENCODING: encoding.encode()})


def text_columns_of(table: pa.Table) -> dict[str, frozenset[str] | None]:
    """Returns the text columns of a table that was read, for another file with the same columns."""
    names = [name for name in table.column_names if is_text(table[name])]
    return {name: frozenset(_count_words(table[name], MISSING_WORDS)) for name in names}


def _read(path: Path, dialect: CsvDialect, text_columns: TextColumns) -> pa.Table:
    file = _CsvFile(path, dialect)
    first = file.read_first_block({})
    asked = {name for name in first.schema.names if name.strip() in text_columns}
    by_name = list(zip(first.schema.names, first.columns, strict=True))
    whole = {name for name, values in by_name if _may_be_whole(values)} - asked
    decimal = _find_decimal_mark(first)
    floating = [name for name, values in by_name if pa.types.is_floating(values.type)]
    grouped = _find_grouped_columns(file, floating) if decimal == "," else set()
    table = file.read(whole | grouped | asked)
    names, columns = [name.removeprefix("\ufeff").strip() for name in table.column_names], table.columns
    del table
    missing: dict[str, dict[str, int]] = {}
    for index, name in enumerate(first.schema.names):
        if name in whole and (numbers := _to_whole_numbers(columns[index])) is not None:
            columns[index] = numbers
        elif pa.types.is_string(columns[index].type):
            values = text_columns[names[index]] if name in asked else _values_like_missing(columns[index])
            columns[index], missing[names[index]] = _drop_missing_words(columns[index], values)
            columns[index] = _infer_numbers(columns[index]) if name in whole else columns[index]
    suggested = "," if decimal is None and dialect.delimiter == ";" else decimal
    metadata = {
        DIALECT: str(dialect),
        MISSING: json.dumps({name: words for name, words in missing.items() if words}),
    }
    metadata |= {} if suggested is None else {DECIMAL: suggested}
    metadata |= {SKIPPED: str(dialect.skipped_lines)} if dialect.skipped_lines else {}
    return _drop_unnamed(pa.table(columns, names=names, metadata=metadata))


class _CsvFile:
    """A file of a known dialect."""

    def __init__(self, path: Path, dialect: CsvDialect) -> None:
        self._path, self._dialect = path, dialect
        self._parse = pa.csv.ParseOptions(
            delimiter=dialect.delimiter, quote_char=dialect.quote, newlines_in_values=True
        )

    def read_first_block(self, column_types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
        options = pa.csv.ReadOptions(
            encoding=self._dialect.encoding, skip_rows=self._dialect.skipped_lines, block_size=_FIRST_BLOCK_BYTES
        )
        convert = pa.csv.ConvertOptions(column_types=column_types)
        with pa.csv.open_csv(self._path, options, self._parse, convert) as reader:
            for batch in reader:
                return batch
            return pa.RecordBatch.from_pylist([], schema=reader.schema)

    def read(self, as_text: Iterable[str]) -> pa.Table:
        """Words for a missing cell are left in text."""
        options = pa.csv.ReadOptions(encoding=self._dialect.encoding, skip_rows=self._dialect.skipped_lines)
        convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(as_text, pa.string()))
        return pa.csv.read_csv(self._path, options, self._parse, convert)


# ---- missing cells


def _values_like_missing(values: pa.ChunkedArray) -> frozenset[str]:
    """Returns the words for a missing cell that are values: NA beside EU and AS is North America."""
    if not _count_words(values, (_NORTH_AMERICA,)):
        return frozenset()
    known = pc.unique(values)
    known = known.filter(pc.invert(pc.is_in(known, pa.array(["", *MISSING_WORDS]))))
    if len(known) < 2 or pc.mean(pc.match_substring_regex(known, _CODE_OF_TWO)).as_py() < _MIN_CODE_FRACTION:
        return frozenset()
    return frozenset((_NORTH_AMERICA,))


def _drop_missing_words(values: pa.ChunkedArray, kept: frozenset[str] | None) -> tuple[pa.ChunkedArray, dict[str, int]]:
    """Returns the cells with null for each empty one and each word for a missing one, and how often each word was there."""
    words = [] if kept is None else [word for word in MISSING_WORDS if word not in kept]
    is_missing = pc.is_in(values, value_set=pa.array(["", *words], values.type))
    if not pc.any(is_missing).as_py():
        return values, {}
    return pc.if_else(is_missing, pa.scalar(None, values.type), values), _count_words(values, words)


def _count_words(values: pa.ChunkedArray, words: Iterable[str]) -> dict[str, int]:
    found = values.filter(pc.is_in(values, value_set=pa.array(list(words), pa.string())))
    return {} if not len(found) else dict(zip(*(each.to_pylist() for each in count_cells(found)), strict=True))


# ---- numbers


def _to_whole_numbers(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Returns int64; None where a cell is a code or something else."""
    if any(map(_has_code, text.chunks)):
        return None
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _infer_numbers(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns numbers where all cells are plain ones, nulls without a type where all are null, else the text itself."""
    if text.null_count == len(text):
        return pa.chunked_array([pa.nulls(len(text))])
    trimmed = trim(text)
    if has_code(trimmed) or not pc.all(pc.match_substring_regex(trimmed, PLAIN)).as_py():
        return text
    whole_numbers = _to_whole_numbers(trimmed)
    return trimmed.cast(pa.float64()) if whole_numbers is None else whole_numbers


def _may_be_whole(values: pa.Array) -> bool:
    """Whether the cells of the first block are whole numbers, or empty. Arrow reads 20 digits, and + before 8, as floats."""
    if pa.types.is_floating(values.type):
        is_code_like = pc.and_(pc.equal(pc.floor(values), values), pc.greater_equal(pc.abs(values), _SMALLEST_PHONE))
        return bool(pc.all(is_code_like).as_py())
    return bool(pa.types.is_integer(values.type) or pa.types.is_null(values.type))


def _has_code(text: pa.StringArray) -> bool:
    """Whether a cell is a code. Looks at the first bytes of the cells, and closer at the few that begin like one."""
    _, offsets, data = text.buffers()
    if data is None:
        return False
    bounds = np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1]
    long = np.flatnonzero(np.diff(bounds) > 1)
    characters, starts = np.frombuffer(data, np.uint8), bounds[long]
    first, second = characters[starts], characters[starts + 1]
    is_low = first <= _ZERO  # spaces, signs and zero
    long, first, second = long[is_low], first[is_low], second[is_low]
    candidates = long[(first == _ZERO) | (first <= _SPACE) | (second == _ZERO)]
    return bool(len(candidates)) and has_code(trim(text.take(pa.array(candidates))))


def _find_decimal_mark(first: pa.RecordBatch) -> str | None:
    """Returns the decimal mark of the first block's text; None where there are no numbers with a mark, or where both may be."""
    for column in first.columns:
        if is_text(column) and pc.any(pc.match_substring_regex(column, _DECIMAL_COMMA)).as_py():
            reading = infer_number_format(*count_cells(trim(column)))
            if reading is not None and reading.is_certain and reading.fraction == 1:
                return reading.format.decimal
    return None


def _find_grouped_columns(file: _CsvFile, names: Iterable[str]) -> set[str]:
    """Returns the columns whose points may all be marks between thousands."""
    first = file.read_first_block(dict.fromkeys(names, pa.string()))
    found = set()
    for name, values in zip(first.schema.names, first.columns, strict=True):
        if name not in names:
            continue
        cells = trim(values)
        with_point = cells.filter(pc.match_substring_regex(cells, _WITH_POINT))
        if len(with_point) and pc.all(pc.match_substring_regex(with_point, _GROUPED)).as_py():
            found.add(name)
    return found


def _drop_unnamed(table: pa.Table) -> pa.Table:
    """Removes empty columns without a name, as a spreadsheet writes them behind the last column."""
    kept = [i for i, name in enumerate(table.column_names) if name or not pa.types.is_null(table.column(i).type)]
    return table if len(kept) == table.num_columns else table.select(kept)
