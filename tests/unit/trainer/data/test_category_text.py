"""Categories as text, whatever program has read them."""

import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.category_text import to_categories, trim


def chunked(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


def test_whole_numbers_have_no_point():
    assert to_categories("x", chunked([1.0, None]), ()).to_pylist() == ["1", None]
    assert to_categories("x", chunked([1.0, 2.5]), ("1", "2.5")).to_pylist() == ["1", "2.5"]


def test_numbers_that_equal_a_code_are_refused():
    with pytest.raises(DataError, match="has the number 7, but the model was trained on the text '007'"):
        to_categories("zip", chunked([7]), ("007",))
    assert to_categories("zip", chunked([7]), ("007", "7")).to_pylist() == ["7"]
    assert to_categories("zip", chunked(["7"]), ("007",)).to_pylist() == ["7"]


def test_truth_values_are_written_as_in_training():
    assert to_categories("x", chunked([True, None]), ("True", "False")).to_pylist() == ["True", None]
    assert to_categories("x", chunked(["TRUE"]), ("true", "True", "false")).to_pylist() == ["TRUE"]


def test_blank_cells_are_null():
    assert trim(chunked([" a ", " ", ""])).to_pylist() == ["a", None, None]


def test_durations_and_times_are_written_alike_in_all_units():
    one_s = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    durations = [to_categories("x", chunked([n], pa.duration(unit)), ()).to_pylist() for unit, n in one_s.items()]
    assert durations == [["1000000"]] * 4
    kinds = {unit: (pa.time32 if unit in ("s", "ms") else pa.time64)(unit) for unit in one_s}
    times = [to_categories("x", chunked([n], kinds[unit]), ()).to_pylist() for unit, n in one_s.items()]
    assert times == [["00:00:01.000000"]] * 4
