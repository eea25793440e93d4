"""Frames: the binary messages between the server and a worker. One write may carry many of them.

    length: u32 | id: u64 | status: u16 | flags: u8 | length of meta: u16 | meta | body

Numbers are big-endian; the length counts the bytes that follow it. The meta of a request holds five texts: content type,
accept, custom attributes, seconds to the deadline, and the request's id in logs. The meta of a response holds two: content type
and custom attributes. A response may come in several frames, one for each chunk of its body.

Both sides are of one version. The server checks what it receives all the same, since a user's code may write to the socket of
its worker.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTROL_CHARACTERS = dict.fromkeys((*range(32), 127), " ")
_HEAD = struct.Struct("!IQHBH")
_LENGTH = struct.Struct("!I")
HEAD_BYTES = _HEAD.size
_MIN_LENGTH = HEAD_BYTES - _LENGTH.size
MAX_FRAME_BYTES = 64 * 2**20
MAX_RESPONSE_FRAME_BYTES = 4 * 2**20
"""The limit of a worker's frames. A longer response comes in several: the server reads each in one step of its loop."""
MORE, ORIGINAL_STATUS = 1, 2
"""Flags of a response: more chunks follow; the status is the one of the model's own program, which has failed."""
STOP, PAUSE, RESUME = 4, 8, 16
"""Flags of a frame with which the server controls a streamed response."""
READY, PORT_COUNTS = 0, 1
"""Ids that no request has. A worker sends READY once, with status 200 or with the reason why its model cannot be loaded. It sends
PORT_COUNTS with what its own port has answered since the last time: JSON, a list of [status, count, seconds in total]."""
FIRST_REQUEST_ID = 16


class FrameError(Exception):  # reason: the end of a connection, not an error of the program's
    """The bytes are not a frame, so the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Frame:
    id: int
    status: int
    """0 in a request."""
    flags: int
    meta: bytes
    """Texts, separated by newlines; no text contains one."""
    body: bytes


def pack_frame(frame_id: int, status: int, meta: bytes, body: bytes, *, flags: int = 0) -> bytes:
    """Raises ValueError for a frame that is larger than MAX_FRAME_BYTES."""
    return pack_frame_head(frame_id, status, meta, len(body), flags=flags) + body


def pack_frame_head(frame_id: int, status: int, meta: bytes, body_bytes: int, *, flags: int = 0) -> bytes:
    """Returns a frame without its body, which follows. Raises ValueError."""
    length = _MIN_LENGTH + len(meta) + body_bytes
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length:,} bytes is more than the {MAX_FRAME_BYTES:,} allowed")
    return _HEAD.pack(length, frame_id, status, flags, len(meta)) + meta


def encode_meta(*texts: str) -> bytes:
    """Control characters become blanks, since they would end a text, or an HTTP header, early. Never raises."""
    if not "".join(texts).isprintable():  # one check for all texts: this runs for each request
        texts = tuple(map(replace_control_characters, texts))
    return "\n".join(texts).encode("utf-8", "replace")[:65_000]


def replace_control_characters(text: str) -> str:
    """Returns the text with a blank for each control character: no HTTP header may hold one."""
    return text if text.isprintable() else text.translate(_CONTROL_CHARACTERS)


def encode_request_meta(meta: bytes, *, timeout_s: float, request_id: str) -> bytes:
    """Returns all five texts of a request. meta: the first three of them, from ``encode_meta``."""
    return b"%b\n%g\n%b" % (meta, timeout_s, request_id.encode())


def decode_meta(meta: bytes, count: int) -> list[str]:
    """Returns ``count`` texts; those that are missing are empty."""
    texts = meta.decode("utf-8", "replace").split("\n", count - 1)
    return texts + [""] * (count - len(texts))


class FrameUnpacker:
    """Takes bytes as they arrive and gives complete frames."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._pieces: list[bytes] = []
        self._buffered_bytes = 0
        self._needed_bytes = HEAD_BYTES

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Raises FrameError."""
        self._pieces.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes < self._needed_bytes:
            return
        buffer = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        start = 0
        while (end := self._find_end(buffer, start)) is not None:
            yield _parse_frame(buffer, start, end)
            start = end
        self._pieces = [buffer[start:]] if start < len(buffer) else []
        self._buffered_bytes = len(buffer) - start

    def _find_end(self, buffer: bytes, start: int) -> int | None:
        """Returns the end of the frame that begins at ``start``; None while it is incomplete. Sets ``_needed_bytes``."""
        if len(buffer) - start < HEAD_BYTES:
            self._needed_bytes = HEAD_BYTES
            return None
        (length,) = _LENGTH.unpack_from(buffer, start)
        if not _MIN_LENGTH <= length <= self._max_frame_bytes:
            raise FrameError(f"a frame of {length:,} bytes")
        self._needed_bytes = _LENGTH.size + length
        return start + self._needed_bytes if len(buffer) - start >= self._needed_bytes else None


def _parse_frame(buffer: bytes, start: int, end: int) -> Frame:
    _, frame_id, status, flags, meta_bytes = _HEAD.unpack_from(buffer, start)
    body_start = start + HEAD_BYTES + meta_bytes
    if body_start > end:
        raise FrameError("a frame whose meta is longer than the frame")
    return Frame(frame_id, status, flags, buffer[start + HEAD_BYTES : body_start], buffer[body_start:end])
