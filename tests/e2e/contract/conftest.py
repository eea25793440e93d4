"""Jobs of a few lines on a live server, each told by what it asks for beyond the usual."""

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


def archived(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """A source archive; a TarInfo stands for what is no file."""
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

    def begin(self, name: str, *, hosts: int = 1, **asked: Any) -> str:
        """``asked`` are members of the request, over the usual ones."""
        usual = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": "any/pytorch-training:2", "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "Tags": [{"Key": "naiad:cores", "Value": "1"}],
        }
        self.server.client("sagemaker").create_training_job(**{**usual, **asked})
        return name

    def shell(self, name: str, program: str, **asked: Any) -> str:
        """Begins a job whose program is a shell script."""
        return self._script(name, "run.sh", program, **asked)

    def python(self, name: str, program: str, **asked: Any) -> str:
        """The same in Python."""
        return self._script(name, "train.py", program, **asked)

    def _script(self, name: str, file: str, program: str, **asked: Any) -> str:
        given = {"sagemaker_program": file, **asked.pop("HyperParameters", {})}
        archive = archived({file: textwrap.dedent(program).encode()})
        return self.source(name, archive, HyperParameters=given, **asked)

    def source(self, name: str, archive: bytes, **asked: Any) -> str:
        """Begins a job in script mode, whose script is train.py of the archive."""
        self.put({f"sources/{name}.tar.gz": archive})
        given = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://naiad/sources/{name}.tar.gz",
            **asked.pop("HyperParameters", {}),
        }
        return self.begin(name, HyperParameters=given, **asked)

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.server.client("sagemaker").describe_training_job(TrainingJobName=name))

    def end(self, name: str, *, within_s: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while (described := self.describe(name))["TrainingJobStatus"] not in ENDS:
            assert time.monotonic() < deadline, described
            time.sleep(0.05)
        return described

    def completed(self, name: str) -> list[str]:
        """What it said."""
        described = self.end(name)
        assert described["TrainingJobStatus"] == "Completed", described
        return self.lines(name)

    def failed(self, name: str) -> str:
        """Why."""
        described = self.end(name)
        assert described["TrainingJobStatus"] == "Failed", described
        return str(described["FailureReason"])

    def lines(self, name: str, *, host: int = 1) -> list[str]:
        """At most what one page of the log holds."""
        logs = self.server.client("logs")
        streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/algo-{host}")["logStreams"]
        page = logs.get_log_events(logGroupName=GROUP, logStreamName=streams[0]["logStreamName"], startFromHead=True)
        return [event["message"] for event in page["events"]]

    def until(self, what: Callable[[], Any], *, within_s: float = 30) -> Any:
        deadline = time.monotonic() + within_s
        while not (found := what()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return found

    def said(self, name: str, word: str) -> None:
        """Waits until the program has written a line that holds the word."""

        def there() -> bool:
            try:
                return any(word in line for line in self.lines(name))
            except IndexError:
                return False

        self.until(there)

    def keys(self, prefix: str) -> set[str]:
        listed = self.server.client("s3").list_objects_v2(Bucket="naiad", Prefix=prefix)
        return {found["Key"].removeprefix(prefix) for found in listed.get("Contents", ())}

    def content(self, key: str) -> bytes:
        return bytes(self.server.client("s3").get_object(Bucket="naiad", Key=key)["Body"].read())

    def packed(self, key: str) -> dict[str, bytes]:
        """The files of an archive that a job has left."""
        with tarfile.open(fileobj=io.BytesIO(self.content(key))) as tar:
            members = [(member.name, tar.extractfile(member)) for member in tar]
            return {name: file.read() for name, file in members if file is not None}


@pytest.fixture
def jobs(shared_server: Any) -> Jobs:
    return Jobs(shared_server)


@pytest.fixture
def own_jobs(server: Any) -> Jobs:
    """On a server of the test's own, which it may end and start again."""
    return Jobs(server)


@pytest.fixture
def small_jobs(small_server: Any) -> Jobs:
    """On a server whose disk has 40 MiB."""
    return Jobs(small_server)


@pytest.fixture
def archive() -> Callable[[Mapping[str, bytes | tarfile.TarInfo]], bytes]:
    return archived


@pytest.fixture
def channel() -> Callable[..., dict[str, Any]]:
    """A channel of a request, of what lies below s3://naiad/."""

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
