"""Event streams, decoded by botocore as a client does."""

from botocore.eventstream import EventStreamBuffer

from naiad.service.gateway.protocol.event_stream import encode_exception, encode_payload_part


def read(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


def test_payload_parts():
    (first, second) = read(encode_payload_part(b"hello") + encode_payload_part(b""))
    assert first[0] == {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }
    assert (first[1], second[1]) == (b"hello", b"")


def test_an_exception():
    ((headers, payload),) = read(encode_exception("ModelStreamError", "it böke", "Code"))
    assert headers[":message-type"] == "exception"
    assert headers[":exception-type"] == "ModelStreamError"
    assert b'"ErrorCode": "Code"' in payload
