"""Handlers called as the dispatcher calls them, each output checked against AWS's model."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service, job_supervisor
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.job import JobKind
from naiad.service.domain.scope import ALL_SCOPES
from naiad.service.domain.status import Phase
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import Instance, InstanceReport
from naiad.service.experiments.catalog import experiment_catalog
from naiad.service.gateway.operation import OPERATIONS, Services
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.store.open import open_store
from naiad.service.tuning.service import TuningService

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (dt.datetime,),
}


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def differences(shape: Any, value: Any, path: str) -> list[str]:
    """Returns unknown keys, missing required ones, wrong types and values that are not in an enum."""
    if shape.type_name == "structure":
        lines = [f"{path}.{key} is unknown" for key in value if key not in shape.members]
        lines += [f"{path}.{key} is missing" for key in shape.required_members if key not in value]
        for key in set(value) & set(shape.members):
            lines += differences(shape.members[key], value[key], f"{path}.{key}")
        return lines
    if shape.type_name == "list":
        return [
            line for index, item in enumerate(value) for line in differences(shape.member, item, f"{path}[{index}]")
        ]
    if shape.type_name == "map":
        return [line for key, item in value.items() for line in differences(shape.value, item, f"{path}.{key}")]
    if not isinstance(value, _PYTHON_TYPES[shape.type_name]):
        return [f"{path} is {value!r}, no {shape.type_name}"]
    enum = shape.metadata.get("enum")
    return [f"{path} is {value!r}, not one of {enum}"] if enum and value not in enum else []


@dataclass
class FakeClock:
    time: dt.datetime = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.time

    def monotonic_s(self) -> float:
        return self.time.timestamp()


@dataclass
class ApiClient:
    """Calls operations; ``clock``, ``executor`` and ``supervisor`` move the jobs behind them."""

    services: Services
    principal: Principal
    clock: FakeClock
    executor: InlineExecutor
    supervisor: Supervisor
    folder: Path

    def call(self, service: str, name: str, **request: Any) -> dict[str, Any]:
        output = OPERATIONS[service, name](self.services, self.principal, request)
        shape = service_model(service).operation_model(name).output_shape
        if shape is not None:
            assert differences(shape, output, name) == []
        else:
            assert output == {}
        return output

    def sagemaker(self, name: str, **request: Any) -> dict[str, Any]:
        return self.call("sagemaker", name, **request)

    def train(self, name: str, **changed: Any) -> str:
        request = {
            "TrainingJobName": name,
            "RoleArn": "arn:aws:iam::000000000000:role/naiad",
            "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://data/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            **changed,
        }
        self.clock.time += dt.timedelta(seconds=1)
        return str(self.sagemaker("CreateTrainingJob", **request)["TrainingJobArn"])

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.time += dt.timedelta(seconds=1)
            self.supervisor.tick()

    def finish(self, name: str, phase: Phase = Phase.COMPLETED, reason: str | None = None) -> None:
        self.executor.set_reports(name, "algo-1", InstanceReport(phase, alive=False, failure_reason=reason))
        self.tick(2)

    def instance(self, name: str, index: int = 0, attempt: int | None = None) -> Instance:
        job = self.services.jobs.describe(JobKind.TRAINING, name)
        return self.services.jobs.instances(job, attempt=attempt)[index]

    def write(self, name: str, file: str, text: str, *, index: int = 0, attempt: int | None = None) -> None:
        folder = self.instance(name, index, attempt).folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / file).open("a") as appended:
            appended.write(text)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    store, clock, executor = open_store(tmp_path), FakeClock(), InlineExecutor()
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    resources = MachineResources((0, 1), 16 * 1024**3)
    endpoints = endpoint_service(store, blobs, resources, clock, state=tmp_path, region="us-east-1")
    jobs = JobService(store, blobs, resources, clock, tmp_path, "us-east-1")
    supervisor = job_supervisor(jobs, executor, blobs_url="", url="http://127.0.0.1")
    experiments = experiment_catalog(
        store.entities, store.associations, clock, state_folder=tmp_path, region="us-east-1"
    )
    tunings = TuningService(store.entities, store.trials, jobs, clock, "us-east-1")
    services = Services(jobs, endpoints.catalog, endpoints, store, blobs, clock, "us-east-1", experiments, tunings)
    yield ApiClient(services, Principal("AKIA", "main", scopes=ALL_SCOPES), clock, executor, supervisor, tmp_path)
    store.close()
