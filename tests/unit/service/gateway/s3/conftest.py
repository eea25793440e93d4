"""S3's API, called without a network and without signatures."""

import asyncio
import datetime as dt
from urllib.parse import quote

import pytest

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.domain.scope import ALL_SCOPES
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.s3.service import S3Service
from naiad.service.gateway.signing.authenticator import Principal


class FixedClock:
    def __init__(self):
        self.time = dt.datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=dt.UTC)

    def now(self):
        return self.time


class ReceivedResponse:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def text(self):
        return self.body.decode()


async def stream(pieces):
    for piece in pieces:
        yield piece


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def blobs(tmp_path, clock):
    store = FolderBlobStore(tmp_path / "blobs", clock=clock)
    store.create_bucket("data")
    return store


@pytest.fixture
def make_request():
    def make(method, path, *, headers=None):
        raw_path, _, query = path.partition("?")
        return Request(method, quote(raw_path, safe="/%"), query, headers or {}, id="request-1")

    return make


@pytest.fixture
def service(blobs):
    service = S3Service(blobs, "eu-central-1")
    yield service
    service.close()


@pytest.fixture
def call(service, make_request):
    """Sends a request and reads the response: ``call("GET", "/data/k?acl", headers=…)``."""

    def send(method, path, *, headers=None, body=b"", job=None, trailers=None, principal=None):
        async def exchange():
            content = stream([body] if isinstance(body, bytes) else body)
            request = make_request(method, path, headers=headers)
            caller = principal or Principal("key", "name", job, scopes=frozenset() if job else ALL_SCOPES)
            response = await service.handle(request, caller, content, trailers or {})
            if isinstance(response.body, bytes):
                return ReceivedResponse(response, response.body)
            return ReceivedResponse(response, b"".join([piece async for piece in response.body]))

        return asyncio.run(exchange())

    return send


@pytest.fixture
def multipart(call):
    """The object /data/m, put in two parts with checksums; returns their content."""
    pieces = (b"a" * 5 * 2**20, b"b" * 7)
    text = call("POST", "/data/m?uploads", headers={"x-amz-checksum-algorithm": "CRC32"}).text
    upload_id, rows = text.split("<UploadId>")[1].split("<")[0], ""
    for number, piece in enumerate(pieces, 1):
        etag = call("PUT", f"/data/m?partNumber={number}&uploadId={upload_id}", body=piece).headers["etag"]
        rows += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
    assert call("POST", f"/data/m?uploadId={upload_id}", body=body).status == 200
    return pieces
