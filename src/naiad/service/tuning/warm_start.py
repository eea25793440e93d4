"""Warm start: a tuning job that begins with what up to five others have found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from naiad.service.contract.request_checks import Request
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.store.entity_port import EntityStore
from naiad.service.store.trial_port import TrialStore
from naiad.service.tuning.definitions import TuningDefinition
from naiad.service.tuning.tuning_job import TuningJob

_IDENTICAL = "IdenticalDataAndAlgorithm"


@dataclass(frozen=True)
class WarmStart:
    entities: EntityStore
    trials: TrialStore

    def prior_trials(self, request: Request, definitions: Sequence[TuningDefinition]) -> tuple[Trial, ...]:
        """Returns the trials of the parents that the new tuning job can learn from, numbered …, -2, -1.

        They stay with the new one, so that a parent may be deleted. Raises Invalid for parents that do not fit.
        """
        config = request.get("WarmStartConfig")
        if not config:
            return ()
        found: list[Trial] = []
        for parent in self._parents(request["HyperParameterTuningJobName"], config):
            for definition, source in _pairs(definitions, parent):
                _check_parent(definition, source, parent, is_identical=config["WarmStartType"] == _IDENTICAL)
                trials = [one for one in self.trials.of(parent.name) if one.definition == source.name]
                found += _known_values(definition, source, trials, parent.name)
        distinct = {one.name: one for one in found}
        return tuple(
            replace(one, tuning=request["HyperParameterTuningJobName"], number=number)
            for number, one in enumerate(distinct.values(), -len(distinct))
        )

    def _parents(self, name: str, config: Mapping[str, Any]) -> list[TuningJob]:
        parents = []
        for entry in config["ParentHyperParameterTuningJobs"]:
            parent_name = entry.get("HyperParameterTuningJobName", "")
            try:
                parent = TuningJob.of(self.entities.get(EntityKind.TUNING, parent_name))
            except NotFound as error:
                raise Invalid(f"WarmStartConfig of {name}: there is no tuning job {parent_name!r}") from error
            if not parent.status.is_final:
                raise Invalid(
                    f"WarmStartConfig of {name}: {parent_name} is {parent.status}; wait for its end, or stop it"
                )
            parents.append(parent)
        return parents


def _pairs(
    definitions: Sequence[TuningDefinition], parent: TuningJob
) -> list[tuple[TuningDefinition, TuningDefinition]]:
    """Returns each definition with that of the parent: of the same name, or the only one of both. Raises Invalid."""
    if len(definitions) == len(parent.definitions) == 1:
        return [(definitions[0], parent.definitions[0])]
    sources = {one.name: one for one in parent.definitions}
    pairs = [(one, sources[one.name]) for one in definitions if one.name in sources]
    if not pairs:
        raise Invalid(
            f"WarmStartConfig: no TrainingJobDefinition of {parent.name} has the name of one of this tuning job"
        )
    return pairs


def _check_parent(
    definition: TuningDefinition, source: TuningDefinition, parent: TuningJob, *, is_identical: bool
) -> None:
    own, its = ((one.metric, one.objective["Type"]) for one in (definition, source))
    if own != its:
        raise Invalid(
            f"WarmStartConfig: the objective of {parent.name} is {its[1]} {its[0]!r}, and that of this tuning job {own[1]} "
            f"{own[0]!r}: they must be the same"
        )
    known = {*source.static, *(one.name for one in source.dimensions)}
    missing = [one.name for one in definition.dimensions if one.name not in known]
    if missing:
        raise Invalid(
            f"WarmStartConfig: {parent.name} has no hyperparameter {missing[0]!r}, so its trials say nothing of it"
        )
    if not is_identical:
        return
    for what, values in (
        ("TrainingImage", [one.source["AlgorithmSpecification"].get("TrainingImage") for one in (definition, source)]),
        ("InputDataConfig", [_data_uris(one.source) for one in (definition, source)]),
    ):
        if values[0] != values[1]:
            raise Invalid(
                f"WarmStartConfig: {_IDENTICAL} needs the {what} of {parent.name}, which has {values[1]!r}, given {values[0]!r}; "
                "take TransferLearning"
            )


def _data_uris(source: Request) -> dict[str, str]:
    return {
        channel["ChannelName"]: channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "")
        for channel in source.get("InputDataConfig", ())
    }


def _known_values(
    definition: TuningDefinition, source: TuningDefinition, trials: Sequence[Trial], parent: str
) -> list[Trial]:
    """Returns the trials with an objective whose values lie in the new ranges, as trials of state PRIOR."""
    found = []
    for trial in trials:
        values = {
            one.name: trial.values.get(one.name, source.static.get(one.name, "")) for one in definition.dimensions
        }
        is_known = trial.objective is not None and (trial.state.is_final or trial.is_prior)
        if is_known and all(one.has(values[one.name]) for one in definition.dimensions):
            found.append(
                replace(
                    trial,
                    definition=definition.name,
                    values=values,
                    state=TrialState.PRIOR,
                    stop_reason=_stop_reason(trial),
                    parent=trial.parent or parent,
                )
            )
    return found


def _stop_reason(trial: Trial) -> str:
    """Returns why the trial was stopped; "" for one that has completed, even if it was asked to stop."""
    if trial.state is TrialState.STOPPED:
        return trial.stop_reason or "stopped"
    return trial.stop_reason if trial.is_prior else ""
