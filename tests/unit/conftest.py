"""A live gateway on loopback, for what talks to a server: its jobs follow a script, and a test moves them."""

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn

from naiad.home import Address, write_address
from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service
from naiad.service.contract.resources import Resources
from naiad.service.domain.clock import SystemClock
from naiad.service.domain.entity import EndpointStatus, EntityKind
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.serving.asynchronous import AsyncInvocations
from naiad.service.endpoints.serving.logs import logs_folder
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import InstanceReport
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.invocations import InvocationDoor
from naiad.service.gateway.operation import Context
from naiad.service.gateway.request import Principal
from naiad.service.gateway.s3.door import S3Door
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.keys import Keys
from naiad.service.store.open import open_store


@dataclass(frozen=True)
class LiveService:
    state: Path
    address: Address
    jobs: JobService
    executor: InlineExecutor
    supervisor: Supervisor
    endpoints: EndpointService

    def client(self, service: str) -> Any:
        at = self.address
        keys = {"aws_access_key_id": at.access_key, "aws_secret_access_key": at.secret_key}
        return boto3.client(service, endpoint_url=at.url, region_name=at.region, **keys)

    def create(self, name: str, **hyperparameters: str) -> None:
        self.client("sagemaker").create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
            RoleArn="arn:aws:iam::000000000000:role/naiad",
            HyperParameters=hyperparameters,
            OutputDataConfig={"S3OutputPath": "s3://naiad/"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.supervisor.tick()

    def finish(self, name: str, phase: Phase = Phase.COMPLETED, reason: str | None = None) -> None:
        self.executor.play(name, "algo-1", InstanceReport(phase, alive=False, failure_reason=reason))
        self.tick(3)

    def log(self, name: str, *lines: str, kind: JobKind = JobKind.TRAINING) -> None:
        """As the job's agent would write them."""
        job = self.jobs.describe(kind, name)
        _append(self.jobs.instances(job)[0].folder, lines)

    def log_of_endpoint(self, name: str, stream: str, *lines: str) -> None:
        """As a replica would write them. stream: ``<variant>/<replica>``."""
        _append(logs_folder(self.state, name) / stream, lines)

    def settle(self, name: str, reason: str = "") -> None:
        """As the endpoints' manager would, which does not run here. With a reason its first start has failed."""
        entities = self.endpoints.entities
        before = entities.get(EntityKind.ENDPOINT, name)
        if reason:
            after = replace(before, status=EndpointStatus.FAILED, detail={**before.detail, "failure_reason": reason})
        else:
            detail = {"number": before.detail["number"], "plan": before.detail["next"]}
            after = replace(before, status=EndpointStatus.IN_SERVICE, detail=detail)
        entities.update(after, before=before)


def _append(folder: Path, lines: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    with (folder / "log").open("a", encoding="utf-8") as file:
        file.writelines(f"{now_ms} {line}\n" for line in lines)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveService]:
    """The server that ``naiad.connect`` and the command line find; two cores."""
    state = tmp_path / "state"
    state.mkdir()
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NAIAD_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(state))
    store, clock, executor, keys = open_store(state), SystemClock(), InlineExecutor(), Keys.open(state)
    blobs = open_blobs(str(state / "blobs"))
    blobs.create_bucket("naiad")
    resources = Resources((0, 1), 16 * 2**30)
    endpoints = endpoint_service(store, blobs, resources, clock, state=state, region="us-east-1")
    jobs = JobService(store, blobs, resources, clock, state, "us-east-1")
    supervisor = Supervisor(store, executor, resources, clock, jobs.bell, state, "", "http://127.0.0.1", line=jobs.line)
    asynchronous = AsyncInvocations(endpoints.manager, blobs, clock, state)
    runtime = InvocationDoor(endpoints.manager, asynchronous, "us-east-1")
    gateway = Gateway(
        Context(jobs, endpoints.catalog, endpoints, store, blobs, clock, "us-east-1", Principal("", "")),
        keys,
        S3Door(blobs, clock, "us-east-1"),
        runtime,
    )
    server = uvicorn.Server(uvicorn.Config(gateway, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    port, key = server.servers[0].sockets[0].getsockname()[1], keys.first()
    address = Address(f"http://127.0.0.1:{port}", "us-east-1", "naiad", key.access_key, key.secret_key)
    write_address(state, address)
    yield LiveService(state, address, jobs, executor, supervisor, endpoints)
    server.should_exit = True
    thread.join()
    gateway.close()
    store.close()
