"""A job as a row of its table and back, without loss."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.scope import Creator
from naiad.service.domain.status import Phase
from naiad.service.store.row_checksum import check_row, with_checksum
from naiad.service.store.schema import COLUMNS_WITHOUT_CHECKSUM, jobs
from naiad.service.store.timestamps import from_epoch_us, to_epoch_us

_COLUMNS = COLUMNS_WITHOUT_CHECKSUM[jobs.name]


def job_to_row(job: Job) -> dict[str, Any]:
    """Raises Invalid for a request that JSON cannot hold."""
    values = {
        "kind": job.kind.value,
        "name": job.name,
        "arn": job.arn,
        "region": job.region,
        "status": job.status.value,
        "phase": job.phase.value,
        "attempt": job.attempt,
        "created_us": to_epoch_us(job.created_at),
        "modified_us": to_epoch_us(job.modified_at),
        "started_us": _epoch_us_or_none(job.started_at),
        "ended_us": _epoch_us_or_none(job.ended_at),
        "instances": job.resources.instances,
        "cores": job.resources.cores,
        "memory_bytes": job.resources.memory_bytes,
        "gpus": job.resources.gpus,
        "access_key": job.access_key,
        "secret_key": job.secret_key,
        "failure_reason": _text_to_json(job.failure_reason),
        "exit_message": _text_to_json(job.exit_message),
        "transitions": json.dumps([_transition_to_json(transition) for transition in job.transitions]),
        "request": _request_to_json(job),
        "creator": None if job.creator is None else json.dumps(job.creator.to_json()),
    }
    return with_checksum(values)


def job_from_row(row: Mapping[Any, Any]) -> Job:
    """Raises DamagedRow."""
    check_row(row, _COLUMNS)
    return Job(
        kind=JobKind(row["kind"]),
        name=row["name"],
        region=row["region"],
        request=json.loads(row["request"]),
        resources=ResourceRequest(
            instances=row["instances"], cores=row["cores"], memory_bytes=row["memory_bytes"], gpus=row["gpus"]
        ),
        created_at=from_epoch_us(row["created_us"]),
        modified_at=from_epoch_us(row["modified_us"]),
        phase=Phase(row["phase"]),
        attempt=row["attempt"],
        started_at=_time_or_none(row["started_us"]),
        ended_at=_time_or_none(row["ended_us"]),
        failure_reason=_text_from_json(row["failure_reason"]),
        exit_message=_text_from_json(row["exit_message"]),
        transitions=tuple(_transition_from_json(values) for values in json.loads(row["transitions"])),
        access_key=row["access_key"],
        secret_key=row["secret_key"],
        creator=None if row["creator"] is None else Creator.from_json(json.loads(row["creator"])),
    )


def _epoch_us_or_none(at: dt.datetime | None) -> int | None:
    return None if at is None else to_epoch_us(at)


def _time_or_none(epoch_us: int | None) -> dt.datetime | None:
    return None if epoch_us is None else from_epoch_us(epoch_us)


def _text_to_json(text: str | None) -> str | None:
    return None if text is None else json.dumps(text)


def _text_from_json(text: str | None) -> str | None:
    return None if text is None else str(json.loads(text))


def _transition_to_json(transition: Transition) -> list[Any]:
    return [
        transition.phase.value,
        to_epoch_us(transition.started_at),
        _epoch_us_or_none(transition.ended_at),
        transition.message,
    ]


def _transition_from_json(values: list[Any]) -> Transition:
    phase, started_us, ended_us, message = values
    return Transition(Phase(phase), from_epoch_us(started_us), _time_or_none(ended_us), message)


def _request_to_json(job: Job) -> str:
    try:
        return json.dumps(dict(job.request), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise Invalid(f"the request of {job.kind} {job.name} cannot be stored as JSON: {error}") from error
