"""The scope of a key: what its holder may do, and below which prefixes it reaches objects."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from naiad.service.domain.errors import Invalid

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MAX_PREFIX = 1024


class Scope(StrEnum):
    """One thing that a key may be for; each operation needs one of them."""

    READ = "read"
    INVOKE = "invoke"
    JOBS = "jobs"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)
SCOPE_TEXTS: Mapping[Scope, str] = {
    Scope.READ: "read objects, and see jobs, models, endpoints, experiments, logs and metrics",
    Scope.INVOKE: "call endpoints",
    Scope.JOBS: "put and delete objects; create, stop, tag and delete jobs; make models; keep experiments",
    Scope.ADMIN: "all of the above; endpoints, approvals, buckets; the environments of what other keys have made",
}


def with_implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Returns the scopes with those that they imply: an admin may do everything."""
    chosen = frozenset(scopes)
    return ALL_SCOPES if Scope.ADMIN in chosen else chosen


def scope_words(scopes: Iterable[Scope]) -> str:
    """Returns ``read, jobs``, always in the same order."""
    chosen = frozenset(scopes)
    return ", ".join(scope for scope in Scope if scope in chosen)


@dataclass(frozen=True)
class ObjectLimit:
    """A bucket, or the keys of it below a prefix."""

    bucket: str
    prefix: str = ""
    """Ends with a slash; "" is the whole bucket."""

    def covers(self, bucket: str, key: str) -> bool:
        """``key``: that of an object, or a prefix of keys."""
        return bucket == self.bucket and key.startswith(self.prefix)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def parse_limit(text: str) -> ObjectLimit:
    """Reads s3://bucket or s3://bucket/prefix. Raises Invalid."""
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise Invalid(f"{text!r} is no bucket or prefix", hint="give s3://BUCKET or s3://BUCKET/PREFIX")
    prefix = prefix.rstrip("/")
    if len(prefix) > _MAX_PREFIX or not prefix.isprintable():
        raise Invalid(f"the prefix of s3://{bucket} has unprintable letters, or more than {_MAX_PREFIX}")
    return ObjectLimit(bucket, f"{prefix}/" if prefix else "")


@dataclass(frozen=True)
class Creator:
    """The key that has made a job."""

    access_key: str
    limits: tuple[ObjectLimit, ...] = ()
    """The limits that the key had then: its job reaches no object beyond them. () is no limit."""

    def to_json(self) -> dict[str, Any]:
        return {"access_key": self.access_key, "limits": list(map(str, self.limits))}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Creator":
        return cls(values["access_key"], tuple(map(parse_limit, values["limits"])))
