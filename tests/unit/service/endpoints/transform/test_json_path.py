import pytest

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import parse_json_path

ROW, RECORD = ["a", "b", "c"], {"id": 7, "x y": [1, 2, 3], "deep": {"n": None}}


@pytest.mark.parametrize(
    ("text", "record", "expected"),
    [
        ("$", ROW, ROW),
        ("$[0]", ROW, "a"),
        ("$[-1]", ROW, "c"),
        ("$[1:]", ROW, ["b", "c"]),
        ("$[:-1]", ROW, ["a", "b"]),
        ("$[0,2]", ROW, ["a", "c"]),
        ("$.id", RECORD, 7),
        ("$['x y'][1]", RECORD, 2),
        ("$.['id','deep']", RECORD, {"id": 7, "deep": {"n": None}}),
        ("$.deep.n", RECORD, None),
    ],
)
def test_selected_values(text: str, record: object, expected: object):
    assert parse_json_path(text).select(record) == expected


@pytest.mark.parametrize("text", ["", "id", "$..id", "$[?(@.a)]", "$.*", "$[", "$.id!"])
def test_unsupported_paths(text: str):
    with pytest.raises(OptionError):
        parse_json_path(text)


@pytest.mark.parametrize(("text", "record"), [("$.gone", RECORD), ("$[9]", ROW), ("$.id", ROW), ("$[0]", RECORD)])
def test_values_that_the_record_does_not_have(text: str, record: object):
    with pytest.raises(OptionError, match="finds no value"):
        parse_json_path(text).select(record)
