"""Rejected signatures: wrong, outdated, changed, replayed and missing ones."""

import base64
import hashlib
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from naiad.service.keys import Keys

END = b"Connection: close\r\n\r\n"


def test_wrong_secrets_and_unknown_keys(target: Any) -> None:
    own = target.address.access_key
    status, text = target.call("GET", "/naiad", key=(own, "wrong" * 8))
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    status, text = target.call("GET", "/naiad", key=("AKIANOBODY", target.address.secret_key))
    assert (status, "InvalidAccessKeyId" in text) == (403, True)
    status, text = target.api(b"{}", key=(own, "wrong" * 8))
    assert (status, "InvalidSignatureException" in text) == (400, True)
    status, text = target.api(b"{}", key=("AKIANOBODY", "x"))
    assert (status, "UnrecognizedClientException" in text) == (400, True)


def test_unsigned_requests(target: Any) -> None:
    status, text = target.get("/naiad/secret")
    assert (status, "<Code>AccessDenied</Code>" in text) == (403, True)
    post = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: SageMaker.ListTrainingJobs\r\nContent-Length: 2\r\n\r\n{}"
    status, text = target.exchange(post)
    assert (status, "MissingAuthenticationToken" in text) == (403, True)


@pytest.mark.parametrize("ago_s", [330, -330])
def test_headers_older_or_newer_than_five_minutes(target: Any, ago_s: int) -> None:
    status, text = target.call("GET", "/naiad/secret", ago_s=ago_s)
    assert (status, "RequestTimeTooSkewed" in text) == (403, True)
    status, text = target.api(b"{}", ago_s=ago_s)
    assert (status, "InvalidSignatureException" in text) == (400, True)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_expired_urls(target: Any, version: str) -> None:
    """A URL that lives two seconds is used until it has expired."""
    store = target.client("s3", config=Config(signature_version=version))
    parts = urlsplit(store.generate_presigned_url("get_object", {"Bucket": "naiad", "Key": "data/a.txt"}, ExpiresIn=2))
    path, deadline = f"{parts.path}?{parts.query}", time.monotonic() + 20
    status, text = target.get(path)
    assert status == 200
    while status == 200 and time.monotonic() < deadline:
        status, text = target.get(path)
    assert (status, "expired" in text) == (403, True)
    for extended in (
        re.sub(r"Expires=\d+", "Expires=9999999999", path),
        re.sub(r"Expires=\d+", "Expires=600000", path),
    ):
        assert target.get(extended)[0] == 403


@pytest.mark.slow
def test_replayed_changes(target: Any) -> None:
    """Repeats until the moment is over in which a replay is accepted; a unit test checks that moment with a clock of its own."""
    store = target.client("s3")
    stop, body = {"X-Amz-Target": "SageMaker.StopTrainingJob"}, b'{"TrainingJobName":"nobody"}'
    signed = target.head("POST", "/", service="sagemaker", body=body, headers=stop)
    requests = (
        target.head("DELETE", "/naiad/mine") + END,
        signed + f"Content-Length: {len(body)}\r\n".encode() + END + body,
    )
    answers, deadline = ["", ""], time.monotonic() + 30
    while not all("came before" in text for text in answers) and time.monotonic() < deadline:
        answers = [target.exchange(data)[1] for data in requests]
    assert [text.split()[1] for text in answers] == ["403", "400"]
    store.put_object(Bucket="naiad", Key="mine", Body=b"second")
    assert target.exchange(requests[0])[0] == 403
    assert store.get_object(Bucket="naiad", Key="mine")["Body"].read() == b"second"


