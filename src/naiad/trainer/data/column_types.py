"""The option ``types``: what the user says of a table's columns, in place of what would be inferred. Loads no torch.

number        a number            1,234.5 or 1.234,5   a number that is written so
category      a category          text                 a category whose cells are values as they are written: 007, NA
date          a date              %d.%m.%Y             a date in this format of strptime
image         paths of images     ignore               not used
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from naiad.errors import DataError, OptionError, describe_value, did_you_mean
from naiad.trainer.data.number_text import NumberFormat, parse_specimen


class TypeName(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"
    TEXT = "text"
    DATE = "date"
    IMAGE = "image"
    IGNORE = "ignore"


@dataclass(frozen=True)
class ColumnType:
    """Type of a column as the user gives it."""

    name: TypeName
    date_format: str | None = None
    number_format: NumberFormat | None = None


def parse_types(types: Mapping[str, str] | None) -> dict[str, ColumnType]:
    """Returns the type of each column that is named. Raises OptionError."""
    if types is None:
        return {}
    if not isinstance(types, Mapping):
        raise OptionError(f"types is {describe_value(types)}", hint="give the types by column: types={'zip': 'text'}")
    return {str(column): _parse_type(str(column), text) for column, text in types.items()}


def check_columns_exist(types: Iterable[str], names: Iterable[str]) -> None:
    """Raises DataError where ``types`` names a column that is not among the table's ``names``."""
    known = list(names)
    for column in types:
        if column not in known:
            raise DataError(
                f"types names the column {column!r}, which the table does not have", hint=did_you_mean(column, known)
            )


def _parse_type(column: str, text: object) -> ColumnType:
    if isinstance(text, str):
        word = text.strip()
        if word.lower() in list(TypeName):
            return ColumnType(TypeName(word.lower()))
        if re.search(r"%[A-Za-z]", word):
            return ColumnType(TypeName.DATE, date_format=word)
        if (number_format := parse_specimen(word)) is not None:
            return ColumnType(TypeName.NUMBER, number_format=number_format)
    raise OptionError(
        f"the type of column {column!r} is {text!r}",
        hint=f"give one of {', '.join(TypeName)}, a number such as 1.234,5, or a date's format such as %d.%m.%Y",
    )
