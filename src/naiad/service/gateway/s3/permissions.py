"""Permissions in S3: of a key by its scopes and limits, of a job's program by what the job's request names.

A program reaches nothing else, and nothing beyond the limits of the key that has made its job.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from naiad.service.contract.s3_uri import is_s3_uri, parse_s3_uri
from naiad.service.domain.job import Job
from naiad.service.domain.scope import ObjectLimit, Scope

_SUBMIT_DIRECTORY = "sagemaker_submit_directory"


class Access(Enum):
    """The use that an operation makes of the bucket and key that it names."""

    READ = "reads an object"
    WRITE = "puts or deletes an object"
    LIST = "lists the keys below a prefix"
    WRITE_SOME = "deletes objects that its body names, each of which is checked by itself"
    LIST_BUCKETS = "lists the buckets that the key reaches"
    VIEW_BUCKET = "asks whether a bucket is there, and how it is configured"
    MANAGE_BUCKETS = "makes, removes or changes buckets, or reads their grants"


SCOPE_OF_ACCESS: Mapping[Access, Scope] = {
    Access.READ: Scope.READ,
    Access.WRITE: Scope.JOBS,
    Access.LIST: Scope.READ,
    Access.WRITE_SOME: Scope.JOBS,
    Access.LIST_BUCKETS: Scope.READ,
    Access.VIEW_BUCKET: Scope.READ,
    Access.MANAGE_BUCKETS: Scope.ADMIN,
}
_OF_BUCKET = (Access.VIEW_BUCKET, Access.WRITE_SOME)


@dataclass(frozen=True)
class Grant:
    bucket: str
    prefix: str
    """A prefix of keys without a slash at its end; "" is the whole bucket."""
    is_writable: bool
    is_key_prefix: bool = False
    """Whether it covers every key that begins with the prefix, as S3Prefix does; otherwise the prefix and what is below it."""

    def covers(self, bucket: str, key: str) -> bool:
        if bucket != self.bucket:
            return False
        start = self.prefix if self.is_key_prefix else f"{self.prefix}/"
        return not self.prefix or key == self.prefix or key.startswith(start)


def is_allowed(job: Job, access: Access, bucket: str, name: str) -> bool:
    """Whether the job's program may. ``name``: the key, or the prefix that is listed."""
    if job.creator is not None and not is_within(job.creator.limits, access, bucket, name):
        return False
    grants = tuple(grants_of(job))
    match access:
        case Access.MANAGE_BUCKETS | Access.LIST_BUCKETS:
            return False
        case Access.VIEW_BUCKET | Access.WRITE_SOME:
            return any(grant.bucket == bucket for grant in grants)
        case Access.WRITE:
            return any(grant.is_writable and grant.covers(bucket, name) for grant in grants)
        case Access.READ | Access.LIST:
            return any(grant.covers(bucket, name) for grant in grants)


def is_within(limits: Sequence[ObjectLimit], access: Access, bucket: str, name: str) -> bool:
    """Whether a key with these limits reaches it; ``name`` as for ``is_allowed``."""
    if not limits or access is Access.LIST_BUCKETS:
        return True
    if access is Access.MANAGE_BUCKETS:
        return False
    if access in _OF_BUCKET:
        return any(limit.bucket == bucket for limit in limits)
    return any(limit.covers(bucket, name) for limit in limits)


def grants_of(job: Job) -> Iterator[Grant]:
    request = job.request
    for uri in _input_uris(request):
        yield from _grants(uri, is_key_prefix=not uri.endswith("/"))
    for uri in _output_uris(request):
        yield from _grants(uri, is_writable=True)
    for uri in _result_uris(request, job.name):
        yield from _grants(uri, is_writable=True)


def _input_uris(request: Mapping[str, Any]) -> Iterator[str]:
    for channel in request.get("InputDataConfig", ()):
        yield channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    for processing_input in request.get("ProcessingInputs", ()):
        yield processing_input.get("S3Input", {}).get("S3Uri", "")
    yield _unquote(request.get("HyperParameters", {}).get(_SUBMIT_DIRECTORY, ""))


def _output_uris(request: Mapping[str, Any]) -> Iterator[str]:
    """Yields paths that belong to the job as a whole."""
    yield request.get("CheckpointConfig", {}).get("S3Uri", "")
    for output in request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        yield output.get("S3Output", {}).get("S3Uri", "")


def _result_uris(request: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yields the job's own paths: its name below S3OutputPath, and those of ``@remote``.

    ``@remote`` uses s3://<bucket>/<job>/ and a path that ends with the job's name.
    """
    path = request.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
    bucket, _ = split_uri(path)
    if not bucket:
        return
    yield f"{path}/{name}"
    yield f"s3://{bucket}/{name}"
    if path.endswith(f"/{name}"):
        yield path


def _grants(uri: str, *, is_writable: bool = False, is_key_prefix: bool = False) -> Iterator[Grant]:
    bucket, key = split_uri(uri)
    if bucket:
        yield Grant(bucket, key.rstrip("/"), is_writable, is_key_prefix)


def split_uri(uri: str) -> tuple[str, str]:
    """Returns (bucket, key) of s3://bucket/key, or of the URL that AWS has for it; ("", "") of anything else."""
    if uri.startswith("https://") and is_s3_uri(uri):
        uri = str(parse_s3_uri(uri, at="a URI of the job"))
    if not uri.startswith("s3://"):
        return "", ""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _unquote(value: str) -> str:
    """Returns the text of a hyperparameter, which comes as text or as JSON of a text."""
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, str) else value
