"""A job as a row and back, without loss."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind, Need, Transition
from naiad.service.domain.status import Phase

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def row_of(job: Job) -> dict[str, Any]:
    """Raises Invalid for a request that JSON cannot hold."""
    return {
        "kind": job.kind.value,
        "name": job.name,
        "arn": job.arn,
        "region": job.region,
        "status": job.status.value,
        "phase": job.phase.value,
        "attempt": job.attempt,
        "created_us": micros(job.created_at),
        "modified_us": micros(job.modified_at),
        "started_us": _micros_or_none(job.started_at),
        "ended_us": _micros_or_none(job.ended_at),
        "instances": job.need.instances,
        "cores": job.need.cores,
        "memory_bytes": job.need.memory_bytes,
        "gpus": job.need.gpus,
        "access_key": job.access_key,
        "secret_key": job.secret_key,
        "failure_reason": _dumped_or_none(job.failure_reason),
        "exit_message": _dumped_or_none(job.exit_message),
        "transitions": json.dumps([_packed(past) for past in job.transitions]),
        "request": _dumped_request(job),
    }


def job_of(row: Mapping[Any, Any]) -> Job:
    return Job(
        kind=JobKind(row["kind"]),
        name=row["name"],
        region=row["region"],
        request=json.loads(row["request"]),
        need=Need(row["instances"], row["cores"], row["memory_bytes"], row["gpus"]),
        created_at=moment(row["created_us"]),
        modified_at=moment(row["modified_us"]),
        phase=Phase(row["phase"]),
        attempt=row["attempt"],
        started_at=_moment_or_none(row["started_us"]),
        ended_at=_moment_or_none(row["ended_us"]),
        failure_reason=_loaded_or_none(row["failure_reason"]),
        exit_message=_loaded_or_none(row["exit_message"]),
        transitions=tuple(_unpacked(past) for past in json.loads(row["transitions"])),
        access_key=row["access_key"],
        secret_key=row["secret_key"],
    )


def micros(at: dt.datetime) -> int:
    """Exact. Raises TypeError for a time without a zone."""
    return (at - _EPOCH) // _MICROSECOND


def moment(since_epoch_us: int) -> dt.datetime:
    """Aware, in UTC."""
    return _EPOCH + dt.timedelta(microseconds=since_epoch_us)


def _micros_or_none(at: dt.datetime | None) -> int | None:
    return None if at is None else micros(at)


def _moment_or_none(since_epoch_us: int | None) -> dt.datetime | None:
    return None if since_epoch_us is None else moment(since_epoch_us)


def _dumped_or_none(text: str | None) -> str | None:
    return None if text is None else json.dumps(text)


def _loaded_or_none(text: str | None) -> str | None:
    return None if text is None else str(json.loads(text))


def _packed(past: Transition) -> list[Any]:
    return [past.phase.value, micros(past.started_at), _micros_or_none(past.ended_at), past.message]


def _unpacked(packed: list[Any]) -> Transition:
    phase, started_us, ended_us, message = packed
    return Transition(Phase(phase), moment(started_us), _moment_or_none(ended_us), message)


def _dumped_request(job: Job) -> str:
    try:
        return json.dumps(dict(job.request), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise Invalid(f"the request of {job.kind} {job.name} cannot be stored as JSON: {error}") from error
