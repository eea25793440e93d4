"""A gateway without a network: signed requests go in as ASGI messages; the test sets the clock."""

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
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.job import Job
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.experiments.catalog import experiment_catalog
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors
from naiad.service.gateway.operation import Services
from naiad.service.jobs.service import JobService
from naiad.service.keys import Keys
from naiad.service.store.open import open_store
from naiad.service.tuning.service import TuningService

REGION, HOST = "us-east-1", "127.0.0.1:8128"


@dataclass
class FakeClock:
    at: dt.datetime
    jumped_s: float = 0.0
    """The seconds by which it was set, and which did not pass."""

    def now(self) -> dt.datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.at.timestamp() - self.jumped_s

    def jump(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)
        self.jumped_s += seconds


@dataclass(frozen=True)
class ReceivedResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class SignedRequest:
    """A request as ASGI has it."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: list[bytes] = field(default_factory=list)
    is_cut_off: bool = False
    """Whether the client leaves in the middle of the body."""


@dataclass(frozen=True)
class GatewayClient:
    """Signs requests and sends them to a gateway."""

    gateway: Gateway
    keys: Keys
    services: Services
    clock: FakeClock

    def sign(
        self,
        body: bytes = b"{}",
        *,
        method: str = "POST",
        path: str = "/",
        query: str = "",
        service: str = "sagemaker",
        key: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> SignedRequest:
        """Signs with botocore, which dates by the system's clock."""
        first = self.keys.first()
        url = f"http://{HOST}{path}{query and '?' + query}"
        request = AWSRequest(method, url, data=body, headers={"Host": HOST, **(headers or {})})
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(Credentials(*(key or (first.access_key, first.secret_key))), service, REGION).add_auth(request)
        return SignedRequest(method, path, query, list(request.headers.items()), [body])

    def presign(self, body: bytes, *, method: str, path: str, expires_s: int) -> SignedRequest:
        key, request = self.keys.first(), AWSRequest(method, f"http://{HOST}{path}")
        S3SigV4QueryAuth(Credentials(key.access_key, key.secret_key), "s3", REGION, expires=expires_s).add_auth(request)
        return SignedRequest(method, path, request.prepare().url.partition("?")[2], [("host", HOST)], [body])

    def sign_api_call(self, operation: str, body: bytes = b"{}", **options: Any) -> SignedRequest:
        headers = {"X-Amz-Target": f"SageMaker.{operation}", **options.pop("headers", {})}
        return self.sign(body, headers=headers, **options)

    def send(self, request: SignedRequest) -> ReceivedResponse:
        return asyncio.run(self._send(request))

    async def _send(self, request: SignedRequest) -> ReceivedResponse:
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in request.body]
        last = {"type": "http.disconnect"} if request.is_cut_off else {"type": "http.request"}
        incoming, outgoing = iter([*messages, last]), []

        async def receive() -> dict[str, Any]:
            return next(incoming)

        async def send(message: dict[str, Any]) -> None:
            outgoing.append(message)

        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        scope = {
            "type": "http",
            "method": request.method,
            "path": request.path,
            "raw_path": request.path.encode("latin-1"),
            "query_string": request.query.encode("latin-1"),
            "headers": headers,
        }
        await self.gateway(scope, receive, send)
        start, *chunks = outgoing
        received_headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return ReceivedResponse(start["status"], received_headers, b"".join(chunk.get("body", b"") for chunk in chunks))

    def add_job(self, job: Job) -> Job:
        self.services.store.add(job, {})
        return job


@pytest.fixture
def client(tmp_path: Path) -> Iterator[GatewayClient]:
    store, clock, keys = open_store(tmp_path), FakeClock(dt.datetime.now(dt.UTC)), Keys.open(tmp_path)
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    resources = MachineResources((0, 1), 16 * 2**30)
    endpoints = endpoint_service(store, blobs, resources, clock, state=tmp_path, region=REGION)
    jobs = JobService(store, blobs, resources, clock, tmp_path, REGION)
    experiments = experiment_catalog(store.entities, store.associations, clock, state_folder=tmp_path, region=REGION)
    tunings = TuningService(store.entities, store.trials, jobs, clock, REGION)
    services = Services(jobs, endpoints.catalog, endpoints, store, blobs, clock, REGION, experiments, tunings)
    async_invocations = AsyncInvocations(endpoints.router, store.entities, blobs, clock, tmp_path)
    gateway = Gateway(open_doors(services, keys, async_invocations, upload_timeout_s=0.2))
    yield GatewayClient(gateway, keys, services, clock)
    gateway.close()
    store.close()
