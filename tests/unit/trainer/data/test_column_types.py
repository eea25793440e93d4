"""The option ``types``."""

import numpy as np
import pandas as pd
import pytest

import naiad
from naiad.errors import DataError, OptionError
from naiad.service.endpoints.worker.array_formats import parse_csv
from naiad.service.endpoints.worker.input_schema import TableInput, read_input_schema
from naiad.service.endpoints.worker.table_rows import encode_csv_rows, encode_json_rows
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


def test_a_type_holds_for_training_prediction_evaluation_and_endpoints(tmp_path):
    rows = [f"{10001 + i % 4},{i % 7}.5,{'yes' if i % 4 else 'no'}" for i in range(40)]
    file = tmp_path / "x.csv"
    file.write_text("zip,size,sold\n" + "\n".join(rows) + "\n")
    model = naiad.fit("mlp", file, label="sold", types={"zip": "text"}, epochs=1, plan={"optimizer": "adamw"})
    assert [str(column.kind) for column in model.schema.columns] == ["category", "number"]
    assert sorted(model.schema.columns[0].categories) == ["10001", "10002", "10003", "10004"]
    predicted = model.predict(file)
    for frame in (pd.read_csv(file), pd.read_csv(file).astype({"zip": float})):
        np.testing.assert_array_equal(model.predict(frame[["size", "zip"]]).scores, predicted.scores)
        expected = float((predicted.labels == frame["sold"].to_numpy()).mean())
        assert model.evaluate(frame).metrics["accuracy"] == pytest.approx(expected)
    schema = read_input_schema(model.schema.to_json())
    assert isinstance(schema, TableInput)
    features = model.schema.encode(file).numpy()
    np.testing.assert_array_equal(encode_csv_rows(parse_csv(file.read_bytes()), schema, header=""), features)
    cells = pd.read_csv(file).to_dict("records")
    np.testing.assert_array_equal(encode_json_rows(cells, schema), features)
