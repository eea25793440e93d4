"""A training job on a server, followed from here."""

import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from naiad.errors import FolderError, TrainingError

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_POLL_S = 0.5


def model_left(described: Mapping[str, Any], store: Any) -> str | None:
    """The s3:// URI of what a job has trained; one that was not packed ends with a slash. None where nothing is there.

    described: DescribeTrainingJob's answer, which names a place from the start. store: a boto3 client of S3.
    """
    uri = described.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if not uri:
        return None
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        found = store.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return None
        raise
    return str(uri) if any(key.endswith("/") or one["Key"] == key for one in found.get("Contents", ())) else None


@dataclass(frozen=True)
class JobHandle:
    """A training job on a server."""

    client: Callable[[str], Any]
    """A boto3 client of the server, by the service's name."""
    name: str

    def describe(self) -> dict[str, Any]:
        """DescribeTrainingJob's answer."""
        answer: dict[str, Any] = self.client("sagemaker").describe_training_job(TrainingJobName=self.name)
        return answer

    @property
    def status(self) -> str:
        """InProgress, Stopping, Completed, Failed or Stopped."""
        return str(self.describe()["TrainingJobStatus"])

    def wait(self, *, timeout_s: float | None = None, each: Callable[[str], None] | None = None) -> "JobHandle":
        """Until the job's end; log lines meanwhile go to ``each``. Raises TrainingError when it failed or the time is over."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for line in self.logs(follow=True, deadline=deadline):
            if each is not None:
                each(line)
        described = self.describe()
        if described["TrainingJobStatus"] in ("InProgress", "Stopping"):
            raise TrainingError(f"job {self.name} has not ended within {timeout_s:g} s", hint="wait on, or stop it")
        if described["TrainingJobStatus"] == "Failed":
            raise TrainingError(f"job {self.name} failed: {described.get('FailureReason', 'no reason was given')}")
        return self

    def logs(self, *, follow: bool = False, deadline: float | None = None) -> Iterator[str]:
        """Its lines so far; with ``follow`` until the job ends, or until ``deadline`` on ``time.monotonic``."""
        tokens: dict[str, str] = {}
        while True:
            over = self.status in ("Completed", "Failed", "Stopped")
            yield from self._new_lines(tokens)
            if over or not follow or (deadline is not None and time.monotonic() >= deadline):
                return
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Asks the job to stop; what it has learnt is kept. A job that has ended stays as it is."""
        self.client("sagemaker").stop_training_job(TrainingJobName=self.name)

    def model(self, folder: str | Path | None = None) -> "Model":
        """Waits for the job, and loads what it trained; ``folder`` keeps the artifact. Raises TrainingError, FolderError."""
        from naiad.trainer import load  # noqa: PLC0415  # reason: torch, which other calls do not need

        self.wait()
        described = self.describe()
        uri = model_left(described, self.client("s3"))
        if uri is None:
            raise TrainingError(
                f"job {self.name} has left no model: it is {described['TrainingJobStatus']}",
                hint=f"see what it wrote: naiad jobs logs {self.name}",
            )
        if uri.endswith("/"):
            raise TrainingError(
                f"job {self.name} has left a model that is not packed", hint=f"aws s3 cp --recursive {uri} ."
            )
        target = Path(folder).expanduser() if folder is not None else Path(tempfile.mkdtemp(prefix="naiad-model-"))
        if target.exists() and any(target.iterdir()):
            raise FolderError(f"the folder {target} is not empty", hint="name another one")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        with tempfile.TemporaryFile() as archive:
            self.client("s3").download_fileobj(bucket, key, archive)
            archive.seek(0)
            with tarfile.open(fileobj=archive, mode="r:gz") as tar:
                tar.extractall(target, filter="data")
        return load.load(target)

    def _new_lines(self, tokens: dict[str, str]) -> Iterator[str]:
        logs = self.client("logs")
        for stream in self._streams(logs):
            while True:
                more = {"nextToken": tokens[stream]} if stream in tokens else {}
                page = logs.get_log_events(logGroupName=_LOG_GROUP, logStreamName=stream, startFromHead=True, **more)
                yield from (event["message"] for event in page["events"])
                if tokens.get(stream) == page["nextForwardToken"]:
                    break
                tokens[stream] = page["nextForwardToken"]

    def _streams(self, logs: Any) -> list[str]:
        try:
            page = logs.describe_log_streams(logGroupName=_LOG_GROUP, logStreamNamePrefix=f"{self.name}/")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        return [stream["logStreamName"] for stream in page["logStreams"]]