def test_a_revoked_key(target: Any) -> None:
    keys = Keys(target.state / "keys.json")
    key = keys.add("short")
    assert target.call("GET", "/naiad/secret", key=(key.access_key, key.secret_key))[0] == 200
    keys.revoke("short")
    status, text = target.call("GET", "/naiad/secret", key=(key.access_key, key.secret_key))
    assert (status, "InvalidAccessKeyId" in text) == (403, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/naiad/data/a.txt", b"/naiad/secret"),
        (b"/naiad/data/a.txt", b"/naiad//data/a.txt"),
        (b"/naiad/data/a.txt", b"//naiad/data/a.txt"),
        (b"/naiad/data/a.txt", b"/naiad/./data/a.txt"),
        (b"/naiad/data/a.txt", b"/naiad/data/x/../a.txt"),
        (b"/naiad/data/a.txt", b"/naiad/data/%61.txt"),
        (b"/naiad/data/a.txt", b"/naiad/data/a.txt?acl="),
        (b"/naiad/data/a.txt", b"/naiad/data/a.txt?"
         b"response-content-type=text/html"),
        (b"GET", b"DELETE"),
        (b"Range: bytes=0-0", b"Range: bytes=0-9"),
        (b"Host: 127.0.0.1", b"Host: localhost"),
        (b"Host: 127.0.0.1", b"Host: naiad.s3.amazonaws.com\r\nHost: 127.0.0.1"),
        (b"Range: ", b"x-amz-copy-source: /naiad/secret\r\nRange: "),
        (b"Range: ", b"X-Amz-Target: SageMaker.StopTrainingJob\r\nRange: "),
        (b"Range: ", b"Range: bytes=0-99\r\nRange: "),
    ],
)  # fmt: skip
def test_requests_changed_after_signing(target: Any, old: bytes, new: bytes) -> None:
    """A valid signature with another path, query, header or method."""
    good = target.head("GET", "/naiad/data/a.txt", headers={"Range": "bytes=0-0"})
    status, text = target.exchange(good + END)
    assert (status, text.endswith("\r\na")) == (206, True)
    status, text = target.exchange(good.replace(old, new, 1) + END)
    assert status == 403, text
    assert "classified" not in text


def test_a_copy_where_a_put_was_signed(target: Any) -> None:
    good = target.head("PUT", "/naiad/mine-too")
    added = b"x-amz-copy-source: /naiad/secret\r\nContent-Length: 0\r\n"
    status, text = target.exchange(good + added + END)
    assert (status, "not signed" in text) == (403, True)


def test_a_body_other_than_the_signed_one(target: Any) -> None:
    for service, path in (("s3", "/naiad/other-body"), ("sagemaker", "/")):
        method = "PUT" if service == "s3" else "POST"
        signed = target.head(method, path, body=b"hello", service=service)
        status, text = target.exchange(signed + b"Content-Length: 5\r\n" + END + b"hullo")
        assert status in (400, 403), text
    with pytest.raises(ClientError, match="404"):
        target.client("s3").head_object(Bucket="naiad", Key="other-body")


@pytest.mark.parametrize("checksum", ["content-md5", "x-amz-checksum-sha256", "x-amz-checksum-crc32"])
def test_a_wrong_checksum(target: Any, checksum: str) -> None:
    size = {"content-md5": 16, "x-amz-checksum-sha256": 32, "x-amz-checksum-crc32": 4}[checksum]
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()[:size]).decode()
    status, text = target.call("PUT", "/naiad/lie", b"hello", headers={checksum: wrong})
    assert (status, "<Code>BadDigest</Code>" in text) == (400, True)
    with pytest.raises(ClientError, match="404"):
        target.client("s3").head_object(Bucket="naiad", Key="lie")


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%FF/%FF/%FF/s3/aws4_request&X-Amz-Date=x",
        "AWSAccessKeyId={key}&Expires=9999999999&Signature=%C3%BC",
        "AWSAccessKeyId={key}&Expires=%D9%A9%D9%A9%D9%A9%D9%A9%D9%A9%D9%A9%D9%A9%D9%A9%D9%A9%D9%A9&Signature=x",
        "AWSAccessKeyId={key}&Expires=00000000000000000001" + "9" * 5_000 + "&Signature=x",
        "AWSAccessKeyId=%00&Expires=9999999999&Signature=",
        "AWSAccessKeyId=" + "x" * 20_000 + "&Expires=9999999999&Signature=",
    ],
    ids=["bare", "no text", "beyond ASCII", "another script's digits", "endless digits", "NUL", "long"],
)
def test_forged_urls(target: Any, query: str) -> None:
    status, text = target.get(f"/naiad/secret?{query.format(key=target.address.access_key)}")
    assert status == 403, text
    assert "<Error>" in text
