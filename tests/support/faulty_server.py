"""A server whose n-th write fails, what a client was told meanwhile, and whether a server after it still knows all of that.

python tests/support/faulty_server.py FOLDER [--errno ENOSPC] [--sticky] [--with-job] [--at 1,2,3] [--step 1]

Runs with the library of ``write_faults`` loaded. Forks a server for each write, which is faster than starting Python anew, and
prints a line of JSON for each: the write that failed, and the problems that were found.
"""

import argparse
import errno
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from write_faults import COUNT_ONLY, ERRNOS, WriteFaults

from naiad.errors import NaiadError
from naiad.home import ServerAddress
from naiad.service.compose import Settings
from naiad.service.run import serve
from naiad.service.walls.program_settings import ProgramNetwork, ProgramSettings

START_TIMEOUT_S, JOB_TIMEOUT_S = 60.0, 60.0
ONE_TRY = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=5, read_timeout=30)
FINAL_STATUSES = ("Completed", "Failed", "Stopped")
BUCKET = "naiad"


@dataclass
class ForkedServer:
    pid: int
    address: ServerAddress | None
    """None where it did not start."""
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        assert self.address is not None
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.address.url,
                region_name=self.address.region,
                aws_access_key_id=self.address.access_key,
                aws_secret_access_key=self.address.secret_key,
                config=ONE_TRY,
            )
        return self.clients[service]

    def end(self, number: int) -> None:
        os.kill(self.pid, number)
        os.waitpid(self.pid, 0)


def start(state: Path, log: Path, *, database: str | None = None) -> ForkedServer:
    """Returns when the server answers, or when it has ended instead."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _serve(state, log, writing, database)
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        line = lines.readline() if select.select([lines], [], [], START_TIMEOUT_S)[0] else b""
    if line:
        return ForkedServer(pid, ServerAddress(**json.loads(line)))
    os.waitpid(pid, 0)
    return ForkedServer(pid, None)


def _serve(state: Path, log: Path, writing: int, database: str | None) -> None:
    """Never returns: this is the server's process."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    programs = ProgramSettings(False, ProgramNetwork.HOST)
    try:
        settings = Settings(state, port=0, warm=False, programs=programs, database=database)
        serve(settings, ready=lambda address: os.write(writing, json.dumps(vars(address)).encode() + b"\n") and None)
    except NaiadError as error:
        print("error:", error, flush=True)
        os._exit(2)
    except BaseException:  # noqa: BLE001  # reason: the edge of the forked process
        traceback.print_exc()
        os._exit(70)
    os._exit(0)


@dataclass
class Model:
    """The state that the server has acknowledged. After a call without an answer, what was before and what was asked for."""

    objects: dict[str, set[bytes | None]] = field(default_factory=dict)
    things: dict[str, set[bool]] = field(default_factory=dict)
    """Jobs and experiments by "kind/name": whether they may be there."""
    refused: int = 0

    def change(self, states: dict[str, set[Any]], name: str, state: Any, call: Callable[[], Any]) -> bool:
        try:
            call()
        except (ClientError, BotoCoreError):
            self.refused += 1
            states[name] = states.get(name, {type(state)() if isinstance(state, bool) else None}) | {state}
            return False
        states[name] = {state}
        return True


def change_everything(server: ForkedServer, model: Model, *, with_job: bool) -> None:
    s3, sagemaker = server.client("s3"), server.client("sagemaker")

    def put(key: str, body: bytes) -> None:
        model.change(model.objects, key, body, lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=body))

    put("new", b"n" * 5000)
    put("old", b"o" * 7000)
    model.change(model.objects, "gone", None, lambda: s3.delete_object(Bucket=BUCKET, Key="gone"))
    model.change(model.objects, "joined", b"p" * 3000, lambda: _put_in_parts(s3, "joined", b"p" * 3000))
    model.change(model.things, "experiment/new", True, lambda: sagemaker.create_experiment(ExperimentName="new"))
    model.change(model.things, "experiment/gone", False, lambda: sagemaker.delete_experiment(ExperimentName="gone"))
    model.change(model.things, "job/gone", False, lambda: sagemaker.delete_training_job(TrainingJobName="gone"))
    if with_job:
        model.change(model.things, "job/new", True, lambda: sagemaker.create_training_job(**training_request("new")))
        _wait(lambda: _has_ended(sagemaker, "new"), until_s=5.0)


def _put_in_parts(s3: Any, key: str, body: bytes) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=body)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload=parts)


def training_request(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": "any/image:1",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/sh", "-c", "echo line; echo w > /opt/ml/model/w"],
        },
        "RoleArn": "arn:aws:iam::000000000000:role/naiad",
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "Tags": [{"Key": "naiad:cores", "Value": "1"}],
    }


def _has_ended(sagemaker: Any, name: str) -> bool:
    try:
        return sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in FINAL_STATUSES
    except (ClientError, BotoCoreError):
        return False


