import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.slots import MISSING, UNKNOWN, slots_of, width

AGE = Column("age", ColumnKind.NUMBER)
TOWN = Column("town", ColumnKind.CATEGORY, categories=("Oslo", "Bern"))
BORN = Column("born", ColumnKind.DATE, "%Y-%m-%d")


def test_a_slot_a_number_a_code_a_category_and_seven_slots_a_date():
    table = pa.table(
        {"town": ["Bern", "Rome", None], "age": [3.5, None, 1.0], "born": ["1970-01-02", None, "1971-01-01"]}
    )
    slots = slots_of(table, (AGE, TOWN, BORN))
    assert slots.dtype == np.float32
    assert slots.shape == (3, sum(map(width, (AGE, TOWN, BORN)))) == (3, 9)
    assert slots[:, 1].tolist() == [1, UNKNOWN, MISSING]
    assert slots[0, 2] == 1.0
    assert np.isnan(slots[1, [0, *range(2, 9)]]).all()


def test_a_column_that_is_missing_is_named():
    with pytest.raises(DataError, match="no column 'age'"):
        slots_of(pa.table({"ages": [1.0]}), (AGE,))


def test_a_cell_that_cannot_be_read_is_named():
    with pytest.raises(DataError, match="'old' in row 1"):
        slots_of(pa.table({"age": ["1", "old"]}), (AGE,))


def test_it_needs_no_torch():
    check = "import sys, naiad.trainer.data.slots, naiad.trainer.data.pixels; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
