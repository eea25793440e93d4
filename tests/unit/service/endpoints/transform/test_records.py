import json

import pytest

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import parse_json_path
from naiad.service.endpoints.transform.records import (
    DataProcessing,
    filter_input,
    is_csv,
    is_json,
    join_lines,
    make_output_line,
    split_answers,
)

CSV, JSON = "text/csv", "application/json"


def joined(output: str = "$") -> DataProcessing:
    return DataProcessing(parse_json_path("$"), parse_json_path(output), has_join=True)


def test_content_types():
    assert is_csv("text/csv; charset=utf-8")
    assert is_json("application/jsonlines")
    assert not is_json("image/png")


def test_the_input_filter():
    assert filter_input(b'id,"a, b",3', CSV, parse_json_path("$[1:]")) == b'"a, b",3'
    assert filter_input(b'{"id": 1, "x": [1, 2]}', JSON, parse_json_path("$.x")) == b"[1, 2]"
    assert filter_input(b"as it is\xff", CSV, parse_json_path("$")) == b"as it is\xff"


def test_joins_of_records_and_answers():
    assert make_output_line(b"id1,5", b"0.9", CSV, CSV, joined()) == b"id1,5,0.9"
    assert make_output_line(b"id1,5", b"0.9", CSV, CSV, joined("$[0,-1]")) == b"id1,0.9"
    assert json.loads(make_output_line(b'{"id": 1}', b'{"p": 2}', JSON, JSON, joined())) == {
        "id": 1,
        "SageMakerOutput": {"p": 2},
    }
    assert json.loads(make_output_line(b"[1]", b"2", JSON, JSON, joined())) == {
        "SageMakerInput": [1],
        "SageMakerOutput": 2,
    }


def test_a_joined_record_is_json_where_its_numbers_are_missing():
    line = make_output_line(b'{"x": NaN, "y": Infinity}', b"[1]", JSON, JSON, joined())
    assert line == b'{"x": null, "y": null, "SageMakerOutput": [1]}'


def test_one_answer_for_each_record():
    assert split_answers(b"1\n\n2\n", 2, CSV) == [b"1", b"2"]
    assert split_answers(b'{"a":\n1}\n', 1, JSON) == [b'{"a":\n1}']
    with pytest.raises(OptionError, match="2 records were sent and 1 lines"):
        split_answers(b"1\n", 2, CSV)


def test_a_malformed_record():
    with pytest.raises(OptionError, match="not JSON"):
        make_output_line(b"{", b"1", JSON, JSON, joined())


def test_lines_end_with_one_newline():
    assert join_lines([b"a\r\n", b"b"]) == b"a\nb\n"
