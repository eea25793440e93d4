"""Tags of jobs, models, endpoints and their kin, by ARN."""

import re

from naiad.service.contract.tags import check_tags, tags_of
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.jobs.service import JobService
from naiad.service.store.port import Store

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:([a-z-]+)/([a-zA-Z0-9-]{1,120}(?:/[0-9]{1,9})?)")
_PAGE_SIZE = 50


@operation(
    "sagemaker",
    "AddTags",
    not_served="tags of other kinds than jobs, tuning jobs, models, endpoints, the registry, experiments and artifacts",
)
def add_tags(jobs: JobService, catalog: ModelCatalog, store: Store, request: Shape) -> Shape:
    arn = _check_arn(jobs, catalog, request["ResourceArn"])
    added = tags_of(request)
    check_tags({**store.tags(arn), **added})
    store.set_tags(arn, added)
    return {"Tags": _to_list(store.tags(arn))}


@operation("sagemaker", "ListTags")
def list_tags(jobs: JobService, catalog: ModelCatalog, store: Store, request: Shape) -> Shape:
    tags = sorted(store.tags(_check_arn(jobs, catalog, request["ResourceArn"])).items())
    remaining = [(key, value) for key, value in tags if key > request.get("NextToken", "")]
    limit = request.get("MaxResults", _PAGE_SIZE)
    page = dict(remaining[:limit])
    return with_next_token({"Tags": _to_list(page)}, list(page)[-1] if len(remaining) > limit else None)


@operation("sagemaker", "DeleteTags")
def delete_tags(jobs: JobService, catalog: ModelCatalog, store: Store, request: Shape) -> Shape:
    store.remove_tags(_check_arn(jobs, catalog, request["ResourceArn"]), request["TagKeys"])
    return {}


def _check_arn(jobs: JobService, catalog: ModelCatalog, arn: str) -> str:
    """Returns the ARN. Raises Invalid where its kind has no tags here, NotFound where nothing has this ARN."""
    match = _ARN.fullmatch(arn)
    if match is not None and match[1] in set(JobKind):
        stored_arn = jobs.describe(JobKind(match[1]), match[2]).arn
    elif match is not None and match[1] in set(EntityKind):
        stored_arn = catalog.entities.get(EntityKind(match[1]), match[2]).arn
    else:
        kinds = ", ".join((*JobKind, *EntityKind))
        raise Invalid(f"ResourceArn is {arn!r}; there are tags of {kinds}")
    if stored_arn != arn:
        raise NotFound(f"{arn} is not here; did you mean {stored_arn}?")
    return arn


def _to_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
