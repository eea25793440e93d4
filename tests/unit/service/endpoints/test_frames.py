import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.endpoints.frames import (
    HEAD_BYTES,
    MORE,
    MOST_FRAME_BYTES,
    Broken,
    Frame,
    Unpacker,
    meta_of,
    packed,
    request_meta,
    texts_of,
)

FRAMES = st.builds(
    Frame,
    id=st.integers(0, 2**64 - 1),
    status=st.integers(0, 999),
    flags=st.sampled_from([0, MORE]),
    meta=st.binary(max_size=40),
    body=st.binary(max_size=200),
)


def bytes_of(frame: Frame) -> bytes:
    return packed(frame.id, frame.status, frame.meta, frame.body, flags=frame.flags)


@settings(deadline=None)
@given(frames=st.lists(FRAMES, max_size=8), cuts=st.lists(st.integers(1, 60), min_size=1))
def test_frames_come_whole_however_the_bytes_are_cut(frames: list[Frame], cuts: list[int]):
    data, unpacker, found, at, turn = b"".join(map(bytes_of, frames)), Unpacker(), [], 0, 0
    while at < len(data):
        step = cuts[turn % len(cuts)]
        found += unpacker.feed(data[at : at + step])
        at, turn = at + step, turn + 1
    assert found == frames


def test_texts_survive_what_would_end_them():
    meta = meta_of("text/csv; header=present", "ä\nb", "")
    assert texts_of(meta, 3) == ["text/csv; header=present", "ä b", ""]
    assert texts_of(b"only", 3) == ["only", "", ""]
    assert texts_of(meta_of("text/csv\r\nx: y\x7f", "\t"), 2) == ["text/csv  x: y ", " "]


def test_a_requests_own_texts_are_behind_its_clients():
    meta = request_meta(meta_of("text/csv", "", "a\nb"), timeout_s=0.5, request_id="r-1")
    assert texts_of(meta, 5) == ["text/csv", "", "a b", "0.5", "r-1"]


@pytest.mark.parametrize(
    "data",
    [b"\xff" * HEAD_BYTES, b"\0" * HEAD_BYTES, (MOST_FRAME_BYTES + 1).to_bytes(4, "big") + b"\0" * HEAD_BYTES],
)
def test_what_is_no_frame_breaks_the_link(data: bytes):
    with pytest.raises(Broken):
        list(Unpacker().feed(data))


def test_texts_longer_than_their_frame_break_the_link():
    whole = bytearray(packed(20, 0, b"meta", b""))
    whole[HEAD_BYTES - 1] = 200
    with pytest.raises(Broken, match="longer than itself"):
        list(Unpacker().feed(bytes(whole)))


def test_a_frame_too_large_is_not_packed():
    with pytest.raises(ValueError, match="more than"):
        packed(20, 0, b"", b"x" * MOST_FRAME_BYTES)
