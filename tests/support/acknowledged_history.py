"""Histories of random kills, and a model of what was acknowledged in them.

In a history clients store, join and delete objects, make and change experiments, and run jobs, while the server, agents of jobs,
replicas of an endpoint, or PostgreSQL are killed. Each client owns its names, so that a name's possible states are known: after
an answer it is what was asked for, without an answer that or what was before. Every read must find one of them.
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from faulty_server import training_request
from server_zygote import Zygote

from naiad.home import ServerAddress
from naiad.service.executors.instance_files import AGENT_FILE, read_process

BUCKET = "naiad"
ONE_TRY = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, max_pool_connections=4)
FINAL_STATUSES = ("Completed", "Failed", "Stopped")
SETTLED_WITHIN_S = 120.0
MAX_LOST_ATTEMPTS = 5
LINES = 8
_DOWN_S = 0.25
"""A client waits so long after a request without an answer, as a server needs about so long to start."""
_MIN_PART_BYTES = 5 * 2**20
_JOB_COMMAND = f"for n in $(seq {LINES}); do echo line $n; sleep 0.02; done; echo w > /opt/ml/model/w"
_UNKNOWN_FROM_STATUS = 500
"""An answer of this status or above says nothing of whether the change was made."""


@dataclass
class KilledServer:
    """A server that is killed and started again on the same folder."""

    zygote: Zygote
    state: Path
    database: str | None = None
    pid: int = 0
    address: ServerAddress | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        log = self.state.with_name("server.log")
        found = self.zygote.start(self.state, log, database=self.database, after=self.pid)
        assert found["address"] is not None, self.state.with_name("server.log").read_text()[-3000:]
        self.pid, self.address = found["pid"], ServerAddress(**found["address"])

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)
        with contextlib.suppress(psutil.NoSuchProcess):
            while psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.005)

    def client(self, service: str) -> Any:
        """Returns the one client of a service, another after a start."""
        with self._lock:
            address = self.address
            assert address is not None
            if (service, address.url) not in self._clients:
                self._clients[service, address.url] = boto3.client(
                    service,
                    endpoint_url=address.url,
                    region_name=address.region,
                    aws_access_key_id=address.access_key,
                    aws_secret_access_key=address.secret_key,
                    config=ONE_TRY,
                )
            return self._clients[service, address.url]

    def agents(self) -> list[Any]:
        """Returns the agents that run."""
        found = [read_process(file) for file in self.state.glob(f"jobs/*/*/*/*/{AGENT_FILE}")]
        return [agent for agent in found if agent is not None and agent.is_alive]

    def replicas(self) -> list[psutil.Process]:
        """Returns the processes of endpoints."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [
                child
                for child in psutil.Process(self.pid).children(recursive=True)
                if "naiad.service.endpoints.worker" in " ".join(child.cmdline())
            ]
        return []


