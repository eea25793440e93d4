"""The door driven with requests, without a network."""

import asyncio
import datetime as dt
from urllib.parse import parse_qsl, quote

import pytest

from naiad.service.blobs.folder import FolderBlobs
from naiad.service.gateway.request import Principal, Request
from naiad.service.gateway.s3.door import S3Door


class StillClock:
    def __init__(self):
        self.at = dt.datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=dt.UTC)

    def now(self):
        return self.at


class Answer:
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
    return StillClock()


@pytest.fixture
def blobs(tmp_path, clock):
    found = FolderBlobs(tmp_path / "blobs", clock=clock)
    found.create_bucket("data")
    return found


@pytest.fixture
def make_request():
    def make(method, path, *, headers=None, body=b"", job=None, trailers=None):
        raw_path, _, query = path.partition("?")
        return Request(
            method=method,
            raw_path=quote(raw_path, safe="/%"),
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers=headers or {},
            principal=Principal("key", "name", job),
            body=stream([body] if isinstance(body, bytes) else body),
            request_id="request-1",
            trailers={} if trailers is None else trailers,
        )

    return make


@pytest.fixture
def door(blobs, clock):
    found = S3Door(blobs, clock, "eu-central-1")
    yield found
    found.close()


@pytest.fixture
def call(door, make_request):
    """A whole exchange: ``call("GET", "/data/k?acl", headers=…)``."""

    def run(method, path, **options):
        async def exchange():
            response = await door.handle(make_request(method, path, **options))
            if isinstance(response.body, bytes):
                return Answer(response, response.body)
            return Answer(response, b"".join([piece async for piece in response.body]))

        return asyncio.run(exchange())

    return run
