"""Candidates of a search: a training job, or an entity, with its record, tags and metrics read when they are needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.job import Job
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.endpoints import endpoint_description
from naiad.service.gateway.operations.experiments import experiment_record
from naiad.service.gateway.operations.hidden_environment import visible_entity, visible_job
from naiad.service.gateway.operations.model_packages import group_description, package_description
from naiad.service.gateway.operations.models import model_description
from naiad.service.gateway.operations.search_properties import record_shape
from naiad.service.gateway.operations.training_description import training_description
from naiad.service.gateway.operations.trial_component_record import (
    component_metrics,
    component_parents,
    component_record,
    source_job,
)
from naiad.service.gateway.operations.trials import trial_record
from naiad.service.gateway.operations.tuning_description import tuning_description
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.metrics import final_metrics
from naiad.service.jobs.service import JobService
from naiad.service.store.entity_port import EntityQuery
from naiad.service.store.port import Store
from naiad.service.tuning.service import TuningService
from naiad.service.tuning.tuning_job import TuningJob

_STATISTICS = {one.lower(): one for one in ("Max", "Min", "Last", "Avg", "Count", "StdDev")}


@dataclass(frozen=True)
class SearchSources:
    """The stores and services that are searched."""

    store: Store
    jobs: JobService
    tunings: TuningService
    endpoints: EndpointService
    experiments: ExperimentCatalog
    principal: Principal
    """The caller. Filters see of environments what the caller sees, or they would tell the rest letter by letter."""


@dataclass(frozen=True)
class JobCandidate:
    sources: SearchSources
    job: Job
    member = "TrainingJob"

    @property
    def shape(self) -> Any:
        return record_shape(self.member)

    @cached_property
    def tags(self) -> dict[str, str]:
        return self.sources.store.tags(self.job.arn)

    def record_for(self, name: str) -> Shape:
        return self._complete_record if _is_first(name, "FinalMetricDataList") else self._record

    def metric_values(self, name: str) -> list[float]:
        return [point.value for point in self._metrics if point.name == name]

    def result(self) -> Shape:
        return {self.member: {**self._complete_record, "Tags": _tag_list(self.tags)}}

    @cached_property
    def _record(self) -> Shape:
        """The job without its metrics."""
        return _only_known(self.shape, training_description(self._visible_job, ()))

    @cached_property
    def _complete_record(self) -> Shape:
        return _only_known(self.shape, training_description(self._visible_job, self._metrics))

    @property
    def _visible_job(self) -> Job:
        return visible_job(self.sources.principal, self.job)

    @cached_property
    def _metrics(self) -> tuple[Any, ...]:
        jobs = self.sources.jobs
        return final_metrics(jobs.instances(self.job))


@dataclass(frozen=True)
class ComponentCandidate:
    """A trial component."""

    sources: SearchSources
    entity: Entity
    member = "TrialComponent"

    @property
    def shape(self) -> Any:
        return record_shape(self.member)

    @cached_property
    def tags(self) -> dict[str, str]:
        return self.sources.store.tags(self.entity.arn)

    def record_for(self, name: str) -> Shape:
        return {**self._record, "Metrics": self._metrics} if _is_first(name, "Metrics") else self._record

    def metric_values(self, name: str) -> list[float]:
        """``name``: ``loss``, or a statistic of it: ``loss.max``."""
        metric, _, statistic = name.rpartition(".")
        key = _STATISTICS.get(statistic.lower())
        metric, key = (metric, key) if metric and key else (name, "Last")
        return [one[key] for one in self._metrics if one["MetricName"] == metric]

    def result(self) -> Shape:
        return {self.member: {**self._record, "Metrics": self._metrics, "Tags": _tag_list(self.tags)}}

    @cached_property
    def _record(self) -> Shape:
        """The component without its metrics."""
        trials = self.sources.experiments.records.groups(EntityKind.TRIAL, self.entity)
        record = component_record(self.entity, self._job, ())
        return _only_known(self.shape, {**record, "Parents": list(component_parents(trials))})

    @cached_property
    def _metrics(self) -> list[Shape]:
        return component_metrics(self.sources.experiments, self.sources.jobs, self.entity, self._job)

    @cached_property
    def _job(self) -> Job | None:
        return source_job(self.sources.experiments, self.sources.jobs, self.entity)


@dataclass(frozen=True)
class EntityCandidate:
    """A thing without metrics."""

    sources: SearchSources
    entity: Entity
    member: str

    @property
    def shape(self) -> Any:
        return searched_shape(self.member)

    @cached_property
    def tags(self) -> dict[str, str]:
        return self.sources.store.tags(self.entity.arn)

    def record_for(self, name: str) -> Shape:  # noqa: ARG002  # reason: the form of a candidate
        return self._record

    def metric_values(self, name: str) -> list[float]:  # noqa: ARG002  # reason: the form of a candidate
        return []

    def result(self) -> Shape:
        record = {**self._record, "Tags": _tag_list(self.tags)}
        return {self.member: {"Model": record} if self.member == "Model" else record}

    @cached_property
    def _record(self) -> Shape:
        entity = visible_entity(self.sources.principal, self.entity)
        return _only_known(self.shape, RECORDS[entity.kind](self.sources, entity))


def searched_shape(member: str) -> Any:
    """Returns the shape that filters of a kind are read by: a model's own, which is part of the record."""
    shape = record_shape(member)
    return shape.members["Model"] if member == "Model" else shape


def _is_first(name: str, member: str) -> bool:
    """Whether the path of a property begins with the member."""
    return name.partition(".")[0].lower() == member.lower()


def _only_known(shape: Any, record: Shape) -> Shape:
    return {key: value for key, value in record.items() if key in shape.members}


def _tag_list(tags: Mapping[str, str]) -> list[Shape]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _trial(sources: SearchSources, entity: Entity) -> Shape:
    query = EntityQuery(EntityKind.TRIAL_COMPONENT, member_of=entity.arn)
    components = sources.experiments.records.find(query).entities
    summaries = [
        {
            "TrialComponentName": one.name,
            "TrialComponentArn": one.arn,
            "CreationTime": one.created_at,
            "CreatedBy": {},
            **({"TrialComponentSource": one.request["Source"]} if "Source" in one.request else {}),
        }
        for one in components
    ]
    return {**trial_record(entity), "TrialComponentSummaries": summaries}


def _tuning(sources: SearchSources, entity: Entity) -> Shape:
    tuning = TuningJob.of(entity)
    elapsed_s = (sources.tunings.clock.now() - entity.created_at).total_seconds()
    return tuning_description(tuning, sources.tunings.trials(tuning), elapsed_s=elapsed_s)


RECORDS: Mapping[EntityKind, Callable[[SearchSources, Entity], Shape]] = {
    EntityKind.EXPERIMENT: lambda _, entity: experiment_record(entity),
    EntityKind.TRIAL: _trial,
    EntityKind.TUNING: _tuning,
    EntityKind.ENDPOINT: lambda sources, entity: endpoint_description(sources.endpoints, entity),
    EntityKind.MODEL: lambda _, entity: model_description(entity),
    EntityKind.MODEL_PACKAGE: lambda _, entity: package_description(entity),
    EntityKind.MODEL_PACKAGE_GROUP: lambda _, entity: group_description(entity),
}
