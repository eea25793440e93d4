"""The environments of jobs and models: their values often are secrets, and only the key that has made them sees them.

Keys for admin see all of them, and the program of a job those of its own. For others each value is ``(hidden)``; the names
stay, so that clients read the answers as before.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from naiad.service.domain.entity import Entity
from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import Job
from naiad.service.domain.scope import Scope
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.endpoints.control.model_request import single_container
from naiad.service.gateway.signing.authenticator import Principal

HIDDEN = "(hidden)"
_MEMBER = "Environment"


def visible_job(principal: Principal, job: Job) -> Job:
    """Returns the job as the caller may see it."""
    creator = None if job.creator is None else job.creator.access_key
    is_own = principal.job is not None and principal.job.arn == job.arn
    return job if is_own or _sees(principal, creator) else replace(job, request=_hide(job.request))


def visible_entity(principal: Principal, entity: Entity) -> Entity:
    """Returns a model, a model package or anything else as the caller may see it."""
    return entity if _sees(principal, entity.creator) else replace(entity, request=_hide(entity.request))


def check_added_variables(
    principal: Principal,
    catalog: ModelCatalog,
    container: Mapping[str, Any],
    variables: Mapping[str, str],
    *,
    model: Entity | None = None,
) -> None:
    """Raises AccessDenied for variables that are added to those of a model, or of its package, that another key has made.

    A variable such as PYTHONPATH would have code of the caller run with them. ``container``: as the model has it; ``model``:
    None for one that is to be made. Raises NotFound for its package.
    """
    sources = [] if model is None else [(model, container)]
    if variables and "ModelPackageName" in container:
        package = catalog.registry.package(container["ModelPackageName"])
        sources.append((package, single_container(package.request.get("InferenceSpecification", {}))))
    for entity, definition in sources:
        if variables and definition.get(_MEMBER) and not _sees(principal, entity.creator):
            raise AccessDenied(
                f"{entity.kind} {entity.name} has an Environment of another key, to which {next(iter(variables))} may "
                "not be added: leave Environment out, or make a model of your own"
            )


def _sees(principal: Principal, creator: str | None) -> bool:
    return Scope.ADMIN in principal.scopes or (creator is not None and creator == principal.permanent_key)


def _hide(value: Any) -> Any:
    """Returns the value with each variable hidden, in the environments of whatever it holds."""
    if isinstance(value, Mapping):
        return {
            name: dict.fromkeys(each, HIDDEN) if name == _MEMBER and isinstance(each, Mapping) else _hide(each)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hide(each) for each in value]
    return value
