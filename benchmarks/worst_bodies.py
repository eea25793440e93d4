"""The worst bodies and heads for each door of the server: the largest that it takes, of the kind that costs most.

Those of strangers have no key; the others are signed by the server's first key.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handmade_requests import HandmadeClient, chunked, head

MIB = 2**20
LIST_JOBS = {"X-Amz-Target": "SageMaker.ListTrainingJobs"}
ENDPOINT = "worst"
MODEL_SCRIPT = b"""
import sys

def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    if body == b"answer":
        return bytes(255 * 2**20), "application/octet-stream"
    if body == b"fail":
        raise ValueError("x" * (255 * 2**20))
    if body == b"print":
        for _ in range(16):
            sys.stdout.write("\\n" * 2**16)
    return b"ok", "text/plain"
"""
CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STRANGER = ("AKIANOBODY", "secret")
LONG_KEYS = [f"long/{number:04d}{'&' * 1_000}" for number in range(1_000)]


@dataclass(frozen=True)
class WorstBody:
    name: str
    make: Callable[[HandmadeClient], bytes]
    """Returns all bytes of the request, or of several in one."""
    is_quick: bool = True
    """Whether the small test sends it too."""
    until_end: bool = False
    """Whether the answer is read to its end."""


def delete_objects(xml: bytes) -> Callable[[HandmadeClient], bytes]:
    return lambda client: client.request("POST", "/naiad?delete=", xml)


def complete_upload(xml: bytes) -> Callable[[HandmadeClient], bytes]:
    return lambda client: client.request("POST", "/naiad/key?uploadId=nobody", xml)


def list_jobs(body: bytes) -> Callable[[HandmadeClient], bytes]:
    return lambda client: client.request("POST", "/", body, service="sagemaker", headers=LIST_JOBS)


def form(body: bytes) -> Callable[[HandmadeClient], bytes]:
    return lambda client: client.request("POST", "/", body, service="sts")


def get(target: str) -> Callable[[HandmadeClient], bytes]:
    return lambda client: client.request("GET", target)


def stranger(method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Callable[..., bytes]:
    return lambda client: head(method, target, [("Host", client.host), *headers]) + body


def invoke(client: HandmadeClient) -> bytes:
    return client.request("POST", "/endpoints/nobody/invocations", bytes(25 * MIB), service="sagemaker")


def invoke_replica(body: bytes) -> Callable[[HandmadeClient], bytes]:
    headers = {"Connection": "close", "Content-Type": "application/octet-stream"}
    path = f"/endpoints/{ENDPOINT}/invocations"
    return lambda client: client.request("POST", path, body, service="sagemaker", headers=headers)


def put_in_tiny_chunks(client: HandmadeClient) -> bytes:
    body = b"1\r\nx\r\n" * 400_000 + b"0\r\n\r\n"
    headers = {"x-amz-decoded-content-length": "400000", "Content-Encoding": "aws-chunked"}
    signed = client.request("PUT", "/naiad/chunks", headers=headers, digest=CHUNKS, sent=b"")
    return signed.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def put_in_small_chunks(client: HandmadeClient) -> bytes:
    body = (b"100\r\n" + bytes(256) + b"\r\n") * 20_000 + b"0\r\n\r\n"
    headers = {"x-amz-decoded-content-length": str(256 * 20_000), "Content-Encoding": "aws-chunked"}
    signed = client.request("PUT", "/naiad/chunks", headers=headers, digest=CHUNKS, sent=b"")
    return signed.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def put_in_tiny_http_chunks(client: HandmadeClient) -> bytes:
    signed = client.request("PUT", "/naiad/chunks", digest="UNSIGNED-PAYLOAD", sent=b"")
    return signed.removesuffix(b"\r\n") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(bytes(400_000), 1)


def presigned_by_a_stranger(client: HandmadeClient) -> bytes:
    path = client.presigned_path("POST", "/endpoints/e/invocations", service="sagemaker", key=STRANGER)
    return head("POST", path, [("Host", client.host), ("Content-Length", str(25 * MIB))]) + bytes(25 * MIB)


def unknown_key(client: HandmadeClient) -> bytes:
    return client.request("POST", "/endpoints/e/invocations", bytes(25 * MIB), service="sagemaker", key=STRANGER)


def wrongly_signed(client: HandmadeClient, method: str, target: str, service: str, names: str = "") -> bytes:
    """A signature that is wrong, of a key that exists: a key's name is no secret, and the rest must be read to tell."""
    at, now = client.address, dt.datetime.now(dt.UTC)
    credential = f"Credential={at.access_key}/{now:%Y%m%d}/{at.region}/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;x-amz-date{names}, Signature=0"
    headers = [("Host", client.host), ("x", "a " * 6_000), ("Authorization", authorization)]
    return head(method, target, [*headers, ("x-amz-date", f"{now:%Y%m%dT%H%M%SZ}")])


def listed_headers(client: HandmadeClient) -> bytes:
    """A signature that lists one long header thousands of times."""
    return wrongly_signed(client, "GET", "/naiad/key", "s3", names=";x" * 6_000)


def steps_up(client: HandmadeClient) -> bytes:
    return wrongly_signed(client, "POST", f"/{'a/' * 8_000}{'../' * 5_000}", "sts")


def browser_form(client: HandmadeClient) -> bytes:
    field = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nname="name="\r\n'
    headers = [("Host", client.host), ("Content-Type", "multipart/form-data; boundary=b")]
    return head("POST", "/naiad", [*headers, ("Content-Length", str(4 * MIB))]) + (field * 70_000)[: 4 * MIB]


