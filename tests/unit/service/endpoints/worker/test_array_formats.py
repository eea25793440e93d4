import contextlib
import io
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.endpoints.worker.array_formats import (
    array_from_json,
    parse_csv_array,
    parse_json,
    parse_json_lines,
    parse_npy,
    parse_raw,
)
from naiad.service.endpoints.worker.inference import InferenceError


def npy(values: np.ndarray, **more: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, values, **more)
    return file.getvalue()


def test_json_may_be_wrapped():
    for body in (b"[1, 2]", b'{"instances": [1, 2]}', b'{"inputs": [1, 2]}', b'{"data": [1, 2], "more": 0}'):
        assert parse_json(body) == [1, 2]
    assert parse_json(b'{"age": 3}') == {"age": 3}


def test_what_python_writes_for_missing_numbers_is_read():
    missing = json.dumps({"instances": [[math.nan, 1.5, 10**30], [math.inf, -math.inf, 0]]}).encode()
    assert parse_json(missing) == [[None, 1.5, 10**30], [math.inf, -math.inf, 0]]
    assert np.isnan(array_from_json(parse_json(missing))).tolist() == [[True, False, False], [False] * 3]
    assert parse_json(b'{"name": "NaN", "age": NaN}') == {"name": "NaN", "age": None}
    assert parse_json_lines(b"[NaN]\n[1]\n") == [[None], [1]]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000, b"[NaN", b"[NaN]]", b"[nan]", b"\xffNaN"])
def test_malformed_json_is_refused(body: bytes):
    with pytest.raises(InferenceError, match="not JSON"):
        parse_json(body)


def test_arrays_from_nested_lists():
    assert array_from_json([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert np.isnan(array_from_json([1.0, None])[1])
    for value in ([[1], [2, 3]], {"a": 1}, "text", [10**400], None):
        with pytest.raises(InferenceError) as raised:
            array_from_json(value)
        assert raised.value.status == 400


def test_json_lines_and_csv_rows():
    assert parse_json_lines(b"1\n\n[2]\n") == [1, [2]]
    assert parse_csv_array(b"1,2\n3,\n").tolist()[0] == [1, 2]
    for body, message in (
        (b"1,2\n3\n", "1 to 2 cells"),
        (b"a,b\n", "not a number"),
        (b"", "no rows"),
        (b"\xff", "not CSV"),
        (b'"', "not CSV"),
    ):
        with pytest.raises(InferenceError, match=message):
            parse_csv_array(body)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.ones((2, 3))),
        np.zeros((0, 3)),
        np.array(b">f4")[None].view("u1"),
    ],
)
def test_npy_round_trip(values: np.ndarray):
    np.testing.assert_array_equal(parse_npy(npy(values)), values)


def test_npy_is_never_unpickled_and_its_header_never_trusted(tmp_path: Path):
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "loaded",))  # type: ignore[return-value]

    pickled = npy(np.array([Evil()], dtype=object), allow_pickle=True)
    huge = npy(np.zeros(1)).replace(b"(1,)", b"(10**99,)"[:4])
    structured = npy(np.zeros(2, dtype=[("a", "f4")]))
    claims = bytearray(npy(np.zeros(3)))
    claims[claims.index(b"(3,)") : claims.index(b"(3,)") + 4] = b"(9,)"
    for body in (
        pickled,
        huge[:-3],
        structured,
        bytes(claims),
        pickle.dumps(Evil()),
        b"\x93NUMPY\x09\x00" + b"\0" * 99,
        b"",
    ):
        with pytest.raises(InferenceError):
            parse_npy(body)
    assert not (tmp_path / "loaded").exists()


@settings(deadline=None, max_examples=300)
@given(noise=st.binary(max_size=60), at=st.integers(0, 200))
def test_a_corrupted_npy_is_an_array_or_refused(noise: bytes, at: int):
    body = bytearray(npy(np.arange(4.0)))
    body[at : at + len(noise)] = noise
    with contextlib.suppress(InferenceError):
        assert parse_npy(bytes(body)).dtype.kind in "buif"


def test_raw_bytes():
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_array_equal(parse_raw(values.tobytes(), values.dtype, (4,)), values)
    for body in (b"", b"123"):
        with pytest.raises(InferenceError, match="bytes; a sample has 16"):
            parse_raw(body, values.dtype, (4,))
