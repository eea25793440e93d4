"""Tags of jobs, by their ARNs."""

import re
from typing import Any

from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.listing import paged
from naiad.service.jobs.requests import check_tags, tags_of

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:([a-z-]+)/([a-zA-Z0-9-]{1,63})")
_PAGE = 50


@operation("sagemaker", "AddTags")
def add_tags(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    arn = _arn_of_job(context, asked["ResourceArn"])
    added = tags_of(asked)
    check_tags({**context.store.tags(arn), **added})
    context.store.set_tags(arn, added)
    return {"Tags": _listed(context.store.tags(arn))}


@operation("sagemaker", "ListTags")
def list_tags(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    tags = sorted(context.store.tags(_arn_of_job(context, asked["ResourceArn"])).items())
    behind = [(key, value) for key, value in tags if key > asked.get("NextToken", "")]
    limit = asked.get("MaxResults", _PAGE)
    page = dict(behind[:limit])
    return paged({"Tags": _listed(page)}, list(page)[-1] if len(behind) > limit else None)


@operation("sagemaker", "DeleteTags")
def delete_tags(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.store.remove_tags(_arn_of_job(context, asked["ResourceArn"]), asked["TagKeys"])
    return {}


def _arn_of_job(context: Context, arn: str) -> str:
    """The job's own ARN. Raises Invalid for one of another kind of thing, NotFound for a job that is not there."""
    match = _ARN.fullmatch(arn)
    if match is None or match[1] not in set(JobKind):
        raise Invalid(f"ResourceArn is {arn!r}; only training jobs and processing jobs have tags here")
    job = context.jobs.describe(JobKind(match[1]), match[2])
    if job.arn != arn:
        raise NotFound(f"{arn} is not here; did you mean {job.arn}?")
    return job.arn


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
