"""A service and its supervisor on a real store and real folders, with agents that report what the test tells them."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import job_supervisor
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.contract.tags import tags_of
from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import InstanceReport
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.store.open import open_store
from naiad.service.store.port import Store

GIB = 1024**3


@dataclass
class HandClock:
    time: dt.datetime = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    passed_s: float = 0.0

    def now(self) -> dt.datetime:
        return self.time

    def monotonic_s(self) -> float:
        return self.passed_s

    def advance(self, seconds: float) -> None:
        self.time += dt.timedelta(seconds=seconds)
        self.passed_s += seconds

    def jump(self, seconds: float) -> None:
        """Sets the clock, as an administrator or a time server does."""
        self.time += dt.timedelta(seconds=seconds)


def training_request(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::000000000000:role/naiad",
        "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changed,
    }


@dataclass
class World:
    """A service and its supervisor. ``restart`` makes a new supervisor over what is on the disk."""

    folder: Path
    clock: HandClock
    store: Store
    executor: InlineExecutor
    service: JobService
    supervisor: Supervisor = field(init=False)
    ended_jobs: list[Job] = field(default_factory=list)
    """The jobs whose end the supervisor has announced."""

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.supervisor = job_supervisor(
            self.service,
            self.executor,
            blobs_url=str(self.folder / "blobs"),
            url="http://127.0.0.1:9000",
            on_end=self.ended_jobs.append,
        )

    def create(self, name: str, *, instances: int = 1, cores: int = 1, priority: int = 0, **changed: Any) -> Job:
        config = {"InstanceType": "ml.m5.large", "InstanceCount": instances, "VolumeSizeInGB": 1}
        tags = [{"Key": "naiad:cores", "Value": str(cores)}, {"Key": "naiad:priority", "Value": str(priority)}]
        request = training_request(name, ResourceConfig=config, Tags=tags, **changed)
        return self.service.create(JobKind.TRAINING, request, tags_of(request))

    def job(self, name: str) -> Job:
        return self.service.describe(JobKind.TRAINING, name)

    def phase(self, name: str) -> Phase:
        return self.job(name).phase

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(1)
            self.supervisor.tick()

    @staticmethod
    def running(phase: Phase) -> InstanceReport:
        return InstanceReport(phase, alive=True)

    @staticmethod
    def ended(phase: Phase, reason: str | None = None, message: str | None = None) -> InstanceReport:
        return InstanceReport(phase, alive=False, failure_reason=reason, exit_message=message)

    def set_reports(self, name: str, *reports: InstanceReport, host: str = "algo-1") -> None:
        self.executor.set_reports(name, host, *reports)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = open_store(tmp_path)
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    clock = HandClock()
    resources = MachineResources((0, 1), 16 * GIB)
    service = JobService(store, blobs, resources, clock, tmp_path, "us-east-1")
    yield World(tmp_path, clock, store, InlineExecutor(), service)
    store.close()


@pytest.fixture
def request_of() -> Any:
    return training_request
