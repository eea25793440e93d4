"""AWS's event stream encoding (application/vnd.amazon.eventstream).

A message is: its length, the length of its headers, the CRC-32 of both, the headers, the payload, and the CRC-32 of everything
before it; numbers are big-endian. A header is a name, a type and a value; texts have type 7.
"""

import json
import struct
import zlib
from collections.abc import Mapping

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_TEXT = 7


def encode_payload_part(body: bytes) -> bytes:
    headers = {":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"}
    return _encode_message(headers, body)


def encode_exception(exception_type: str, message: str, code: str) -> bytes:
    """``exception_type``: ModelStreamError or InternalStreamFailure. It is the last message of a stream."""
    headers = {
        ":message-type": "exception",
        ":exception-type": exception_type,
        ":content-type": "application/json",
    }
    return _encode_message(headers, json.dumps({"Message": message, "ErrorCode": code}).encode())


def _encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    packed = b"".join(_encode_header(name, value) for name, value in headers.items())
    total = 4 + 4 + 4 + len(packed) + len(payload) + 4
    prelude = struct.pack("!II", total, len(packed))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _encode_header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    return struct.pack("!B", len(name_bytes)) + name_bytes + struct.pack("!BH", _TEXT, len(value_bytes)) + value_bytes
