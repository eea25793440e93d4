import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naiad.service.endpoints.frames import (
    HEAD_BYTES,
    MAX_FRAME_BYTES,
    MAX_RESPONSE_FRAME_BYTES,
    MORE,
    Frame,
    FrameError,
    FrameUnpacker,
    decode_meta,
    encode_meta,
    encode_request_meta,
    pack_frame,
)

FRAMES = st.builds(
    Frame,
    id=st.integers(0, 2**64 - 1),
    status=st.integers(0, 999),
    flags=st.sampled_from([0, MORE]),
    meta=st.binary(max_size=40),
    body=st.binary(max_size=200),
)


def pack(frame: Frame) -> bytes:
    return pack_frame(frame.id, frame.status, frame.meta, frame.body, flags=frame.flags)


@settings(deadline=None)
@given(frames=st.lists(FRAMES, max_size=8), cuts=st.lists(st.integers(1, 60), min_size=1))
def test_frames_are_complete_however_the_bytes_are_split(frames: list[Frame], cuts: list[int]):
    data, unpacker, unpacked, at, turn = b"".join(map(pack, frames)), FrameUnpacker(), [], 0, 0
    while at < len(data):
        step = cuts[turn % len(cuts)]
        unpacked += unpacker.feed(data[at : at + step])
        at, turn = at + step, turn + 1
    assert unpacked == frames


def test_control_characters_in_texts_become_blanks():
    meta = encode_meta("text/csv; header=present", "ä\nb", "")
    assert decode_meta(meta, 3) == ["text/csv; header=present", "ä b", ""]
    assert decode_meta(b"only", 3) == ["only", "", ""]
    assert decode_meta(encode_meta("text/csv\r\nx: y\x7f", "\t"), 2) == ["text/csv  x: y ", " "]


def test_request_meta_appends_the_timeout_and_the_id():
    meta = encode_request_meta(encode_meta("text/csv", "", "a\nb"), timeout_s=0.5, request_id="r-1")
    assert decode_meta(meta, 5) == ["text/csv", "", "a b", "0.5", "r-1"]


@pytest.mark.parametrize(
    "data",
    [b"\xff" * HEAD_BYTES, b"\0" * HEAD_BYTES, (MAX_FRAME_BYTES + 1).to_bytes(4, "big") + b"\0" * HEAD_BYTES],
)
def test_bytes_that_are_not_a_frame_raise(data: bytes):
    with pytest.raises(FrameError):
        list(FrameUnpacker().feed(data))


def test_a_meta_longer_than_its_frame_raises():
    data = bytearray(pack_frame(20, 0, b"meta", b""))
    data[HEAD_BYTES - 1] = 200
    with pytest.raises(FrameError, match="longer than the frame"):
        list(FrameUnpacker().feed(bytes(data)))


def test_a_frame_that_is_too_large_raises():
    with pytest.raises(ValueError, match="more than"):
        pack_frame(20, 0, b"", b"x" * MAX_FRAME_BYTES)


def test_a_reader_may_take_shorter_frames_only():
    unpacker = FrameUnpacker(MAX_RESPONSE_FRAME_BYTES)
    assert [len(frame.body) for frame in unpacker.feed(pack_frame(20, 200, b"", bytes(2**20)))] == [2**20]
    with pytest.raises(FrameError, match="a frame of"):
        list(unpacker.feed(pack_frame(20, 200, b"", bytes(MAX_RESPONSE_FRAME_BYTES))[:100]))
