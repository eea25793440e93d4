"""Columns of arrays are matched by their names."""

import numpy as np
import pandas as pd
import pytest

from naiad.errors import DataError
from naiad.trainer.data.cleaning.named_columns import align_columns
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.sources.open import open_source

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
SCHEMA = ArraySchema((2,), columns=("a", "b"))


def test_each_split_has_the_order_of_the_training_split():
    raw = open_source({"train": (FRAME, [0, 1]), "test": (FRAME[["b", "a"]], [0, 1])})
    assert align_columns(raw, None).splits["test"].inputs.tolist() == [[1, 3], [2, 4]]


def test_a_models_order_counts():
    raw = align_columns(open_source((FRAME[["b", "a"]].assign(c=1), [0, 1])), SCHEMA)
    assert raw.splits["train"].inputs.tolist() == [[1, 3], [2, 4]]


def test_arrays_without_names_stay():
    raw = open_source((FRAME.to_numpy(), [0, 1]))
    assert align_columns(raw, SCHEMA).splits["train"].inputs.tolist() == [[1, 3], [2, 4]]


def test_a_missing_column_is_an_error():
    with pytest.raises(DataError, match="train has no column 'a'"):
        align_columns(open_source((FRAME[["b"]].assign(A=1.0), [0, 1])), SCHEMA)


def test_a_table_fits_a_model_of_named_columns():
    raw = open_source(FRAME[["b", "a"]].assign(label=[1, 0]))
    aligned = align_columns(raw, SCHEMA).splits["train"]
    assert aligned.inputs.tolist() == [[1, 3], [2, 4]]
    assert aligned.targets.tolist() == [1, 0]
    with pytest.raises(DataError, match="columns have no names"):
        align_columns(raw, ArraySchema((2,)))


@pytest.mark.parametrize(
    "raw",
    [
        FRAME[["b", "a"]],
        FRAME.assign(more="x"),
        FRAME.to_dict("list"),
        FRAME.to_dict("records"),
        FRAME.to_numpy(),
        FRAME.rename(columns={"a": 0, "b": 1}),
    ],
)
def test_the_schema_encodes_by_name(raw):
    assert SCHEMA.encode(raw).tolist() == [[1, 3], [2, 4]]


def test_the_schema_encodes_a_row_and_a_file(tmp_path):
    assert SCHEMA.encode(FRAME.iloc[1][["b", "a"]]).tolist() == [[2, 4]]
    FRAME[["b", "a"]].to_csv(tmp_path / "x.csv", index=False)
    assert SCHEMA.encode(tmp_path / "x.csv").tolist() == [[1, 3], [2, 4]]
    with pytest.raises(DataError, match="no column 'a'"):
        SCHEMA.encode(FRAME[["b"]])
    with pytest.raises(DataError, match="no column 'b'"):
        SCHEMA.encode({"a": np.array([1.0])})


def test_the_names_are_kept_in_an_artifact():
    assert ArraySchema.from_json(SCHEMA.to_json()) == SCHEMA
    assert ArraySchema.from_json({"kind": "array", "shape": [2]}).columns == ()
