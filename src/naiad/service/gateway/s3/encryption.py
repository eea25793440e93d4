"""Encryption in headers: what a request asks for (kept and said back), and the key of a customer (SSE-C), which encrypts here.

SSE-S3 and SSE-KMS name keys that AWS holds. There are none here: the disk of the store is as safe as its owner makes it, and the
request's words are kept with the object, as its readers expect.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from naiad.service.blobs.customer_key import KEY_BYTES
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.s3.errors import S3Error, invalid_argument

ALGORITHM_HEADER = "x-amz-server-side-encryption"
KMS_KEY_HEADER = f"{ALGORITHM_HEADER}-aws-kms-key-id"
ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse")
_KMS_HEADERS = (KMS_KEY_HEADER, f"{ALGORITHM_HEADER}-context", f"{ALGORITHM_HEADER}-bucket-key-enabled")
ENCRYPTION_HEADERS = (ALGORITHM_HEADER, *_KMS_HEADERS)
_CUSTOMER = f"{ALGORITHM_HEADER}-customer-"
_COPY_SOURCE = "x-amz-copy-source-server-side-encryption-customer-"
_CUSTOMER_ALGORITHM = "AES256"


def encryption_headers(request: Request) -> dict[str, str]:
    """Returns the headers of SSE-S3 and SSE-KMS, which are kept. Raises S3Error for those that do not go together."""
    headers = {name: value for name in ENCRYPTION_HEADERS if (value := request.header(name))}
    if not headers:
        return headers
    algorithm = headers.get(ALGORITHM_HEADER, "")
    if algorithm not in ALGORITHMS:
        raise invalid_argument(f"{ALGORITHM_HEADER} {algorithm[:20]!r}: give {' or '.join(ALGORITHMS[:2])}")
    if algorithm == "AES256" and len(headers) > 1:
        raise invalid_argument(f"{ALGORITHM_HEADER} is AES256, and {max(headers)} belongs to aws:kms")
    if any(name.startswith(_CUSTOMER) for name in request.headers):
        raise invalid_argument(
            "the request asks for encryption by AWS's keys and by a customer's key: give one of them"
        )
    return headers


def check_no_encryption_headers(request: Request) -> None:
    """Raises S3Error for a read that says how to encrypt."""
    if request.header(ALGORITHM_HEADER):
        raise invalid_argument(f"{ALGORITHM_HEADER} belongs to what is put, not to what is read")


def customer_key(request: Request, *, of_copy_source: bool = False) -> bytes | None:
    """Returns the key of SSE-C in the headers; None without them. Raises S3Error for headers that are incomplete or wrong."""
    prefix = _COPY_SOURCE if of_copy_source else _CUSTOMER
    algorithm, text = request.headers.get(f"{prefix}algorithm"), request.headers.get(f"{prefix}key")
    md5 = request.headers.get(f"{prefix}key-md5")
    if algorithm is None and text is None and md5 is None:
        return None
    if algorithm is None or text is None or md5 is None:
        raise invalid_argument(f"{prefix}algorithm, -key and -key-MD5 come together: one of them is missing")
    if algorithm != _CUSTOMER_ALGORITHM:
        raise S3Error("InvalidEncryptionAlgorithmError", 400, f"{prefix}algorithm {algorithm[:20]!r}: give AES256")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise invalid_argument(f"{prefix}key is not the base64 of {KEY_BYTES} bytes")
    if base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode() != md5:
        raise invalid_argument(f"{prefix}key-MD5 is not the MD5 of the key; was it damaged on the way?")
    return key


def customer_key_headers(request: Request) -> dict[str, str]:
    """Returns the headers of a response to a request with a key that was right."""
    names = (f"{_CUSTOMER}algorithm", f"{_CUSTOMER}key-md5")
    return {name: value for name in names if (value := request.header(name))}


def encryption_response_headers(request: Request, kept: Mapping[str, str]) -> dict[str, str]:
    """Returns what the response of a write says of the encryption. ``kept``: the headers that are kept with the object."""
    return {name: kept[name] for name in ENCRYPTION_HEADERS if name in kept} | customer_key_headers(request)
