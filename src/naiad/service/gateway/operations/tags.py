"""Tags of jobs, endpoints and what they are made from, by their ARNs."""

import re
from typing import Any

from naiad.service.contract.tags import check_tags, tags_of
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.listing import paged

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:([a-z-]+)/([a-zA-Z0-9-]{1,63}(?:/[0-9]{1,9})?)")
_PAGE = 50


@operation("sagemaker", "AddTags")
def add_tags(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    arn = _known(context, asked["ResourceArn"])
    added = tags_of(asked)
    check_tags({**context.store.tags(arn), **added})
    context.store.set_tags(arn, added)
    return {"Tags": _listed(context.store.tags(arn))}


@operation("sagemaker", "ListTags")
def list_tags(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    tags = sorted(context.store.tags(_known(context, asked["ResourceArn"])).items())
    behind = [(key, value) for key, value in tags if key > asked.get("NextToken", "")]
    limit = asked.get("MaxResults", _PAGE)
    page = dict(behind[:limit])
    return paged({"Tags": _listed(page)}, list(page)[-1] if len(behind) > limit else None)


@operation("sagemaker", "DeleteTags")
def delete_tags(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.store.remove_tags(_known(context, asked["ResourceArn"]), asked["TagKeys"])
    return {}


def _known(context: Context, arn: str) -> str:
    """The ARN of something that is here. Raises Invalid for one of another kind of thing, NotFound for what is not there."""
    match = _ARN.fullmatch(arn)
    if match is not None and match[1] in set(JobKind):
        found = context.jobs.describe(JobKind(match[1]), match[2]).arn
    elif match is not None and match[1] in set(EntityKind):
        found = context.catalog.entities.get(EntityKind(match[1]), match[2]).arn
    else:
        kinds = ", ".join((*JobKind, *EntityKind))
        raise Invalid(f"ResourceArn is {arn!r}; there are tags of {kinds}")
    if found != arn:
        raise NotFound(f"{arn} is not here; did you mean {found}?")
    return found


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
