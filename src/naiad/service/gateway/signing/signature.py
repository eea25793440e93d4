"""A verified signature, and what both versions of signatures share. Knows secrets only through the function that it is given."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.session import Session

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_MAX_DIGITS = 20
SecretOf = Callable[[str], str | None]
"""Returns the secret key of an access key; None for one that may not be used."""


@dataclass(frozen=True)
class VerifiedSignature:
    """Content of a signature that was verified."""

    access_key: str
    service: str
    """The service in the credential scope: ``s3``, ``sagemaker``, …"""
    payload_hash: str
    """The signed SHA-256 of the body in hex, UNSIGNED-PAYLOAD, or STREAMING-…"""
    signature: str = ""
    """The signature in hex, from which those of signed chunks continue; "" for version 2."""
    scope: str = ""
    """``DAY/REGION/SERVICE/aws4_request``."""
    date: str = ""
    """Time of the signature, like 20300101T000000Z."""
    signing_key: bytes = b""
    is_presigned: bool = False
    """Whether it stands in a presigned URL, which may be used again."""
    session: Session | None = None
    """The session to which the access key belongs; None for a permanent key."""

    @property
    def permanent_key(self) -> str:
        return self.access_key if self.session is None else self.session.permanent_key


def check_equal(expected: str, actual: str, message: str) -> None:
    """Compares in a time that does not tell how much is right. Raises RequestRejected."""
    if not hmac.compare_digest(expected.encode(), actual.encode("utf-8", "replace")):
        raise RequestRejected("signature", message)


def secret_for(access_key: str, secret_of: SecretOf) -> str:
    """Raises RequestRejected."""
    secret = secret_of(access_key)
    if secret is None:
        raise RequestRejected("unknown key", "the access key is not known here")
    return secret


def parse_seconds(text: str, *, max_s: int) -> int:
    """Returns the lifetime, or the end, of a presigned URL. Raises RequestRejected."""
    if not text.isdecimal() or len(text) > _MAX_DIGITS or not 1 <= int(text) <= max_s:
        raise RequestRejected("signature", f"the URL's lifetime must be 1 to {max_s} seconds")
    return int(text)
