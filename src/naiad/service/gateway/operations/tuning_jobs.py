"""Tuning jobs: create, describe, list, stop, delete, and the list of their training jobs."""

from typing import Literal

from naiad.service.contract.tags import tags_of
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid
from naiad.service.domain.scope import Creator
from naiad.service.domain.tuning import Trial
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.hidden_environment import visible_entity
from naiad.service.gateway.operations.paging import DEFAULT_PAGE_SIZE, utc_member, with_next_token
from naiad.service.gateway.operations.tuning_description import (
    trial_status,
    trial_summary,
    tuning_description,
    tuning_summary,
)
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.store.entity_port import EntityQuery
from naiad.service.tuning.service import TuningService
from naiad.service.tuning.tuning_job import TuningJob, rank

_SORT_COLUMNS: dict[str, Literal["name", "created_at", "status"]] = {
    "Name": "name",
    "CreationTime": "created_at",
    "Status": "status",
}


@operation(
    "sagemaker",
    "CreateHyperParameterTuningJob",
    not_served="what CreateTrainingJob does not serve; Grid over ranges that are no categories; more than 1,000 training jobs, "
    "or 100 at once; of several InstanceConfigs the first is used",
)
def create_tuning_job(tunings: TuningService, principal: Principal, request: Shape) -> Shape:
    creator = Creator(principal.permanent_key, principal.limits)
    return {"HyperParameterTuningJobArn": tunings.create(request, tags_of(request), creator).arn}


@operation("sagemaker", "DescribeHyperParameterTuningJob")
def describe_tuning_job(tunings: TuningService, clock: Clock, principal: Principal, request: Shape) -> Shape:
    tuning = tunings.describe(request["HyperParameterTuningJobName"])
    visible = TuningJob(visible_entity(principal, tuning.entity), tuning.detail)
    elapsed_s = (clock.now() - tuning.entity.created_at).total_seconds()
    return tuning_description(visible, tunings.trials(tuning), elapsed_s=elapsed_s)


@operation("sagemaker", "ListHyperParameterTuningJobs")
def list_tuning_jobs(tunings: TuningService, request: Shape) -> Shape:
    page = tunings.find(_query(request))
    found = [TuningJob.of(entity) for entity in page.entities]
    trials = tunings.trials_of_all(found)
    summaries = [tuning_summary(tuning, trials[tuning.name]) for tuning in found]
    return with_next_token({"HyperParameterTuningJobSummaries": summaries}, page.next_token)


@operation("sagemaker", "StopHyperParameterTuningJob")
def stop_tuning_job(tunings: TuningService, request: Shape) -> Shape:
    tunings.stop(request["HyperParameterTuningJobName"])
    return {}


@operation("sagemaker", "DeleteHyperParameterTuningJob")
def delete_tuning_job(tunings: TuningService, request: Shape) -> Shape:
    tunings.delete(request["HyperParameterTuningJobName"])
    return {}


@operation("sagemaker", "ListTrainingJobsForHyperParameterTuningJob")
def list_trials(tunings: TuningService, request: Shape) -> Shape:
    """Lists a paused trial as InProgress. In an order by the objective, those without one are left out, as at AWS."""
    tuning = tunings.describe(request["HyperParameterTuningJobName"])
    trials = [trial for trial in tunings.trials(tuning) if not trial.is_prior]
    if "StatusEquals" in request:
        trials = [trial for trial in trials if trial_status(trial) == request["StatusEquals"]]
    ordered = _sorted(trials, request)
    start = _offset(request.get("NextToken"))
    end = start + request.get("MaxResults", DEFAULT_PAGE_SIZE)
    summaries = [trial_summary(tuning, trial) for trial in ordered[start:end]]
    return with_next_token({"TrainingJobSummaries": summaries}, end if end < len(ordered) else None)


def _query(request: Shape) -> EntityQuery:
    return EntityQuery(
        EntityKind.TUNING,
        status=request.get("StatusEquals"),
        name_contains=request.get("NameContains"),
        created_after=utc_member(request, "CreationTimeAfter"),
        created_before=utc_member(request, "CreationTimeBefore"),
        modified_after=utc_member(request, "LastModifiedTimeAfter"),
        modified_before=utc_member(request, "LastModifiedTimeBefore"),
        sort_by=_SORT_COLUMNS[request.get("SortBy", "Name")],
        descending=request.get("SortOrder", "Ascending") == "Descending",
        limit=request.get("MaxResults", DEFAULT_PAGE_SIZE),
        next_token=request.get("NextToken"),
    )


def _sorted(trials: list[Trial], request: Shape) -> list[Trial]:
    is_descending = request.get("SortOrder", "Ascending") == "Descending"
    match request.get("SortBy", "Name"):
        case "FinalObjectiveMetricValue":
            known = [trial for trial in trials if trial.objective is not None and not trial.state.is_unfinished]
            known.sort(key=lambda trial: (rank(trial, is_maximized=False), trial.number), reverse=is_descending)
            return known
        case "Status":
            return sorted(trials, key=lambda trial: (trial_status(trial), trial.number), reverse=is_descending)
        case "CreationTime":
            return sorted(trials, key=lambda trial: (trial.created_at, trial.number), reverse=is_descending)
        case _:
            return sorted(trials, key=lambda trial: trial.name, reverse=is_descending)


def _offset(token: str | None) -> int:
    """Raises Invalid for a token that is not from this list."""
    if token is None:
        return 0
    if not token.isdecimal() or not token.isascii() or len(token) > 6:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return int(token)
