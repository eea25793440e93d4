import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.endpoints.worker.array_formats import parse_csv
from naiad.service.endpoints.worker.inference import InferenceError
from naiad.service.endpoints.worker.input_schema import TableInput
from naiad.service.endpoints.worker.table_rows import encode_csv_rows, encode_json_rows
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.features.table import TableSchema as TrainerSchema

COLUMNS = (Column("age", ColumnKind.NUMBER), Column("town", ColumnKind.CATEGORY, categories=("Oslo", "Bern")))
SCHEMA = TableInput(COLUMNS)
ROWS = [{"age": 3, "town": "Bern"}, {"age": None, "town": "Rome", "more": 1}]


@pytest.fixture
def expected() -> np.ndarray:
    return TrainerSchema(COLUMNS).encode([{"age": 3, "town": "Bern"}, {"age": None, "town": "Rome"}]).numpy()


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"columns": {"age": [3, None], "town": ["Bern", "Rome"]}},
        [[3, "Bern"], [None, "Rome"]],
        [{"age": "3", "town": "Bern"}, {"age": "", "town": "Rome"}],
    ],
)
def test_json_rows(value: object, expected: np.ndarray):
    np.testing.assert_array_equal(encode_json_rows(value, SCHEMA), expected)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (b"age,town\n3,Bern\n,Rome\n", ""),
        (b"town,extra,age\nBern,1,3\nRome,1,\n", "present"),
        (b"3,Bern\n,Rome\n", "absent"),
        (b"3,Bern\n,Rome\n", ""),
    ],
)
def test_csv_rows(text: bytes, header: str, expected: np.ndarray):
    np.testing.assert_array_equal(encode_csv_rows(parse_csv(text), SCHEMA, header=header), expected)


def test_a_single_row():
    assert encode_json_rows({"age": 3, "town": "Bern"}, SCHEMA).shape == (1, 2)
    assert encode_json_rows([3, "Bern"], SCHEMA).shape == (1, 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"town": "Bern"}], "no 'age'"),
        ([[1, 2, 3]], "3 cells; this model takes 2: age, town"),
        ([{"age": "old", "town": "x"}], "'old' in row 0"),
        ([{"age": [1], "town": "x"}], "lists or objects"),
        ({"columns": {"age": 3, "town": ["x"]}}, "is not a list"),
        ("text", "a text"),
        (None, "null"),
        ([], "array was given"),
    ],
)
def test_malformed_rows(value: object, message: str):
    with pytest.raises(InferenceError, match=message) as raised:
        encode_json_rows(value, SCHEMA)
    assert raised.value.status == 400


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)


@settings(deadline=None, max_examples=300)
@given(
    value=st.recursive(
        CELLS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["age", "town", "columns"]), inner),
        max_leaves=8,
    )
)
def test_any_value_is_encoded_or_refused(value: object):
    with contextlib.suppress(InferenceError):
        assert encode_json_rows(value, SCHEMA).shape[1:] == (2,)


@pytest.mark.parametrize("header", ["", "absent"])
def test_words_for_a_missing_cell_are_read_as_from_a_file(header, tmp_path):
    columns = (Column("age", ColumnKind.NUMBER), Column("area", ColumnKind.CATEGORY, categories=("EU", "NA")))
    text = "age,area\nNA,NA\n3,null\n,EU\nNaN,XX\n"
    (tmp_path / "x.csv").write_text(text)
    body = text if header == "" else text.partition("\n")[2]
    np.testing.assert_array_equal(
        encode_csv_rows(parse_csv(body.encode()), TableInput(columns), header=header),
        TrainerSchema(columns).encode(tmp_path / "x.csv").numpy(),
    )


def test_a_word_for_missing_is_a_value_where_it_is_a_category():
    land = Column("land", ColumnKind.CATEGORY, categories=("NA", "NO"))
    schema = TableInput((COLUMNS[0], land, replace(land, name="town", categories=("Bern",))))
    assert "NA" not in schema.missing_words["land"]
    assert "NA" in schema.missing_words["town"]
    words = encode_csv_rows(parse_csv(b"NA,NA,NA\n3, ,Bern\n"), schema, header="absent")
    cells = [{"age": None, "land": "NA", "town": None}, {"age": 3, "land": None, "town": "Bern"}]
    np.testing.assert_array_equal(words, encode_json_rows(cells, schema))
    assert schema.missing_words is schema.missing_words
