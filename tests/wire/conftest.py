"""A live gateway on loopback, with the parts that a real server has, for unmodified clients."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.clock import SystemClock
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors
from naiad.service.gateway.operation import Services
from naiad.service.jobs.service import JobService
from naiad.service.keys import Key, Keys
from naiad.service.store.open import open_store

REGION = "us-east-1"


@dataclass(frozen=True)
class Live:
    url: str
    key: Key
    keys: Keys
    services: Services

    def client(self, service: str, **changed: Any) -> Any:
        given = {
            "aws_access_key_id": self.key.access_key,
            "aws_secret_access_key": self.key.secret_key,
            "endpoint_url": self.url,
            "region_name": REGION,
            "config": Config(retries={"max_attempts": 0}),
            **changed,
        }
        return boto3.client(service, **given)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    store, clock, keys = open_store(tmp_path), SystemClock(), Keys.open(tmp_path)
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    resources = MachineResources((0, 1), 16 * 2**30)
    endpoints = endpoint_service(store, blobs, resources, clock, state=tmp_path, region=REGION)
    jobs = JobService(store, blobs, resources, clock, tmp_path, REGION)
    services = Services(jobs, endpoints.catalog, endpoints, store, blobs, clock, REGION)
    asynchronous = AsyncInvocations(endpoints.router, store.entities, blobs, clock, tmp_path)
    gateway = Gateway(open_doors(services, keys, asynchronous))
    server = uvicorn.Server(uvicorn.Config(gateway, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Live(f"http://127.0.0.1:{port}", keys.first(), keys, services)
    server.should_exit = True
    thread.join()
    gateway.close()
    store.close()
