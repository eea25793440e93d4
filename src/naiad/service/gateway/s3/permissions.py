"""What the program of a job may reach: what its request names, and nothing else. Pure: a request in AWS's shape, a yes or no."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from naiad.service.domain.job import Job

_SUBMIT = "sagemaker_submit_directory"


class Access(Enum):
    """What an operation does with the bucket and key that it names."""

    READ = "reads an object"
    WRITE = "puts or deletes an object"
    LIST = "lists the keys below a prefix"
    LOOK = "asks whether a bucket is there"
    OWN = "makes, removes or changes buckets, or sees all of them"


@dataclass(frozen=True)
class Grant:
    bucket: str
    prefix: str
    """Without a slash at its end; "" is the whole bucket."""
    writes: bool
    begins: bool = False
    """Any key that begins with the prefix, as S3Prefix has it; otherwise the prefix itself and what is below it."""

    def covers(self, bucket: str, key: str) -> bool:
        if bucket != self.bucket:
            return False
        return (
            not self.prefix or key == self.prefix or key.startswith(self.prefix if self.begins else f"{self.prefix}/")
        )


def may(job: Job, access: Access, bucket: str, name: str) -> bool:
    """``name`` is the key, or the prefix that is listed."""
    grants = tuple(grants_of(job))
    match access:
        case Access.OWN:
            return False
        case Access.LOOK:
            return any(grant.bucket == bucket for grant in grants)
        case Access.WRITE:
            return any(grant.writes and grant.covers(bucket, name) for grant in grants)
        case Access.READ | Access.LIST:
            return any(grant.covers(bucket, name) for grant in grants)


def grants_of(job: Job) -> Iterator[Grant]:
    request = job.request
    for uri in _inputs(request):
        yield from _grant(uri, begins=not uri.endswith("/"))
    for uri in _owned(request):
        yield from _grant(uri, writes=True)
    for uri in _result_paths(request, job.name):
        yield from _grant(uri, writes=True)


def _inputs(request: Mapping[str, Any]) -> Iterator[str]:
    for channel in request.get("InputDataConfig", ()):
        yield channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    for given in request.get("ProcessingInputs", ()):
        yield given.get("S3Input", {}).get("S3Uri", "")
    yield _unquoted(request.get("HyperParameters", {}).get(_SUBMIT, ""))


def _owned(request: Mapping[str, Any]) -> Iterator[str]:
    """Paths that are wholly the job's."""
    yield request.get("CheckpointConfig", {}).get("S3Uri", "")
    for output in request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        yield output.get("S3Output", {}).get("S3Uri", "")


def _result_paths(request: Mapping[str, Any], name: str) -> Iterator[str]:
    """Below S3OutputPath the job's name is its own; ``@remote`` takes s3://<bucket>/<job>/ and a path that ends with the name."""
    path = request.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
    bucket, _ = split_uri(path)
    if not bucket:
        return
    yield f"{path}/{name}"
    yield f"s3://{bucket}/{name}"
    if path.endswith(f"/{name}"):
        yield path


def _grant(uri: str, *, writes: bool = False, begins: bool = False) -> Iterator[Grant]:
    bucket, key = split_uri(uri)
    if bucket:
        yield Grant(bucket, key.rstrip("/"), writes, begins)


def split_uri(uri: str) -> tuple[str, str]:
    """(bucket, key) of s3://bucket/key; ("", "") of anything else."""
    if not uri.startswith("s3://"):
        return "", ""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _unquoted(value: str) -> str:
    """Hyperparameters come as text or as JSON of text."""
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, str) else value
