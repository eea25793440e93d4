"""Associations of lineage: add, delete, list."""

from naiad.service.domain.association import Association
from naiad.service.domain.entity import Entity
from naiad.service.domain.errors import NotFound
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.job_cursor import JobCursor, parse_cursor
from naiad.service.gateway.operations.paging import DEFAULT_PAGE_SIZE, utc_member, with_next_token

_DEFAULT_TYPE = "AssociatedWith"


@operation("sagemaker", "AddAssociation", not_served="actions and contexts")
def add_association(experiments: ExperimentCatalog, request: Shape) -> Shape:
    source, destination = request["SourceArn"], request["DestinationArn"]
    experiments.lineage.add_association(source, destination, request.get("AssociationType", _DEFAULT_TYPE))
    return {"SourceArn": source, "DestinationArn": destination}


@operation("sagemaker", "DeleteAssociation")
def delete_association(experiments: ExperimentCatalog, request: Shape) -> Shape:
    source, destination = request["SourceArn"], request["DestinationArn"]
    experiments.lineage.remove_association(source, destination)
    return {"SourceArn": source, "DestinationArn": destination}


@operation("sagemaker", "ListAssociations")
def list_associations(experiments: ExperimentCatalog, request: Shape) -> Shape:
    found = experiments.lineage.associations(source=request.get("SourceArn"), destination=request.get("DestinationArn"))
    summaries = [_summary(experiments, one) for one in found]
    listed = [one for one in summaries if _is_listed(one, request)]
    listed.sort(
        key=lambda one: (one[request.get("SortBy", "CreationTime")], one["SourceArn"], one["DestinationArn"]),
        reverse=request.get("SortOrder", "Descending") == "Descending",
    )
    start = parse_cursor(request.get("NextToken")).offset
    end = start + request.get("MaxResults", DEFAULT_PAGE_SIZE)
    page = {"AssociationSummaries": listed[start:end]}
    return with_next_token(page, JobCursor(end) if end < len(listed) else None)


def _summary(experiments: ExperimentCatalog, association: Association) -> Shape:
    source = _end(experiments, association.source)
    destination = _end(experiments, association.destination)
    return {
        "SourceArn": association.source,
        "DestinationArn": association.destination,
        "SourceType": _type(source, association.source),
        "DestinationType": _type(destination, association.destination),
        "AssociationType": str(association.type),
        "CreationTime": association.created_at,
        **({"SourceName": name} if (name := _name(source)) else {}),
        **({"DestinationName": name} if (name := _name(destination)) else {}),
    }


def _end(experiments: ExperimentCatalog, arn: str) -> Entity | None:
    try:
        return experiments.lineage.end(arn)
    except NotFound:
        return None


def _type(entity: Entity | None, arn: str) -> str:
    """Returns the artifact's type, or the type of a trial component's source; else the kind in the ARN."""
    request = entity.request if entity is not None else {}
    kind = arn.rpartition(":")[2].partition("/")[0]
    return str(request.get("ArtifactType") or request.get("Source", {}).get("SourceType") or kind)


def _name(entity: Entity | None) -> str | None:
    if entity is None:
        return None
    return entity.request.get("ArtifactName") if "ArtifactType" in entity.request else entity.name


def _is_listed(summary: Shape, request: Shape) -> bool:
    filters = ("SourceType", "DestinationType", "AssociationType")
    after, before = utc_member(request, "CreatedAfter"), utc_member(request, "CreatedBefore")
    return (
        all(summary[name] == request[name] for name in filters if name in request)
        and (after is None or summary["CreationTime"] >= after)
        and (before is None or summary["CreationTime"] <= before)
    )
