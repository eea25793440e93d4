"""Columns that are not used, and cells that cannot be read."""

import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.cleaning.tables import choose_columns, clean_table
from naiad.trainer.data.column_types import parse_types
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.findings import Action

N = 40


def finding_kinds(table: pa.Table, label: str | None = None) -> dict[str, str]:
    """Returns the kind of the finding by column."""
    _, findings = choose_columns(
        table.append_column("good", pa.array([i % 7 * 1.5 for i in range(len(table))])), label=label
    )
    return {item.examples[0].removeprefix("column "): item.kind for item in findings.items}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([3] * N, "constant-column"),
        ([None] * N, "constant-column"),
        (["same"] * N, "constant-column"),
        ([float("nan")] * N, "constant-column"),
        (list(range(N)), "identifier-column"),
        (list(range(0, 10 * N, 10)), "identifier-column"),
        ([f"user-{i}" for i in range(N)], "identifier-column"),
        ([[1]] * N, "unusable-column"),
    ],
)
def test_useless_columns_are_quarantined(values, kind):
    table = pa.table({"x": values})
    assert finding_kinds(table) == {"x": kind}
    _, findings = choose_columns(table.append_column("good", pa.array([1.5, 2.5] * (N // 2))), label=None)
    assert findings.items[0].action is Action.QUARANTINED
    assert findings.quarantine[0].name == "column x"


@pytest.mark.parametrize(
    "values",
    [
        [3] * (N - 1) + [None],  # the missing cell may be informative
        [i * i for i in range(N)],
        [i / 3 for i in range(N)],
        ["a", "b"] * (N // 2),
        [3, 4] * (N // 2),
    ],
)
def test_useful_columns_are_used(values):
    assert finding_kinds(pa.table({"x": values})) == {}


def test_distinct_numbers_with_an_identifiers_name_are_an_identifier():
    numbers = [i * i for i in range(N)]
    assert finding_kinds(pa.table({"customer_id": numbers, "idea": numbers})) == {"customer_id": "identifier-column"}


def test_a_column_of_few_rows_is_no_identifier():
    assert finding_kinds(pa.table({"x": list(range(10))})) == {}


def test_the_label_is_no_input():
    columns, findings = choose_columns(pa.table({"x": [1.5, 2.0], "y": [1, 1]}), label="y")
    assert [column.name for column in columns] == ["x"]
    assert not findings.items


def test_an_identifier_is_used_where_there_is_no_other_column():
    columns, findings = choose_columns(pa.table({"time": list(range(N))}), label=None)
    assert [column.name for column in columns] == ["time"]
    assert [(item.kind, item.action) for item in findings.items] == [("identifier-column", Action.REPORTED)]


def test_a_table_without_a_usable_column_is_an_error():
    with pytest.raises(DataError, match="no column to learn from: column 'x' is not used: it has one value"):
        choose_columns(pa.table({"x": [1, 1], "y": [0, 1]}), label="y")


def clean_column(values, column: Column, split: str = "train"):
    table = pa.table({column.name: values})
    return clean_table(table, [column], label=None, split=split, names=[f"row {i}" for i in range(len(values))])


def test_unreadable_cells_are_repaired_and_listed():
    table, findings = clean_column(["1", "2", "many", None], Column("n", ColumnKind.NUMBER))
    assert table["n"].to_pylist() == [1.0, 2.0, None, None]
    mixed, missing = findings.items
    assert (mixed.kind, mixed.count, mixed.action, mixed.examples) == (
        "mixed-types",
        1,
        Action.REPAIRED,
        ("row 2: 'many'",),
    )
    assert (missing.kind, missing.count) == ("missing-cells", 1)


def test_infinite_cells_are_repaired():
    _, findings = clean_column([1.0, float("inf"), float("nan")], Column("n", ColumnKind.NUMBER))
    assert [(item.kind, item.count) for item in findings.items] == [("non-finite", 1), ("missing-cells", 1)]


def test_categories_that_are_partly_numbers_are_reported():
    _, findings = clean_column(["1", "a", "b", "2"], Column("n", ColumnKind.CATEGORY))
    assert [(item.kind, item.action) for item in findings.items] == [("mixed-types", Action.REPORTED)]


def test_a_split_may_have_other_columns():
    table = pa.table({"other": [1, 2]})
    column = Column("n", ColumnKind.NUMBER)
    cleaned, findings = clean_table(table, [column], label=None, split="test", names=["row 0", "row 1"])
    assert cleaned["n"].to_pylist() == [None, None]
    assert [(item.kind, item.examples) for item in findings.items] == [
        ("missing-column", ("n",)),
        ("unused-column", ("other",)),
    ]


def test_a_number_that_is_shown_without_its_unit_has_the_unit_of_the_cells():
    table = pa.table({"price": ["1.234 €", "2.500 €"] * 10, "y": [0, 1] * 10})
    (column,), _ = choose_columns(table, label="y", types=parse_types({"price": "1.234,5"}))
    assert str(column.number_format) == "€1.234,5"
    cleaned, _ = clean_table(table, [column], label="y", split="train", names=[str(row) for row in range(20)])
    assert cleaned["price"].to_pylist()[:2] == [1234, 2500]
