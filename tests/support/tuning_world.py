"""Tuning jobs on a real store, with agents and a search that answer what the test tells them."""

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import job_supervisor
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.scope import Creator
from naiad.service.domain.status import Phase
from naiad.service.domain.tuning import Trial, TrialState, TuningStatus
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import InstanceReport
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.store.open import open_store
from naiad.service.store.sql import SqlStore
from naiad.service.tuning.driver import TuningDriver
from naiad.service.tuning.open import open_tuning_driver
from naiad.service.tuning.service import TuningService
from naiad.service.tuning.tuning_job import TuningDetail, TuningJob

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
RANGES = {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Linear"}]}


def definition(**changed: Any) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::000000000000:role/naiad",
        "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changed,
    }


def script_definition(**changed: Any) -> dict[str, Any]:
    """A definition of a program that cannot pause."""
    algorithm = {
        "TrainingImage": "any",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "validation:loss", "Regex": "loss=([0-9.]+)"}],
    }
    static = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://data/code.tar.gz"}
    return definition(
        **{
            "AlgorithmSpecification": algorithm,
            **changed,
            "StaticHyperParameters": {**static, **changed.get("StaticHyperParameters", {})},
        }
    )


def tuning_request(name: str = "tune", *, source: Mapping[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """``changed``: members of HyperParameterTuningJobConfig; one that is None is left out."""
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
        "ResourceLimits": limits,
        "ParameterRanges": RANGES,
        **changed,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {key: value for key, value in config.items() if value is not None},
        "TrainingJobDefinition": dict(source) if source is not None else definition(),
    }


def make_tuning(
    request: Mapping[str, Any], status: TuningStatus = TuningStatus.IN_PROGRESS, detail: TuningDetail | None = None
) -> TuningJob:
    detail = detail or TuningDetail()
    name = request["HyperParameterTuningJobName"]
    return TuningJob(
        Entity(EntityKind.TUNING, name, "us-east-1", request, NOW, NOW, status=status, detail=detail.to_json()), detail
    )


def make_trial(
    number: int, state: TrialState = TrialState.ACTIVE, objective: float | None = None, **changed: Any
) -> Trial:
    trial = Trial("tune", number, f"tune-{number:03d}-00000000", {"lr": "0.1"}, NOW)
    ended_at = NOW + dt.timedelta(seconds=number) if state.is_final else None
    return replace(trial, state=state, objective=objective, ended_at=ended_at, **changed)


@dataclass
class InlineSearch:
    """A search in this process: values walk through the ranges, and the other answers are the test's."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """An answer, or an error to raise, by op."""
    is_held: bool = False
    """Whether new requests are not answered."""

    def submit(self, request: Mapping[str, Any]) -> "Future[dict[str, Any]]":
        self.requests.append(json.loads(json.dumps(request)))
        future: Future[dict[str, Any]] = Future()
        if self.is_held:
            return future
        answer = self.answers.get(request["op"], self._suggest(request) if request["op"] == "suggest" else {})
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def end_idle(self) -> None: ...

    def close(self) -> None: ...

    @staticmethod
    def _suggest(request: Mapping[str, Any]) -> dict[str, Any]:
        first = request["start_number"]
        numbers = range(first, first + request["count"])
        trials = [{"number": n, "values": {one["name"]: _value(one, n) for one in request["space"]}} for n in numbers]
        return {"trials": trials, "is_exhausted": False}


def _value(dimension: Mapping[str, Any], number: int) -> Any:
    if dimension["type"] == "categorical":
        return dimension["values"][number % len(dimension["values"])]
    value = dimension["low"] + (number / 50) % 1 * (dimension["high"] - dimension["low"])
    return round(value) if dimension["type"] == "integer" else value


@dataclass
class HandClock:
    time: dt.datetime = NOW

    def now(self) -> dt.datetime:
        return self.time

    def monotonic_s(self) -> float:
        return self.time.timestamp()


@dataclass
class TuningWorld:
    folder: Path
    clock: HandClock
    store: SqlStore
    executor: InlineExecutor
    search: InlineSearch
    service: TuningService
    supervisor: Supervisor = field(init=False)
    driver: TuningDriver = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def jobs(self) -> JobService:
        return self.service.jobs

    def restart(self) -> None:
        """Makes a new supervisor and a new driver over what is on the disk, as a killed server's successor does."""
        self.supervisor = job_supervisor(self.jobs, self.executor, blobs_url="", url="http://127.0.0.1")
        self.driver = open_tuning_driver(self.service, self.store, self.search)

    def create(self, request: Mapping[str, Any]) -> TuningJob:
        return self.service.create(request, tags_of(request), Creator("AKIA"))

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.time += dt.timedelta(seconds=1)
            self.driver.tick()
            self.supervisor.tick()

    def tuning(self, name: str = "tune") -> TuningJob:
        return self.service.describe(name)

    def trials(self, name: str = "tune") -> tuple[Trial, ...]:
        return tuple(trial for trial in self.service.trials(self.tuning(name)) if not trial.is_prior)

    def job(self, number: int, name: str = "tune") -> Job:
        return self.jobs.describe(JobKind.TRAINING, self.trials(name)[number - 1].name)

    def log(self, number: int, *values: float, metric: str = "validation:loss", name: str = "tune") -> None:
        """Writes values of the metric as the agent of the trial's job does."""
        folder = self.jobs.instances(self.job(number, name))[0].folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "metrics.jsonl").open("a") as file:
            for value in values:
                file.write(json.dumps({"name": metric, "value": value, "time": self.clock.time.timestamp()}) + "\n")

    def report(
        self, number: int, phase: Phase, *, name: str = "tune", message: str = "", reason: str | None = None
    ) -> None:
        """Lets the agent of the trial's job report a phase as its last word."""
        job = self.trials(name)[number - 1].name
        self.executor.set_reports(
            job, "algo-1", InstanceReport(phase, alive=False, message=message, failure_reason=reason)
        )
        del self.executor._scripts[job, "algo-1"]  # a later attempt has reports of its own

    def run_to_end(self, objective: Callable[[Trial], float], *, name: str = "tune", passes: int = 200) -> None:
        """Lets each job that has started log its objective and complete, until the tuning job has ended."""
        finished: set[str] = set()
        for _ in range(passes):
            self.tick()
            if self.tuning(name).status.is_final:
                return
            for trial in self.trials(name):
                if (
                    trial.state is TrialState.ACTIVE
                    and trial.name not in finished
                    and self.job(trial.number, name).attempt
                ):
                    self.log(trial.number, objective(trial), name=name)
                    self.report(trial.number, Phase.COMPLETED, name=name)
                    finished.add(trial.name)
        raise AssertionError(f"{self.tuning(name).status}: {self.trials(name)}")


@contextlib.contextmanager
def make_world(folder: Path) -> Iterator[TuningWorld]:
    store = open_store(folder)
    blobs = open_blobs(str(folder / "blobs"))
    blobs.create_bucket("data")
    blobs.put("data", "code.tar.gz", [b"x"])
    clock, machine = HandClock(), MachineResources((0, 1), 16 * 2**30)
    jobs = JobService(store, blobs, machine, clock, folder, "us-east-1")
    service = TuningService(store.entities, store.trials, jobs, clock, "us-east-1")
    yield TuningWorld(folder, clock, store, InlineExecutor(), InlineSearch(), service)
    store.close()
