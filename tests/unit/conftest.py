"""A live gateway on loopback for the clients' tests: its jobs follow a script, and a test moves them."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from naiad.home import ServerAddress, write_address
from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service, job_supervisor
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.clock import SystemClock
from naiad.service.domain.entity import EndpointStatus, EntityKind
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.endpoints.serving.log_streams import logs_folder
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import InstanceReport
from naiad.service.experiments.catalog import experiment_catalog
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors
from naiad.service.gateway.operation import Services
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.keys import Keys
from naiad.service.store.open import open_store
from naiad.service.tuning.service import TuningService


@dataclass(frozen=True)
class LiveService:
    state: Path
    address: ServerAddress
    jobs: JobService
    executor: InlineExecutor
    supervisor: Supervisor
    endpoints: EndpointService
    tunings: TuningService

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
        self.executor.set_reports(name, "algo-1", InstanceReport(phase, alive=False, failure_reason=reason))
        self.tick(3)

    def log(self, name: str, *lines: str, kind: JobKind = JobKind.TRAINING) -> None:
        """Writes lines as the job's agent does."""
        job = self.jobs.describe(kind, name)
        _append(self.jobs.instances(job)[0].folder, lines)

    def log_endpoint(self, name: str, stream: str, *lines: str) -> None:
        """Writes lines as a replica does. stream: ``<variant>/<replica>``."""
        _append(logs_folder(self.state, name) / stream, lines)

    def finish_deployment(self, name: str, reason: str = "") -> None:
        """Ends the deployment as the reconciler does, which does not run here. With a reason its first start fails."""
        entities = self.endpoints.entities
        before = entities.get(EntityKind.ENDPOINT, name)
        detail = EndpointDetail.from_json(before.detail)
        if reason:
            status, detail = EndpointStatus.FAILED, replace(detail, failure_reason=reason)
        else:
            status = EndpointStatus.IN_SERVICE
            detail = EndpointDetail(rollout=detail.pending_rollout, deployment_number=detail.deployment_number)
        entities.update(replace(before, status=status, detail=detail.to_json()), before=before)


def _append(folder: Path, lines: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    with (folder / "log").open("a", encoding="utf-8") as file:
        file.writelines(f"{now_ms} {line}\n" for line in lines)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve_app: Callable[[Any], str]) -> Iterator[LiveService]:
    """Runs the server that ``naiad.connect`` and the command line find; it has two cores."""
    state = tmp_path / "state"
    state.mkdir()
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NAIAD_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(state))
    store, clock, executor, keys = open_store(state), SystemClock(), InlineExecutor(), Keys.open(state)
    blobs = open_blobs(str(state / "blobs"))
    blobs.create_bucket("naiad")
    resources = MachineResources((0, 1), 16 * 2**30)
    endpoints = endpoint_service(store, blobs, resources, clock, state=state, region="us-east-1")
    jobs = JobService(store, blobs, resources, clock, state, "us-east-1")
    supervisor = job_supervisor(jobs, executor, blobs_url="", url="http://127.0.0.1")
    asynchronous = AsyncInvocations(endpoints.router, store.entities, blobs, clock, state)
    experiments = experiment_catalog(store.entities, store.associations, clock, state_folder=state, region="us-east-1")
    tunings = TuningService(store.entities, store.trials, jobs, clock, "us-east-1")
    services = Services(jobs, endpoints.catalog, endpoints, store, blobs, clock, "us-east-1", experiments, tunings)
    gateway = Gateway(open_doors(services, keys, asynchronous))
    key = keys.first()
    address = ServerAddress(serve_app(gateway), "us-east-1", "naiad", key.access_key, key.secret_key)
    write_address(state, address)
    yield LiveService(state, address, jobs, executor, supervisor, endpoints, tunings)
    gateway.close()
    store.close()
