import contextlib
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.endpoints.worker.array_formats import (
    array_of,
    csv_array,
    json_lines,
    json_value,
    npy_array,
    raw_array,
)
from naiad.service.endpoints.worker.inference import Unfit


def npy(values: np.ndarray, **more: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, values, **more)
    return file.getvalue()


def test_json_bare_and_wrapped():
    for body in (b"[1, 2]", b'{"instances": [1, 2]}', b'{"inputs": [1, 2]}', b'{"data": [1, 2], "more": 0}'):
        assert json_value(body) == [1, 2]
    assert json_value(b'{"age": 3}') == {"age": 3}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000, b"NaN"])
def test_what_is_no_json(body: bytes):
    with pytest.raises(Unfit, match="no JSON"):
        json_value(body)


def test_arrays():
    assert array_of([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert np.isnan(array_of([1.0, None])[1])
    for value in ([[1], [2, 3]], {"a": 1}, "text", [10**400], None):
        with pytest.raises(Unfit) as refused:
            array_of(value)
        assert refused.value.status == 400


def test_lines_and_rows():
    assert json_lines(b"1\n\n[2]\n") == [1, [2]]
    assert csv_array(b"1,2\n3,\n").tolist()[0] == [1, 2]
    for body, said in (
        (b"1,2\n3\n", "1 to 2 cells"),
        (b"a,b\n", "no number"),
        (b"", "no rows"),
        (b"\xff", "no CSV"),
        (b'"', "no CSV"),
    ):
        with pytest.raises(Unfit, match=said):
            csv_array(body)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.ones((2, 3))),
        np.zeros((0, 3)),
        np.array(b">f4")[None].view("u1"),
    ],
)
def test_npy(values: np.ndarray):
    np.testing.assert_array_equal(npy_array(npy(values)), values)


def test_npy_is_never_unpickled_and_never_believed(tmp_path: Path):
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
        with pytest.raises(Unfit):
            npy_array(body)
    assert not (tmp_path / "loaded").exists()


@settings(deadline=None, max_examples=300)
@given(noise=st.binary(max_size=60), at=st.integers(0, 200))
def test_a_spoilt_npy_is_an_array_or_refused(noise: bytes, at: int):
    body = bytearray(npy(np.arange(4.0)))
    body[at : at + len(noise)] = noise
    with contextlib.suppress(Unfit):
        assert npy_array(bytes(body)).dtype.kind in "buif"


def test_raw():
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_array_equal(raw_array(values.tobytes(), values.dtype, (4,)), values)
    for body in (b"", b"123"):
        with pytest.raises(Unfit, match="bytes; a sample has 16"):
            raw_array(body, values.dtype, (4,))
