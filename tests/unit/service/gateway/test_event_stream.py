"""Read back by botocore, as a client reads it."""

from botocore.eventstream import EventStreamBuffer

from naiad.service.gateway.event_stream import failure, payload_part


def read(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


def test_parts():
    (first, second) = read(payload_part(b"hello") + payload_part(b""))
    assert first[0] == {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }
    assert (first[1], second[1]) == (b"hello", b"")


def test_a_failure():
    ((headers, payload),) = read(failure("ModelStreamError", "it böke", "Code"))
    assert headers[":message-type"] == "exception"
    assert headers[":exception-type"] == "ModelStreamError"
    assert b'"ErrorCode": "Code"' in payload
