"""Words in place of the hash of a payload."""

import hashlib

import pytest

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.payload_words import CHUNKED, check_payload_hash

EMPTY_HASH = hashlib.sha256().hexdigest()


@pytest.mark.parametrize("text", [EMPTY_HASH, "UNSIGNED-PAYLOAD", *sorted(CHUNKED)])
def test_words_that_are_served(text):
    check_payload_hash(text)


@pytest.mark.parametrize(
    "text",
    [
        "STREAMING-FOO",
        "STREAMING-",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER-X",
        "STREAMING-UNSIGNED-PAYLOAD",
        "unsigned-payload",
        "UNSIGNED-PAYLOAD ",
        EMPTY_HASH[:-1],
        EMPTY_HASH + "0",
        EMPTY_HASH.upper(),
        EMPTY_HASH + "\n",
        "",
        "x" * 5_000,
    ],
)
def test_other_words(text):
    with pytest.raises(RequestRejected, match="x-amz-content-sha256") as caught:
        check_payload_hash(text)
    assert caught.value.kind == "payload word"
    assert len(str(caught.value)) < 300