def _wait(condition: Callable[[], bool], *, until_s: float) -> bool:
    deadline = time.monotonic() + until_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def read_problems(server: ForkedServer, model: Model) -> Iterator[str]:
    """Yields what the server does not list or read as it was acknowledged."""
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    listed = {info["Key"] for info in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}
    for key, bodies in model.objects.items():
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() if key in listed else None
        if body not in bodies:
            yield f"the object {key} is {'missing' if body is None else 'another one'}"
    jobs = {f"job/{job['TrainingJobName']}" for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]}
    experiments = {f"experiment/{one['ExperimentName']}" for one in sagemaker.list_experiments()["ExperimentSummaries"]}
    for name, states in model.things.items():
        if (name in jobs | experiments) not in states:
            yield f"{name} is {'there' if name in jobs | experiments else 'missing'}"


def _read(server: ForkedServer, model: Model, *, may_refuse: bool) -> list[str]:
    try:
        return list(read_problems(server, model))
    except (ClientError, BotoCoreError) as error:
        return [] if may_refuse else [f"it does not read: {error}"]


def deletion_problems(server: ForkedServer) -> Iterator[str]:
    """Deletes everything, and yields what does not go."""
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]:
        name = job["TrainingJobName"]
        if not _wait(lambda name=name: _has_ended(sagemaker, name), until_s=JOB_TIMEOUT_S):  # type: ignore[misc]
            yield f"job {name} has not ended: {sagemaker.describe_training_job(TrainingJobName=name)}"
            continue
        sagemaker.delete_training_job(TrainingJobName=name)
    for one in sagemaker.list_experiments()["ExperimentSummaries"]:
        sagemaker.delete_experiment(ExperimentName=one["ExperimentName"])
    for info in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=info["Key"])
    left = [
        *s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()),
        *sagemaker.list_training_jobs()["TrainingJobSummaries"],
    ]
    if left:
        yield f"not deleted: {left}"


def make_template(folder: Path) -> tuple[Path, Model]:
    """Returns the state of a server that has served before, and what is in it."""
    state, model = folder / "template", Model()
    server = start(state, folder / "server.log")
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    for key in ("old", "kept", "gone"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode() * 100)
        model.objects[key] = {key.encode() * 100}
    for name in ("kept", "gone"):
        sagemaker.create_experiment(ExperimentName=name)
        sagemaker.create_training_job(**training_request(name))
        model.things |= {f"experiment/{name}": {True}, f"job/{name}": {True}}
    for name in ("kept", "gone"):
        assert _wait(lambda name=name: _has_ended(sagemaker, name), until_s=JOB_TIMEOUT_S)  # type: ignore[misc]
    server.end(signal.SIGTERM)
    return state, model


@dataclass
class FaultRuns:
    folder: Path
    faults: WriteFaults
    template: Path
    before: Model
    with_job: bool

    def run(self, at: int, number: int, *, sticky: bool) -> dict[str, Any]:
        """Returns the write that failed, how many there were, and the problems."""
        state, log = self.folder / "state", self.folder / "server.log"
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(self.template, state)
        model = Model({**self.before.objects}, {**self.before.things})
        problems: list[str] = []
        self.faults.arm(state, at, number, sticky=sticky)
        server = start(state, log)
        if server.address is None:
            problems.append("it does not start")
        else:
            may_refuse = sticky and number != errno.ENOSPC  # a database that cannot be rolled back cannot be read
            problems += _read(server, model, may_refuse=may_refuse)
            change_everything(server, model, with_job=self.with_job)
            problems += _read(server, model, may_refuse=may_refuse)
            server.end(signal.SIGKILL if at % 2 else signal.SIGTERM)
        found = {"at": at, "count": self.faults.count, "write": self.faults.first_failed, "refused": model.refused}
        self.faults.disarm()
        after = start(state, log)
        if after.address is None:
            problems.append("it does not start again")
        else:
            problems += [
                f"afterwards {problem}" for problem in (*read_problems(after, model), *deletion_problems(after))
            ]
            after.end(signal.SIGTERM)
        return {**found, "problems": problems}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=lambda text: Path(text).resolve())
    parser.add_argument("--errno", choices=ERRNOS, default="ENOSPC")
    parser.add_argument("--sticky", action="store_true")
    parser.add_argument("--with-job", action="store_true")
    parser.add_argument("--at", type=lambda text: [int(number) for number in text.split(",")])
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    faults = WriteFaults(Path(os.environ["NAIAD_FAULTS"]))
    template, before = make_template(options.folder)
    runs = FaultRuns(options.folder, faults, template, before, options.with_job)
    counted = runs.run(COUNT_ONLY, 0, sticky=False)
    print(json.dumps(counted), flush=True)
    for at in options.at or range(1, counted["count"] + 1, options.step):
        found = runs.run(at, ERRNOS[options.errno], sticky=options.sticky)
        print(json.dumps(found), flush=True)
        if not found["write"]:  # there are fewer writes than were counted, as fewer need room
            break


if __name__ == "__main__":
    sys.exit(main())
