"""Bodies that are too large, too slow, not what they say, or made to harm their reader."""

import base64
import gzip
import hashlib
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

MIB = 2**20
UNSIGNED = "UNSIGNED-PAYLOAD"
LIST = {"X-Amz-Target": "SageMaker.ListTrainingJobs"}


def stream_gigabyte(*, in_chunks: bool) -> Iterator[bytes]:
    block = b"x" * 65_536
    return itertools.repeat(b"10000\r\n" + block + b"\r\n" if in_chunks else block, 16_384)


@pytest.mark.parametrize("framing", ["Content-Length: 1073741824", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(
    ("service", "path", "query"),
    [("sagemaker", "/", ""), ("sts", "/", ""), ("s3", "/naiad", "?delete="), ("s3", "/naiad/k", "?uploadId=x")],
)
def test_a_gigabyte_where_a_megabyte_is_allowed(target: Any, service: str, path: str, query: str, framing: str) -> None:
    """Declared by a length, or undeclared in chunks."""
    named = LIST if service == "sagemaker" else {}
    signed = target.head("POST", path, query=query, service=service, headers=named, digest=UNSIGNED)
    more = stream_gigabyte(in_chunks="chunked" in framing)
    status, text = target.exchange(signed + f"{framing}\r\n\r\n".encode(), more=more)
    assert status in (413, 400, 0), text[:300]
    assert status == 0 or "TooLarge" in text


@pytest.mark.parametrize("length", [6 * 2**30, 2**63, 10**30])
def test_an_object_larger_than_s3_allows(target: Any, length: int) -> None:
    signed = target.head("PUT", "/naiad/huge", digest=UNSIGNED)
    status, text = target.exchange(signed + f"Content-Length: {length}\r\n\r\n".encode() + b"x")
    assert 400 <= status < 500, text


@pytest.mark.parametrize(
    ("body", "decoded"),
    [
        (b"8000000000000000\r\nx", "1"),
        (b"7fffffffffffffff\r\nx", "1"),
        (b"-5\r\nhello\r\n0\r\n\r\n", "5"),
        (b"+5\r\nhello\r\n0\r\n\r\n", "5"),
        (b"0x5\r\nhello\r\n0\r\n\r\n", "5"),
        (b"0_5\r\nhello\r\n0\r\n\r\n", "5"),
        (b" 5\r\nhello\r\n0\r\n\r\n", "5"),
        (b"\r\nhello\r\n0\r\n\r\n", "5"),
        (b"zz\r\nhello\r\n0\r\n\r\n", "5"),
        (b"5\r\nhello", "5"),
        (b"5\r\nhello\r\n", "5"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "5"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:no base64\r\n\r\n", "5"),
        (b"5\r\nhello\r\n0\r\n" + b"a:b\r\n" * 1_000 + b"\r\n", "5"),
        (b"5\r\nhello\r\n0\r\na:" + b"b" * 100_000 + b"\r\n\r\n", "5"),
        (b"5\r\nhello\r\n0\r\n\r\n", "50"),
        (b"5\r\nhello\r\n0\r\n\r\n", "1"),
        (b"5\r\nhello\r\n0\r\n\r\n", "-1"),
        (b"5\r\nhello\r\n0\r\n\r\n", "9" * 5_000),
        (b"5\r\nhelloworld\r\n0\r\n\r\n", "5"),
        (b"x" * 100_000, "5"),
    ],
    ids=["2^63", "2^63-1", "negative", "plus", "0x", "underscore", "blank", "nothing", "no number", "cut off", "no end",
         "lying checksum", "no checksum", "many trailers", "a long trailer", "says more", "says less", "says less than 0",
         "says endless", "longer", "one endless line"],
)  # fmt: skip
def test_malformed_chunked_bodies(target: Any, body: bytes, decoded: str) -> None:
    status, text = put_in_chunks(target, "lie", body, decoded)
    assert 400 <= status < 500, text
    assert "<Error>" in text
    assert is_absent(target, "lie")


def test_valid_chunked_bodies(target: Any) -> None:
    """Control for the test above: without the errors the same bodies are accepted."""
    for key, trailer in (("plain", b""), ("checked", b"x-amz-checksum-crc32:NhCmhg==\r\n")):
        status, text = put_in_chunks(target, key, b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", "5")
        assert status == 200, text
        assert target.client("s3").get_object(Bucket="naiad", Key=key)["Body"].read() == b"hello"


def put_in_chunks(target: Any, key: str, body: bytes, decoded: str) -> tuple[int, str]:
    headers = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": decoded}
    if b"x-amz-checksum" in body:
        headers["x-amz-trailer"] = "x-amz-checksum-crc32"
    signed = target.head("PUT", f"/naiad/{key}", digest="STREAMING-UNSIGNED-PAYLOAD-TRAILER", headers=headers)
    answer: tuple[int, str] = target.exchange(signed + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return answer


def is_absent(target: Any, key: str) -> bool:
    with pytest.raises(ClientError, match="404"):
        target.client("s3").head_object(Bucket="naiad", Key=key)
    return True


def test_a_length_that_is_not_the_bodys(target: Any) -> None:
    """A length that is too large must not store half an object; after one that is too small the rest is no request."""
    for digest in (None, UNSIGNED):
        signed = target.head("PUT", "/naiad/short", body=b"hello", digest=digest)
        status, text = target.exchange(signed + b"Content-Length: 50\r\n\r\nhello")
        assert status == 0 or 400 <= status < 500, text
        assert is_absent(target, "short")
    signed = target.head("PUT", "/naiad/short", body=b"hello")
    status, text = target.exchange(signed + b"Content-Length: 3\r\n\r\nhello")
    assert 400 <= status < 500, text
    assert is_absent(target, "short")


@pytest.mark.parametrize("path", ["/naiad/slow", "/"])
def test_a_body_that_falls_silent(target: Any, path: str) -> None:
    """A body that stops in the middle is answered after the timeout, and the connection is closed."""
    service = "s3" if path != "/" else "sagemaker"
    signed = target.head("PUT" if service == "s3" else "POST", path, service=service, headers=LIST, digest=UNSIGNED)
    started = time.monotonic()
    status, text = target.exchange(signed + b"Content-Length: 50\r\n\r\nhello", patience_s=20)
    assert (status, "RequestTimeout" in text) == (400, True), text
    assert time.monotonic() - started < 15


def test_many_silent_bodies_at_once(target: Any) -> None:
    """Bodies of unknown senders are not waited for, and other clients are served meanwhile; each has an allowed length."""
    unknown = target.head("POST", "/", service="sagemaker", headers=LIST, key=("AKIANOBODY", "x"))
    known = target.head("PUT", "/naiad/never", digest=UNSIGNED)
    connections = [target.connect() for _ in range(200)]
    try:
        for number, connection in enumerate(connections):
            connection.sendall((unknown, known)[number % 2] + b"Content-Length: 1000000\r\n\r\nx")
        for connection in connections[::2]:
            assert b"UnrecognizedClientException" in connection.recv(65_536)
        assert target.client("sts").get_caller_identity()["Account"]
    finally:
        for connection in connections:
            connection.close()
    assert is_absent(target, "never")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b'{"MaxResults": 1e999}',
        b'{"MaxResults": NaN}',
        b'{"MaxResults": -Infinity}',
        b'{"MaxResults": ' + b"9" * 10_000 + b"}",
        b'{"MaxResults": ' + b"9" * 1_000_000 + b"}",
        b'{"MaxResults": "1"}',
        b'{"MaxResults": 1, "MaxResults": "x"}',
        b'{"NextToken": "' + b"x" * 100_000 + b'"}',
        b'{"NextToken": "AAAA"}',
        b'{"CreationTimeAfter": 1e300}',
        b'"text"',
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b'{"NameContains": "\xc0\xae"}',
        b'{"NameContains": "\\ud800"}',
        b"<xml/>",
        b"Action=ListTrainingJobs",
        gzip.compress(b"0" * 100 * MIB, mtime=0),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_harmful_json(target: Any, body: bytes) -> None:
    for headers in ({}, {"Content-Encoding": "gzip"}, {"Content-Type": "text/xml"}):
        status, text = target.api(body, headers=headers)
        assert (status, "__type" in text) == (400, True), text[:300]


@pytest.mark.parametrize(
    "name",
    ["SageMaker.NoSuch", "SageMaker.", "", "Nobody.List", "SageMaker.ListTrainingJobs.More", "SageMaker.__init__",
     "sagemaker.ListTrainingJobs", "SageMaker.CreateDomain", "." * 1_000, "\xff\xfe"],
)  # fmt: skip
def test_unknown_targets(target: Any, name: str) -> None:
    status, text = target.api(b"{}", name)
    assert status in (400, 403)
    assert "UnknownOperationException" in text or not name.isascii()


@pytest.mark.parametrize(
    "body", [b"Action=NoSuch", b"", b"\xff", b"Action=" + b"x" * 100_000, b"&" * 100_000, b"a=b&" * 25_000]
)
def test_harmful_forms(target: Any, body: bytes) -> None:
    for service in ("sts", "iam", "monitoring"):
        status, text = target.call("POST", "/", body, service=service)
        assert (status, "<ErrorResponse>" in text) == (400, True), text[:300]


BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY e "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<Delete><Object><Key>&e;</Key></Object></Delete>"""
EXTERNAL_ENTITY = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Delete><Object><Key>&x;</Key></Object></Delete>"""
PARAMETER_ENTITY = b"""<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]><Delete/>"""


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        EXTERNAL_ENTITY,
        PARAMETER_ENTITY,
        b"<Delete>" * 50_000,
        b"<Delete><Object>",
        b"<Delete " + b"".join(b'a%d="b" ' % number for number in range(100_000)) + b"/>",
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1_001 + b"</Delete>",
        b"<Delete><Object><Key>&x;</Key></Object></Delete>",
        b"<?xml version='1.0' encoding='utf-7'?><Delete/>",
        "<?xml version='1.0' encoding='utf-16'?><Delete/>".encode("utf-16"),
        b"",
        b"\xff" * 100,
        b"{}",
        gzip.compress(b"<Delete/>", mtime=0),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_harmful_xml(target: Any, body: bytes) -> None:
    checksum = {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()}
    status, text = target.call("POST", "/naiad", body, query="?delete=", headers=checksum)
    assert (status, "<Error>" in text) == (400, True), text[:300]
    assert "root:" not in text
    status, text = target.call("POST", "/naiad/key", body, query="?uploadId=nobody")
    assert 400 <= status < 500, text[:300]


def test_a_compressed_object_is_stored_as_it_is(target: Any) -> None:
    """Content-Encoding concerns clients only: nothing is decompressed on its way in or out."""
    bomb = gzip.compress(b"0" * 100 * MIB, mtime=0)
    store = target.client("s3")
    store.put_object(Bucket="naiad", Key="bomb", Body=bomb, ContentEncoding="gzip")
    assert store.head_object(Bucket="naiad", Key="bomb")["ContentLength"] == len(bomb)
