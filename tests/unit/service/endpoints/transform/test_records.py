import json

import pytest

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import parse_path
from naiad.service.endpoints.transform.records import Processing, answers_of, is_csv, is_json, packed, processed, taken

CSV, JSON = "text/csv", "application/json"


def joined(output: str = "$") -> Processing:
    return Processing(parse_path("$"), parse_path(output), joins=True)


def test_kinds():
    assert is_csv("text/csv; charset=utf-8")
    assert is_json("application/jsonlines")
    assert not is_json("image/png")


def test_what_the_model_sees():
    assert taken(b'id,"a, b",3', CSV, parse_path("$[1:]")) == b'"a, b",3'
    assert taken(b'{"id": 1, "x": [1, 2]}', JSON, parse_path("$.x")) == b"[1, 2]"
    assert taken(b"as it is\xff", CSV, parse_path("$")) == b"as it is\xff"


def test_joins():
    assert processed(b"id1,5", b"0.9", CSV, CSV, joined()) == b"id1,5,0.9"
    assert processed(b"id1,5", b"0.9", CSV, CSV, joined("$[0,-1]")) == b"id1,0.9"
    assert json.loads(processed(b'{"id": 1}', b'{"p": 2}', JSON, JSON, joined())) == {
        "id": 1,
        "SageMakerOutput": {"p": 2},
    }
    assert json.loads(processed(b"[1]", b"2", JSON, JSON, joined())) == {"SageMakerInput": [1], "SageMakerOutput": 2}


def test_an_answer_for_each_record():
    assert answers_of(b"1\n\n2\n", 2, CSV) == [b"1", b"2"]
    assert answers_of(b'{"a":\n1}\n', 1, JSON) == [b'{"a":\n1}']
    with pytest.raises(OptionError, match="2 records were given and 1 lines"):
        answers_of(b"1\n", 2, CSV)


def test_what_is_no_record():
    with pytest.raises(OptionError, match="no JSON"):
        processed(b"{", b"1", JSON, JSON, joined())


def test_packed():
    assert packed([b"a\r\n", b"b"]) == b"a\nb\n"
