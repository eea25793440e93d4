"""The trial component of a job: made when a job names an experiment, and kept when the job is deleted."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from naiad.service.domain.association import Association, AssociationType
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Invalid, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.experiments.experiments import Experiments
from naiad.service.experiments.records import Request
from naiad.service.experiments.trial_components import TrialComponents

SOURCE_TYPES = {
    JobKind.TRAINING: "SageMakerTrainingJob",
    JobKind.PROCESSING: "SageMakerProcessingJob",
    JobKind.TRANSFORM: "SageMakerTransformJob",
}
_COMPONENT = EntityKind.TRIAL_COMPONENT


@dataclass(frozen=True)
class JobComponents:
    """Safe for threads. ``config`` is ExperimentConfig of a job's request."""

    experiments: Experiments
    components: TrialComponents

    def check(self, config: Request) -> None:
        """Raises ResourceNotFound, Invalid for names that do not fit together."""
        names = {key for key in config if config[key]} - {"TrialComponentDisplayName"}
        if names == {"RunName"}:
            raise Invalid("ExperimentConfig has a RunName and no ExperimentName; give both")
        if "ExperimentName" in names:
            self.experiments.get(config["ExperimentName"])
        if "RunName" in names:
            self.components.get(config["RunName"])
        if "TrialName" not in names:
            return
        trial = self.experiments.get_trial(config["TrialName"])
        owner = trial.request["ExperimentName"]
        if config.get("ExperimentName", owner) != owner:
            raise Invalid(f"ExperimentConfig: the trial {trial.name} belongs to the experiment {owner}")

    def add(self, job: Job, values: Request) -> Entity:
        """Makes the component of a new job; one of an earlier job of the same name is replaced.

        values: Parameters, InputArtifacts and OutputArtifacts of the component.
        """
        config, records = job.request["ExperimentConfig"], self.components.records
        request = {**values, "Source": job_source(job)}
        if "TrialComponentDisplayName" in config:
            request["DisplayName"] = config["TrialComponentDisplayName"]
        entity = records.make(_COMPONENT, component_name(job), request)
        links = list(self._associations(entity, job, self._trial_of(config, job)))
        if "RunName" in config:
            run = self.components.get(config["RunName"])
            with contextlib.suppress(AlreadyExists):  # an earlier job of the same name ran under it
                records.associations.add(records.association(run.arn, source_key(job.arn), AssociationType.SOURCE))
        try:
            records.entities.add(entity, {}, links)
        except AlreadyExists:
            records.entities.delete(records.get(_COMPONENT, entity.name))
            records.entities.add(entity, {}, links)
        return entity

    def freeze(self, job: Job, values: Request) -> None:
        """Writes what is read from a job into its component, because the job is deleted. Does nothing without a component."""
        if "ExperimentConfig" not in job.request:
            return
        try:
            self.components.update({"TrialComponentName": component_name(job), **values})
        except NotFound:
            return

    def source_job(self, component: Entity) -> tuple[JobKind, str] | None:
        """Returns kind and name of the job that the component was made from."""
        source = component.request.get("Source")
        if source is None:
            return None
        kind, _, name = source["SourceArn"].rpartition(":")[2].partition("/")
        return JobKind(kind), name

    def sources(self, component: Entity) -> list[dict[str, str]]:
        """Returns the jobs that ran under the component, oldest first, in AWS's shape."""
        found = self.components.records.associations.find(source=component.arn)
        return [_source(one.destination) for one in found if one.type is AssociationType.SOURCE]

    def _trial_of(self, config: Request, job: Job) -> Entity | None:
        """Returns the trial of the configuration; a new one for an experiment without a trial."""
        if "TrialName" in config:
            return self.experiments.get_trial(config["TrialName"])
        if "ExperimentName" in config:
            name = f"{component_name(job)}-trial"
            try:
                return self.experiments.get_trial(name)
            except NotFound:
                return self.experiments.create_trial(
                    {"TrialName": name, "ExperimentName": config["ExperimentName"]}, {}
                )
        return None

    def _associations(self, entity: Entity, job: Job, trial: Entity | None) -> Iterator[Association]:
        records = self.components.records
        yield records.association(entity.arn, source_key(job.arn), AssociationType.SOURCE)
        if trial is not None:
            yield records.association(entity.arn, trial.arn, AssociationType.MEMBER)


def component_name(job: Job) -> str:
    """Returns AWS's name for the component of a job."""
    return f"{job.name.lower()}-aws-{job.kind}"


def source_key(arn: str) -> str:
    """Returns the ARN of a job as associations hold it: clients ask for it in lower case."""
    return arn.lower()


def job_source(job: Job) -> dict[str, str]:
    return {"SourceArn": job.arn, "SourceType": SOURCE_TYPES[job.kind]}


def component_parameters(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns Parameters in AWS's shape: numbers as numbers, everything else as text of at most 2,500 characters."""
    return {name: _parameter(value) for name, value in list(values.items())[:300]}


def _parameter(value: Any) -> dict[str, Any]:
    try:
        number = float(value)
    except ValueError:
        return {"StringValue": str(value)[:2500]}
    is_finite = number - number == 0
    return {"NumberValue": number} if is_finite else {"StringValue": str(value)}


def _source(arn: str) -> dict[str, str]:
    kind = arn.rpartition(":")[2].partition("/")[0]
    return {"SourceArn": arn, "SourceType": SOURCE_TYPES[JobKind(kind)]}
