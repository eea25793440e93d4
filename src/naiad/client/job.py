"""A handle for a training job on a server: follows and stops it, and loads its model."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from naiad.archive import extract_tar
from naiad.client.aws_errors import code_of
from naiad.client.log_reader import LogReader
from naiad.errors import FolderError, TrainingError

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_FINAL_STATUSES = ("Completed", "Failed", "Stopped")
_POLL_S = 0.5


def find_model_uri(description: Mapping[str, Any], store: Any) -> str | None:
    """Returns the s3:// URI of a job's model; None where the job left none. A model that is not packed ends with a slash.

    description: DescribeTrainingJob's answer, which has a URI before there is a model. store: a boto3 client of S3.
    """
    uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if not uri:
        return None
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        objects = store.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
    except ClientError as error:
        if code_of(error) == "NoSuchBucket":
            return None
        raise
    return str(uri) if any(key.endswith("/") or one["Key"] == key for one in objects) else None


@dataclass(frozen=True)
class JobHandle:
    """A training job on a server."""

    client: Callable[[str], Any]
    """Returns a boto3 client of the server, by the service's name."""
    name: str

    def describe(self) -> dict[str, Any]:
        """Returns DescribeTrainingJob's answer."""
        answer: dict[str, Any] = self.client("sagemaker").describe_training_job(TrainingJobName=self.name)
        return answer

    @property
    def status(self) -> str:
        """InProgress, Stopping, Completed, Failed or Stopped."""
        return str(self.describe()["TrainingJobStatus"])

    def wait(self, *, timeout_s: float | None = None, each: Callable[[str], None] | None = None) -> "JobHandle":
        """Waits for the job's end; ``each`` is called with every log line.

        Raises TrainingError when the job failed or the time is over.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for line in self.logs(follow=True, deadline=deadline):
            if each is not None:
                each(line)
        description = self.describe()
        if description["TrainingJobStatus"] in ("InProgress", "Stopping"):
            raise TrainingError(f"job {self.name} has not ended within {timeout_s:g} s", hint="wait longer, or stop it")
        if description["TrainingJobStatus"] == "Failed":
            raise TrainingError(f"job {self.name} failed: {description.get('FailureReason', 'no reason was given')}")
        return self

    def logs(self, *, follow: bool = False, deadline: float | None = None) -> Iterator[str]:
        """Yields the lines so far; with ``follow`` until the job ends, or until ``deadline`` on ``time.monotonic``."""
        reader = LogReader(self.client("logs"), _LOG_GROUP, prefix=f"{self.name}/", missing_ok=True)
        while True:
            is_over = self.status in _FINAL_STATUSES
            for stream in reader.stream_names():
                yield from reader.new_lines(stream)
            if is_over or not follow or (deadline is not None and time.monotonic() >= deadline):
                return
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Asks the job to stop; what it has learnt is kept. A job that has ended stays as it is."""
        self.client("sagemaker").stop_training_job(TrainingJobName=self.name)

    def model(self, folder: str | Path | None = None, *, net: Any = None, trust: bool = False) -> "Model":
        """Waits for the job and loads its model; ``folder`` keeps the artifact.

        net, trust: as for ``naiad.load``. A job runs behind walls, so what it wrote is not trusted of itself.
        Raises TrainingError, FolderError, and the errors of ``naiad.load``.
        """
        from naiad.trainer.load import load  # noqa: PLC0415  # reason: torch, which other calls do not need

        self.wait()
        uri = self._packed_model_uri()
        target = Path(folder).expanduser() if folder is not None else Path(tempfile.mkdtemp(prefix="naiad-model-"))
        if target.exists() and any(target.iterdir()):
            raise FolderError(f"the folder {target} is not empty", hint="name another one")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        with tempfile.TemporaryFile() as archive:
            self.client("s3").download_fileobj(bucket, key, archive)
            archive.seek(0)
            target.mkdir(parents=True, exist_ok=True)
            extract_tar(archive, target)
        return load(target, net=net, trust=trust)

    def _packed_model_uri(self) -> str:
        """Raises TrainingError where the job has left no model, or one that is not packed."""
        description = self.describe()
        uri = find_model_uri(description, self.client("s3"))
        if uri is None:
            raise TrainingError(
                f"job {self.name} has left no model: it is {description['TrainingJobStatus']}",
                hint=f"see what it wrote: naiad jobs logs {self.name}",
            )
        if uri.endswith("/"):
            raise TrainingError(
                f"job {self.name} has left a model that is not packed", hint=f"aws s3 cp --recursive {uri} ."
            )
        return uri
