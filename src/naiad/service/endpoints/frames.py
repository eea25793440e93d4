"""What goes over the socket between the server and a worker: frames, many of them in one write.

A request is an id, five texts (content type, accept, custom attributes, seconds to its deadline, the request's id in logs) and a
body; a response is the id, a status, two texts (content type, custom attributes) and a body, which may come in parts. Both sides
are ours and of one version; what a worker sends is read with suspicion all the same, since a user's code may write to its socket.

    length: u32 | id: u64 | status: u16 | flags: u8 | length of meta: u16 | meta | body

Numbers are big-endian; the length is of what follows it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTROLS = dict.fromkeys((*range(32), 127), " ")
_HEAD = struct.Struct("!IQHBH")
_LENGTH = struct.Struct("!I")
HEAD_BYTES = _HEAD.size
_AFTER_LENGTH = HEAD_BYTES - _LENGTH.size
MOST_FRAME_BYTES = 64 * 2**20
MORE, ORIGINAL = 1, 2
"""Flags of a response: further parts of it follow; its status is what a program answered, which is no success."""
STOP, PAUSE, GO = 4, 8, 16
"""Flags of a frame that the server sends about a stream that it is being sent: no more of it; not now; go on."""
READY, PING, COUNTED = 0, 1, 2
"""Ids that no request has. A worker says READY once, in a frame whose body tells what it is, and COUNTED with what was asked at
its own port since the last time: JSON, a list of [status, how many, their seconds together]."""
FIRST_ID = 16


class Broken(Exception):  # reason: the end of a connection, not an error of the program's
    """Bytes that are no frame: the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Frame:
    id: int
    status: int
    """0 in a request."""
    flags: int
    meta: bytes
    """Texts, one behind the other with a newline between; none holds one."""
    body: bytes


def packed(number: int, status: int, meta: bytes, body: bytes, *, flags: int = 0) -> bytes:
    length = _AFTER_LENGTH + len(meta) + len(body)
    if length > MOST_FRAME_BYTES:
        raise ValueError(f"a frame of {length:,} bytes is more than the {MOST_FRAME_BYTES:,} allowed")
    return _HEAD.pack(length, number, status, flags, len(meta)) + meta + body


def meta_of(*texts: str) -> bytes:
    """Raises nothing: what would end a text, or a header, early is taken out of it."""
    if not "".join(texts).isprintable():  # at once: this is done for each request
        texts = tuple(map(one_line, texts))
    return "\n".join(texts).encode("utf-8", "replace")[:65_000]


def one_line(text: str) -> str:
    """Without control characters, which no header may have."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def request_meta(meta: bytes, *, timeout_s: float, request_id: str) -> bytes:
    """meta: of the first three texts."""
    return b"%b\n%g\n%b" % (meta, timeout_s, request_id.encode())


def texts_of(meta: bytes, count: int) -> list[str]:
    texts = meta.decode("utf-8", "replace").split("\n", count - 1)
    return texts + [""] * (count - len(texts))


class Unpacker:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._wanted = HEAD_BYTES

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Raises Broken."""
        self._parts.append(data)
        self._held += len(data)
        if self._held < self._wanted:
            return
        whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        at = 0
        while (frame_end := self._end_of_frame(whole, at)) is not None:
            yield _frame(whole, at, frame_end)
            at = frame_end
        self._parts = [whole[at:]] if at < len(whole) else []
        self._held = len(whole) - at

    def _end_of_frame(self, whole: bytes, at: int) -> int | None:
        """None while it is not whole; then ``_wanted`` says how much is needed."""
        if len(whole) - at < HEAD_BYTES:
            self._wanted = HEAD_BYTES
            return None
        (length,) = _LENGTH.unpack_from(whole, at)
        if not _AFTER_LENGTH <= length <= MOST_FRAME_BYTES:
            raise Broken(f"a frame of {length:,} bytes")
        self._wanted = _LENGTH.size + length
        return at + self._wanted if len(whole) - at >= self._wanted else None


def _frame(whole: bytes, at: int, end: int) -> Frame:
    _, number, status, flags, meta_bytes = _HEAD.unpack_from(whole, at)
    body_at = at + HEAD_BYTES + meta_bytes
    if body_at > end:
        raise Broken("a frame whose texts are longer than itself")
    return Frame(number, status, flags, whole[at + HEAD_BYTES : body_at], whole[body_at:end])
