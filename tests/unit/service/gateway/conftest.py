"""A gateway without a network: signed requests go in as ASGI has them, and its clock is the test's."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service
from naiad.service.contract.resources import Resources
from naiad.service.domain.job import Job
from naiad.service.endpoints.serving.asynchronous import AsyncInvocations
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.invocations import InvocationDoor
from naiad.service.gateway.operation import Context
from naiad.service.gateway.request import Principal
from naiad.service.gateway.s3.door import S3Door
from naiad.service.jobs.service import JobService
from naiad.service.keys import Keys
from naiad.service.store.open import open_store

REGION, HOST = "us-east-1", "127.0.0.1:8128"


@dataclass
class Hands:
    """A clock that is set by hand."""

    at: dt.datetime

    def now(self) -> dt.datetime:
        return self.at


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Sent:
    """As ASGI has it."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: list[bytes] = field(default_factory=list)
    is_cut_off: bool = False
    """The client goes away in the middle of the body."""


@dataclass(frozen=True)
class Bench:
    gateway: Gateway
    keys: Keys
    context: Context
    clock: Hands

    def signed(
        self,
        body: bytes = b"{}",
        *,
        method: str = "POST",
        path: str = "/",
        query: str = "",
        service: str = "sagemaker",
        key: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        """Dated now by the system's clock, as botocore does."""
        first = self.keys.first()
        url = f"http://{HOST}{path}{query and '?' + query}"
        request = AWSRequest(method, url, data=body, headers={"Host": HOST, **(headers or {})})
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(Credentials(*(key or (first.access_key, first.secret_key))), service, REGION).add_auth(request)
        return Sent(method, path, query, list(request.headers.items()), [body])

    def by_url(self, body: bytes, *, method: str, path: str, expires_s: int) -> Sent:
        key, request = self.keys.first(), AWSRequest(method, f"http://{HOST}{path}")
        S3SigV4QueryAuth(Credentials(key.access_key, key.secret_key), "s3", REGION, expires=expires_s).add_auth(request)
        return Sent(method, path, request.prepare().url.partition("?")[2], [("host", HOST)], [body])

    def api(self, operation: str, body: bytes = b"{}", **given: Any) -> Sent:
        named = {"X-Amz-Target": f"SageMaker.{operation}", **given.pop("headers", {})}
        return self.signed(body, headers=named, **given)

    def call(self, sent: Sent) -> Answer:
        return asyncio.run(self._called(sent))

    async def _called(self, sent: Sent) -> Answer:
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in sent.body]
        last = {"type": "http.disconnect"} if sent.is_cut_off else {"type": "http.request"}
        came, answered = iter([*messages, last]), []

        async def receive() -> dict[str, Any]:
            return next(came)

        async def send(message: dict[str, Any]) -> None:
            answered.append(message)

        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.headers]
        scope = {
            "type": "http",
            "method": sent.method,
            "path": sent.path,
            "raw_path": sent.path.encode("latin-1"),
            "query_string": sent.query.encode("latin-1"),
            "headers": headers,
        }
        await self.gateway(scope, receive, send)
        start, *parts = answered
        said = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], said, b"".join(part.get("body", b"") for part in parts))

    def add_job(self, job: Job) -> Job:
        self.context.store.add(job, {})
        return job


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store, clock, keys = open_store(tmp_path), Hands(dt.datetime.now(dt.UTC)), Keys.open(tmp_path)
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    resources = Resources((0, 1), 16 * 2**30)
    endpoints = endpoint_service(store, blobs, resources, clock, state=tmp_path, region=REGION)
    jobs = JobService(store, blobs, resources, clock, tmp_path, REGION)
    context = Context(jobs, endpoints.catalog, endpoints, store, blobs, clock, REGION, Principal("", ""))
    asynchronous = AsyncInvocations(endpoints.manager, blobs, clock, tmp_path)
    runtime = InvocationDoor(endpoints.manager, asynchronous, REGION)
    gateway = Gateway(
        context,
        keys,
        S3Door(blobs, clock, REGION),
        runtime,
        upload_timeout_s=0.2,
    )
    yield Bench(gateway, keys, context, clock)
    gateway.close()
    store.close()