@dataclass
class HistoryClient:
    """One client of a history, in a thread of its own."""

    server: KilledServer
    prefix: str
    dice: random.Random
    objects: dict[str, set[bytes | None]] = field(default_factory=dict)
    experiments: dict[str, set[str | None]] = field(default_factory=dict)
    """The descriptions; None where there is none."""
    jobs: dict[str, set[bool]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def run(self, operations: int) -> None:
        steps = (
            [self.put] * 5
            + [self.delete] * 2
            + [self.join, self.read, self.read]
            + [self.experiment] * 4
            + [self.job] * 2
        )
        for _ in range(operations):
            self.dice.choice(steps)()

    def put(self) -> None:
        key, body = self._key(), self.dice.randbytes(self.dice.randrange(200_000))
        self._change(self.objects, key, body, lambda: self._s3.put_object(Bucket=BUCKET, Key=key, Body=body))

    def delete(self) -> None:
        key = self._key()
        self._change(self.objects, key, None, lambda: self._s3.delete_object(Bucket=BUCKET, Key=key))

    def join(self) -> None:
        """Puts an object in parts, now and then in two."""
        key, sizes = self._key(), [self.dice.randrange(1, 5000)]
        if self.dice.random() < 0.2:
            sizes.insert(0, _MIN_PART_BYTES)
        parts = [self.dice.randbytes(1024) * (size // 1024 + 1) for size in sizes]
        self._change(self.objects, key, b"".join(parts), lambda: self._join(key, parts))

    def _join(self, key: str, parts: list[bytes]) -> None:
        place = {"Bucket": BUCKET, "Key": key}
        place["UploadId"] = self._s3.create_multipart_upload(**place)["UploadId"]
        done = [
            {"PartNumber": number, "ETag": self._s3.upload_part(**place, PartNumber=number, Body=part)["ETag"]}
            for number, part in enumerate(parts, start=1)
        ]
        self._s3.complete_multipart_upload(**place, MultipartUpload={"Parts": done})

    def read(self) -> None:
        if self.objects:
            self.check_object(self.dice.choice(sorted(self.objects)))

    def check_object(self, key: str) -> None:
        """Notes an object that is none of those that it can be."""
        try:
            body: bytes | None = self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                return self._note_unknown(error)
            body = None
        except BotoCoreError:
            return None
        if body not in self.objects[key]:
            self.problems.append(
                f"object {key} is {'missing' if body is None else f'another one, of {len(body)} bytes'}"
            )
        return None

    def experiment(self) -> None:
        """Makes, changes or deletes an experiment whose state is known."""
        name = f"{self.prefix}-{self.dice.randrange(3)}"
        states = self.experiments.setdefault(name, {None})
        if len(states) > 1:
            self.check_experiment(name, collapse=True)
            return
        text = f"{self.dice.randrange(10**9)}"
        sagemaker = self.server.client("sagemaker")
        if states == {None}:
            self._change(
                self.experiments, name, text, lambda: sagemaker.create_experiment(ExperimentName=name, Description=text)
            )
        elif self.dice.random() < 0.7:
            self._change(
                self.experiments, name, text, lambda: sagemaker.update_experiment(ExperimentName=name, Description=text)
            )
        else:
            self._change(self.experiments, name, None, lambda: sagemaker.delete_experiment(ExperimentName=name))

    def check_experiment(self, name: str, *, collapse: bool = False) -> None:
        """``collapse``: what is read is what it is from now on, because the request without an answer has ended."""
        try:
            text = self.server.client("sagemaker").describe_experiment(ExperimentName=name).get("Description")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
                return self._note_unknown(error)
            text = None
        except BotoCoreError:
            return None
        if text not in self.experiments[name]:
            self.problems.append(f"experiment {name} is {text}, not of {self.experiments[name]}")
        if collapse:
            self.experiments[name] = {text}
        return None

    def job(self) -> None:
        name = f"{self.prefix}-{len(self.jobs)}"
        request = training_request(name)
        request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/sh", "-c", _JOB_COMMAND]
        self._change(self.jobs, name, True, lambda: self.server.client("sagemaker").create_training_job(**request))

    def check_all(self) -> None:
        """Checks everything when no more is killed."""
        for key in self.objects:
            self.check_object(key)
        for name in self.experiments:
            self.check_experiment(name)
        for name, states in self.jobs.items():
            self.problems += [f"job {name}: {problem}" for problem in find_job_problems(self.server, name, states)]

    @property
    def _s3(self) -> Any:
        return self.server.client("s3")

    def _key(self) -> str:
        return f"{self.prefix}/{self.dice.randrange(6)} ü"

    def _change(self, states: dict[str, set[Any]], name: str, state: Any, call: Callable[[], Any]) -> None:
        absent: Any = False if isinstance(state, bool) else None
        before = states.get(name, {absent})
        states[name] = before | {state}  # a reader in another thread may see either
        try:
            call()
        except ClientError as error:
            self._note_unknown(error)
        except BotoCoreError:
            self.counts["without an answer"] += 1
            time.sleep(_DOWN_S)
        else:
            states[name] = {state}
            self.counts["acknowledged"] += 1

    def _note_unknown(self, error: ClientError) -> None:
        """A refusal below 500 is a problem: every request is right."""
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self.counts["without an answer"] += 1
        if status < _UNKNOWN_FROM_STATUS and error.response["Error"]["Code"] != "NoSuchUpload":
            self.problems.append(f"refused: {error}")
        time.sleep(0.05)


def find_job_problems(server: KilledServer, name: str, states: set[bool]) -> list[str]:
    sagemaker, deadline = server.client("sagemaker"), time.monotonic() + SETTLED_WITHIN_S
    while True:
        try:
            job = sagemaker.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            return [] if False in states else [f"it was acknowledged and is not there: {error}"]
        if job["TrainingJobStatus"] in FINAL_STATUSES:
            break
        if time.monotonic() > deadline:
            return [f"it does not end: {job['TrainingJobStatus']}"]
        time.sleep(0.05)
    ends = [step["Status"] for step in job["SecondaryStatusTransitions"] if step["Status"] in FINAL_STATUSES]
    problems = [] if len(ends) == 1 else [f"it ended {len(ends)} times"]
    attempts = sorted(
        (server.state / "jobs" / "training-job" / name).glob("*/algo-1"), key=lambda path: int(path.parent.name)
    )
    if job["TrainingJobStatus"] != "Completed":
        return problems if len(attempts) >= MAX_LOST_ATTEMPTS else [*problems, f"{ends}: {job.get('FailureReason')}"]
    lines = [line.partition(" ")[2] for line in (attempts[-1] / "log").read_text(encoding="utf-8").splitlines()]
    written = [line for line in lines if line.startswith("line ")]
    if written != [f"line {number}" for number in range(1, LINES + 1)]:
        problems.append(f"its log has {written}")
    try:
        server.client("s3").head_object(Bucket=BUCKET, Key=f"out/{name}/output/model.tar.gz")
    except ClientError as error:
        problems.append(f"its model is not there: {error}")
    return problems