XML = [
    WorstBody("XML: lines", delete_objects(b"<Delete>" + b"\n" * (4 * MIB - 50) + b"</Delete>")),
    WorstBody("XML: entities", delete_objects(b"<Delete>" + b"&#10;" * (4 * MIB // 5 - 10) + b"</Delete>")),
    WorstBody("XML: elements", complete_upload(b"<D>" + b"<a/>" * (MIB - 10) + b"</D>")),
    WorstBody("XML: parts", complete_upload(b"<D>" + b"<a>b</a>" * 99_000 + b"</D>")),
    WorstBody("XML: attributes", delete_objects(b"<D " + b"".join(b'a%d="" ' % n for n in range(300_000)) + b"/>")),
    WorstBody("XML: a namespace", delete_objects(b'<D xmlns="' + b"u" * 2 * MIB + b'">' + b"<b/>" * 500_000 + b"</D>")),
    WorstBody("XML: comments", delete_objects(b"<D>" + b"<!---->" * 590_000 + b"</D>")),
    WorstBody(
        "XML: keys to delete",
        delete_objects(
            b"<Delete>"
            + b"".join(b"<Object><Key>%s</Key></Object>" % (b"&amp;" * 700) for _ in range(999))
            + b"</Delete>"
        ),
    ),
]
JSON = [
    WorstBody("JSON: lists", list_jobs(b"[" + b"[]," * (MIB // 3 - 2) + b"0]")),
    WorstBody("JSON: names", list_jobs(b"{" + b",".join(b'"%d":0' % number for number in range(49_000)) + b"}")),
    WorstBody("JSON: depth", list_jobs(b'{"a":' * (MIB // 5))),
    WorstBody("JSON: escapes", list_jobs(b'{"NextToken":"' + b"\\u0001" * (MIB // 6 - 10) + b'"}')),
    WorstBody("JSON: digits", list_jobs(b'{"MaxResults":0.' + b"1" * (MIB - 50) + b"e-1000000}")),
    WorstBody("JSON: quotation marks", list_jobs(b'{"a":' + b'"\\",' * (MIB // 4 - 10))),
    WorstBody("form: escapes", form(b"Action=" + b"%20" * (128 * 1024 // 3 - 10))),
    WorstBody("form: fields", form(b"&".join(b"a.member.%d=b" % number for number in range(2_000)))),
    WorstBody("form: 4 MiB", form(b"Action=" + b"%20" * (4 * MIB // 3))),
]
BODIES = [
    WorstBody("an invocation of 25 MiB", invoke, is_quick=False),
    WorstBody(
        "an object of 64 MiB", lambda client: client.request("PUT", "/naiad/big", bytes(64 * MIB)), is_quick=False
    ),
    WorstBody("aws-chunked: one byte each", put_in_tiny_chunks),
    WorstBody("aws-chunked: the smallest that are taken", put_in_small_chunks),
    WorstBody("HTTP chunks: one byte each", put_in_tiny_http_chunks),
    WorstBody("a key of slashes", lambda client: client.request("PUT", f"/naiad/{'/' * 1_000}x", b"x")),
    WorstBody("a list of long keys", get("/naiad?list-type=2&prefix=long%2F&encoding-type=url"), is_quick=False),
    WorstBody(
        "a list: odd parameters", get(f"/naiad?list-type=2&delimiter={'%26' * 3_000}&start-after={'%C3%BC' * 1_500}")
    ),
]
STRANGERS = [
    WorstBody("a stranger: presigned URL and 25 MiB", presigned_by_a_stranger, is_quick=False),
    WorstBody("a stranger: an unknown key and 25 MiB", unknown_key, is_quick=False),
    WorstBody("a stranger: equal headers", stranger("GET", "/naiad", *[("a", "b")] * 30_000)),
    WorstBody("a stranger: parameters", stranger("GET", f"/naiad?{'a&' * 30_000}")),
    WorstBody("a stranger: escapes in the query", stranger("GET", f"/naiad?{'%41=%42&' * 900}X-Amz-Credential=a")),
    WorstBody("a stranger: steps up in the path", steps_up),
    WorstBody("a stranger: commas", stranger("GET", "/", ("Authorization", "AWS4-HMAC-SHA256 " + "," * 30_000))),
    WorstBody("a stranger: signed headers", listed_headers),
    WorstBody("a stranger: requests ahead", lambda client: stranger("GET", "/ping")(client) * 10_000),
    WorstBody("a stranger: a browser's form", browser_form),
    WorstBody("a stranger: the metrics", stranger("GET", "/metrics")),
]
REPLICAS = [
    WorstBody(
        "an invocation of 25 MiB that is answered", invoke_replica(bytes(25 * MIB)), is_quick=False, until_end=True
    ),
    WorstBody("an answer of 255 MiB", invoke_replica(b"answer"), is_quick=False, until_end=True),
    WorstBody("an error of 255 MiB", invoke_replica(b"fail"), is_quick=False, until_end=True),
    WorstBody("a model that prints a million lines", invoke_replica(b"print"), is_quick=False, until_end=True),
]
"""Invocations of the endpoint ``ENDPOINT``, whose model is ``MODEL_SCRIPT``."""
WORST_BODIES = [*XML, *JSON, *BODIES, *STRANGERS]


def put_long_keys(store: Any) -> None:
    """Makes the objects that one of the requests lists. ``store``: boto3's client."""
    for key in LONG_KEYS:
        store.put_object(Bucket="naiad", Key=key, Body=b"")
