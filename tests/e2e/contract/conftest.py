"""Short jobs on a live server. A test gives only what differs from the usual request."""

import io
import json
import tarfile
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/naiad"
GROUP = "/aws/sagemaker/TrainingJobs"
ENDS = ("Completed", "Failed", "Stopped")


def make_archive(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """Returns a source archive; a TarInfo stands for a member that is not a regular file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.name, info.mode = name, 0o755
            if isinstance(content, bytes):
                info.size = len(content)
            tar.addfile(info, None if isinstance(content, tarfile.TarInfo) else io.BytesIO(content))
    return out.getvalue()


@dataclass(frozen=True)
class Jobs:
    server: Any

    def put(self, objects: Mapping[str, bytes]) -> None:
        store = self.server.client("s3")
        for key, content in objects.items():
            store.put_object(Bucket="naiad", Key=key, Body=content)

    def start(self, name: str, *, hosts: int = 1, **request: Any) -> str:
        """Creates a job. ``request`` replaces members of the usual request."""
        defaults = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": "any/pytorch-training:2", "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "Tags": [{"Key": "naiad:cores", "Value": "1"}],
        }
        self.server.client("sagemaker").create_training_job(**{**defaults, **request})
        return name

    def shell(self, name: str, program: str, **request: Any) -> str:
        """Creates a job whose program is a shell script."""
        return self._script(name, "run.sh", program, **request)

    def python(self, name: str, program: str, **request: Any) -> str:
        """Creates a job whose program is a Python script."""
        return self._script(name, "train.py", program, **request)

    def _script(self, name: str, file: str, program: str, **request: Any) -> str:
        hyperparameters = {"sagemaker_program": file, **request.pop("HyperParameters", {})}
        archive = make_archive({file: textwrap.dedent(program).encode()})
        return self.source(name, archive, HyperParameters=hyperparameters, **request)

    def source(self, name: str, archive: bytes, **request: Any) -> str:
        """Creates a job in script mode, whose script is train.py of the archive."""
        self.put({f"sources/{name}.tar.gz": archive})
        hyperparameters = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://naiad/sources/{name}.tar.gz",
            **request.pop("HyperParameters", {}),
        }
        return self.start(name, HyperParameters=hyperparameters, **request)

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.server.client("sagemaker").describe_training_job(TrainingJobName=name))

    def end(self, name: str, *, within_s: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while (described := self.describe(name))["TrainingJobStatus"] not in ENDS:
            assert time.monotonic() < deadline, described
            time.sleep(0.05)
        return described

    def completed(self, name: str) -> list[str]:
        """Waits for the end, and returns the output."""
        described = self.end(name)
        assert described["TrainingJobStatus"] == "Completed", described
        return self.lines(name)

    def failed(self, name: str) -> str:
        """Waits for the end, and returns the failure reason."""
        described = self.end(name)
        assert described["TrainingJobStatus"] == "Failed", described
        return str(described["FailureReason"])

    def lines(self, name: str, *, host: int = 1) -> list[str]:
        """Returns the first page of the log."""
        logs = self.server.client("logs")
        streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/algo-{host}")["logStreams"]
        page = logs.get_log_events(logGroupName=GROUP, logStreamName=streams[0]["logStreamName"], startFromHead=True)
        return [event["message"] for event in page["events"]]

    def until(self, condition: Callable[[], Any], *, within_s: float = 30) -> Any:
        deadline = time.monotonic() + within_s
        while not (value := condition()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return value

    def wait_for_output(self, name: str, word: str) -> None:
        """Waits until the program has written a line with the word."""

        def is_written() -> bool:
            try:
                return any(word in line for line in self.lines(name))
            except IndexError:
                return False

        self.until(is_written)

    def keys(self, prefix: str) -> set[str]:
        listed = self.server.client("s3").list_objects_v2(Bucket="naiad", Prefix=prefix)
        return {info["Key"].removeprefix(prefix) for info in listed.get("Contents", ())}

    def content(self, key: str) -> bytes:
        return bytes(self.server.client("s3").get_object(Bucket="naiad", Key=key)["Body"].read())

    def packed(self, key: str) -> dict[str, bytes]:
        """Returns the files of an archive that a job has stored."""
        with tarfile.open(fileobj=io.BytesIO(self.content(key))) as tar:
            members = [(member.name, tar.extractfile(member)) for member in tar]
            return {name: file.read() for name, file in members if file is not None}


@pytest.fixture
def jobs(shared_server: Any) -> Jobs:
    return Jobs(shared_server)


@pytest.fixture
def own_jobs(server: Any) -> Jobs:
    """Jobs on a server of the test's own, which it may end and start again."""
    return Jobs(server)


@pytest.fixture
def small_jobs(small_server: Any) -> Jobs:
    """Jobs on a server whose disk has 40 MiB."""
    return Jobs(small_server)


@pytest.fixture
def archive() -> Callable[[Mapping[str, bytes | tarfile.TarInfo]], bytes]:
    return make_archive


@pytest.fixture
def channel() -> Callable[..., dict[str, Any]]:
    """Makes a channel of the objects below s3://naiad/."""

    def make(name: str, key: str, kind: str = "S3Prefix", **more: Any) -> dict[str, Any]:
        distribution = more.pop("distribution", "FullyReplicated")
        source = {"S3DataType": kind, "S3Uri": f"s3://naiad/{key}", "S3DataDistributionType": distribution}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}

    return make


@pytest.fixture
def manifest() -> Callable[..., bytes]:
    def make(prefix: str, *names: str) -> bytes:
        return json.dumps([{"prefix": f"s3://naiad/{prefix}"}, *names]).encode()

    return make
