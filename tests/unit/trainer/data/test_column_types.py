"""The option ``types``."""

import pytest

from naiad.errors import DataError, OptionError
from naiad.trainer.data.column_types import ColumnType, TypeName, check_columns_exist, parse_types
from naiad.trainer.data.number_text import NumberFormat


def test_types_are_named_or_shown():
    types = parse_types({"zip": "text", 7: "Number", "when": "%d.%m.%Y", "price": "1.234,5"})
    assert types == {
        "zip": ColumnType(TypeName.TEXT),
        "7": ColumnType(TypeName.NUMBER),
        "when": ColumnType(TypeName.DATE, date_format="%d.%m.%Y"),
        "price": ColumnType(TypeName.NUMBER, number_format=NumberFormat(",")),
    }
    assert parse_types(None) == {}


@pytest.mark.parametrize("types", [{"zip": "txet"}, {"zip": None}, {"zip": str}, ["zip"], "zip=text"])
def test_what_is_no_type_is_refused(types):
    with pytest.raises(OptionError) as caught:
        parse_types(types)
    assert "text" in str(caught.value.hint)


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="'zpi'") as caught:
        check_columns_exist(["zpi"], ["zip", "x"])
    assert caught.value.hint == "did you mean 'zip'?"
