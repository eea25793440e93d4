"""AWS's event stream: how parts of an answer are framed (application/vnd.amazon.eventstream).

A message is: its length, its headers' length, their CRC-32, the headers, the payload, and the CRC-32 of all before it; numbers
are big-endian. A header is a name, a type and a value; texts have type 7.
"""

import json
import struct
import zlib
from collections.abc import Mapping

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_TEXT = 7


def payload_part(body: bytes) -> bytes:
    headers = {":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"}
    return _message(headers, body)


def failure(kind: str, message: str, code: str) -> bytes:
    """kind: ModelStreamError or InternalStreamFailure. Nothing may follow it."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return _message(headers, json.dumps({"Message": message, "ErrorCode": code}).encode())


def _message(headers: Mapping[str, str], payload: bytes) -> bytes:
    packed = b"".join(_header(name, value) for name, value in headers.items())
    total = 4 + 4 + 4 + len(packed) + len(payload) + 4
    prelude = struct.pack("!II", total, len(packed))
    head = prelude + struct.pack("!I", zlib.crc32(prelude))
    whole = head + packed + payload
    return whole + struct.pack("!I", zlib.crc32(whole))


def _header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    return struct.pack("!B", len(name_bytes)) + name_bytes + struct.pack("!BH", _TEXT, len(value_bytes)) + value_bytes
