"""Words that stand for the hash of a payload in x-amz-content-sha256: those that are served, and nothing else."""

import re

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.signature import UNSIGNED_PAYLOAD

UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_WITH_TRAILER = f"{SIGNED_CHUNKS}-TRAILER"
CHUNKED = frozenset({UNSIGNED_CHUNKS, SIGNED_CHUNKS, SIGNED_CHUNKS_WITH_TRAILER})
"""Words of bodies in aws-chunked form."""
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


def check_payload_hash(text: str) -> None:
    """Raises RequestRejected for what is neither a hash nor one of the words."""
    if text not in CHUNKED and text != UNSIGNED_PAYLOAD and not _HASH.fullmatch(text):
        words = ", ".join((UNSIGNED_PAYLOAD, *sorted(CHUNKED)))
        raise RequestRejected(
            "payload word", f"x-amz-content-sha256 is {text[:40]!r}: give {words} or a SHA-256 in hex"
        )
