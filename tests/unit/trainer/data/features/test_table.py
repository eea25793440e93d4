"""Tables, encoded, filled, standardised and one-hot."""

import datetime as dt
import math

import pandas as pd
import pyarrow as pa
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.cleaning.tables import choose_columns, clean_table
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.features.table import TableSchema, fit_table_features, fit_table_schema
from naiad.trainer.data.table_encoding import MISSING_CODE, UNKNOWN_CODE

ROWS = pa.table(
    {
        "age": [20.0, None, 40.0, 60.0],
        "colour": ["red", "blue", "red", None],
        "born": [dt.date(1970, 1, 1), dt.date(1970, 1, 8), None, dt.date(2024, 2, 29)],
    }
)


def schema_of(table: pa.Table) -> TableSchema:
    columns, _ = choose_columns(table, label=None)
    cleaned, _ = clean_table(table, columns, label=None, split="train", names=["row"] * table.num_rows)
    return fit_table_schema(cleaned, columns)


def test_rows_are_encoded():
    schema = schema_of(ROWS)
    values = schema.encode(ROWS)
    assert schema.sample_shape == (9,)
    assert (values.dtype, tuple(values.shape)) == (torch.float32, (4, 9))
    assert values[:, 1].tolist() == [0, 1, 0, MISSING_CODE]
    assert values[0, 2:].tolist() == pytest.approx([0, 0, 1, 0, 1, 0, 1])
    assert values[1, 2] == 7
    assert values[1, 5:7].tolist() == pytest.approx([0, 1], abs=1e-5)  # the same weekday
    assert math.isnan(values[1, 0])
    assert bool(values[2, 2:].isnan().all())


def test_the_same_rows_of_any_type():
    schema = schema_of(ROWS)
    expected = schema.encode(ROWS)
    for other in (ROWS.to_pandas(), ROWS.to_pylist(), ROWS.to_pydict(), ROWS.append_column("more", pa.array(range(4)))):
        torch.testing.assert_close(schema.encode(other), expected, equal_nan=True)


def test_through_a_csv_file(tmp_path):
    ROWS.to_pandas().to_csv(tmp_path / "rows.csv", index=False)
    schema = schema_of(ROWS)
    torch.testing.assert_close(schema.encode(tmp_path / "rows.csv"), schema.encode(ROWS), equal_nan=True)


def test_unknown_and_missing_categories_have_different_codes():
    codes = schema_of(ROWS).encode(pd.DataFrame({"age": [1, 2], "colour": ["pink", None], "born": [None, None]}))[:, 1]
    assert codes.tolist() == [UNKNOWN_CODE, MISSING_CODE]


def test_a_missing_column_suggests_a_similar_one():
    with pytest.raises(DataError, match="no column 'colour'") as caught:
        schema_of(ROWS).encode(ROWS.rename_columns(["age", "color", "born"]))
    assert caught.value.hint == "did you mean 'color'?"


def test_an_unreadable_cell_is_named():
    with pytest.raises(DataError, match="column 'age' has 'old' in row 1"):
        schema_of(ROWS).encode(
            [{"age": "3", "colour": "red", "born": None}, {"age": "old", "colour": "red", "born": None}]
        )


def test_json():
    schema = schema_of(ROWS)
    assert schema_from_json(schema.to_json()) == schema


def test_features_are_filled_standardised_and_one_hot():
    schema = schema_of(ROWS)
    encoded = schema.encode(ROWS)
    features = fit_table_features(schema, encoded)
    inputs = features(encoded)
    assert tuple(inputs.shape) == (4, 8 + 2 + 3)  # numbers, flags of age and born, red blue missing
    assert torch.isfinite(inputs).all()
    assert inputs[:, 0].mean().item() == pytest.approx(0, abs=1e-6)
    assert inputs[:, 0].std(correction=0).item() == pytest.approx(1)
    assert inputs[1, 0] == inputs[2, 0]  # the missing cell is filled with the median, 40
    assert inputs[:, 8].tolist() == [0, 1, 0, 0]
    assert inputs[:, 10:].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_a_row_is_encoded_alone_as_among_others():
    schema = schema_of(ROWS)
    encoded = schema.encode(ROWS)
    features = fit_table_features(schema, encoded)
    assert torch.equal(features(encoded[:1]), features(encoded)[:1])


def test_an_extreme_cell_is_clipped():
    schema = TableSchema(schema_of(ROWS).columns[:1])
    encoded = torch.tensor([[1.0], [2.0], [3.0]])
    assert fit_table_features(schema, encoded)(torch.tensor([[1e30]])).item() == 10.0


def test_a_constant_column_becomes_zero():
    schema = TableSchema(schema_of(ROWS).columns[:1])
    features = fit_table_features(schema, torch.full((3, 1), 5.0))
    assert features(torch.tensor([[5.0], [7.0]])).tolist() == [[0.0], [0.0]]


def test_it_exports():
    schema = schema_of(ROWS)
    encoded = schema.encode(ROWS)
    features = fit_table_features(schema, encoded)
    batch = {0: torch.export.Dim("batch")}
    exported = torch.export.export(features, (encoded,), dynamic_shapes=(batch,))
    assert torch.equal(exported.module()(encoded[:3]), features(encoded[:3]))
