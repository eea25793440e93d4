"""A live gateway on loopback, with the parts of a real server, for unmodified clients."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.clock import SystemClock
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.experiments.catalog import experiment_catalog
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors
from naiad.service.gateway.operation import Services
from naiad.service.jobs.service import JobService
from naiad.service.keys import Key, Keys
from naiad.service.store.open import open_store
from naiad.service.tuning.service import TuningService

REGION = "us-east-1"
S3_SERVER = Path(__file__).parent / "s3_server.py"


@dataclass(frozen=True)
class LiveGateway:
    url: str
    key: Key
    keys: Keys
    services: Services

    def client(self, service: str, **options: Any) -> Any:
        defaults = {
            "aws_access_key_id": self.key.access_key,
            "aws_secret_access_key": self.key.secret_key,
            "endpoint_url": self.url,
            "region_name": REGION,
            "config": Config(retries={"max_attempts": 0}),
            **options,
        }
        return boto3.client(service, **defaults)


@pytest.fixture
def live(tmp_path: Path, serve_app: Callable[[Any], str]) -> Iterator[LiveGateway]:
    store, clock, keys = open_store(tmp_path), SystemClock(), Keys.open(tmp_path)
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    resources = MachineResources((0, 1), 16 * 2**30)
    endpoints = endpoint_service(store, blobs, resources, clock, state=tmp_path, region=REGION)
    jobs = JobService(store, blobs, resources, clock, tmp_path, REGION)
    experiments = experiment_catalog(store.entities, store.associations, clock, state_folder=tmp_path, region=REGION)
    tunings = TuningService(store.entities, store.trials, jobs, clock, REGION)
    services = Services(jobs, endpoints.catalog, endpoints, store, blobs, clock, REGION, experiments, tunings)
    asynchronous = AsyncInvocations(endpoints.router, store.entities, blobs, clock, tmp_path)
    gateway = Gateway(open_doors(services, keys, asynchronous))
    yield LiveGateway(serve_app(gateway), keys.first(), keys, services)
    gateway.close()
    store.close()


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory):
    """The URL of S3 without authentication, in a process of its own."""
    folder = tmp_path_factory.mktemp("s3")
    process = subprocess.Popen([sys.executable, S3_SERVER, folder], stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="module")
def s3(s3_url):
    client = boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 1}),
    )
    client.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    client.close()
