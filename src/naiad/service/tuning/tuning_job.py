"""A tuning job as the rooms above the store see it: an entity, whose detail holds what the search has come to."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from naiad.service.domain.entity import Entity
from naiad.service.domain.scope import Creator
from naiad.service.domain.tuning import Trial, TrialState, TuningStatus, check_tuning_move
from naiad.service.tuning.definitions import TuningDefinition, definitions_of

TuningKey = tuple[str, dt.datetime]


@dataclass(frozen=True)
class TuningDetail:
    """The rest of a tuning job: all but its request, its status and its trials."""

    creator: Creator | None = None
    """The key that has made it, and that makes its training jobs."""
    exhausted: tuple[str, ...] = ()
    """Names of the definitions whose search has no further values."""
    converged_at: dt.datetime | None = None
    failure_reason: str | None = None
    """Why the search cannot go on. Its trials are stopped, and the tuning job fails."""
    ended_at: dt.datetime | None = None

    def to_json(self) -> dict[str, Any]:
        creator = self.creator
        return {
            "creator": None if creator is None else creator.access_key,
            "creator_limits": [] if creator is None else creator.to_json()["limits"],
            "exhausted": list(self.exhausted),
            "converged_at": None if self.converged_at is None else self.converged_at.isoformat(),
            "failure_reason": self.failure_reason,
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TuningDetail":
        key = values["creator"]
        limits = {"access_key": key, "limits": values["creator_limits"]}
        times = {name: values[name] for name in ("converged_at", "ended_at")}
        return cls(
            creator=None if key is None else Creator.from_json(limits),
            exhausted=tuple(values["exhausted"]),
            failure_reason=values["failure_reason"],
            **{name: None if text is None else dt.datetime.fromisoformat(text) for name, text in times.items()},
        )


@dataclass(frozen=True)
class TuningJob:
    """One tuning job. Immutable; ``entity`` is the stored one."""

    entity: Entity
    detail: TuningDetail = field(default_factory=TuningDetail)

    @classmethod
    def of(cls, entity: Entity) -> "TuningJob":
        return cls(entity, TuningDetail.from_json(entity.detail))

    @property
    def name(self) -> str:
        return self.entity.name

    @property
    def arn(self) -> str:
        return self.entity.arn

    @property
    def key(self) -> TuningKey:
        """Returns the ARN and the time, which tell it from an earlier tuning job of its name."""
        return self.entity.arn, self.entity.created_at

    @property
    def status(self) -> TuningStatus:
        return TuningStatus(self.entity.status)

    @property
    def config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.entity.request["HyperParameterTuningJobConfig"]
        return config

    @property
    def limits(self) -> Mapping[str, Any]:
        limits: Mapping[str, Any] = self.config["ResourceLimits"]
        return limits

    @property
    def criteria(self) -> Mapping[str, Any]:
        criteria: Mapping[str, Any] = self.config.get("TuningJobCompletionCriteria", {})
        return criteria

    @cached_property
    def definitions(self) -> tuple[TuningDefinition, ...]:
        return definitions_of(self.entity.request)

    @property
    def is_maximized(self) -> bool:
        return self.definitions[0].is_maximized

    @property
    def stops_early(self) -> bool:
        """Whether a trial may be stopped because others were better at the same epoch."""
        return bool(self.config.get("TrainingJobEarlyStoppingType") == "Auto")

    def definition_of(self, trial: Trial) -> TuningDefinition:
        return next(one for one in self.definitions if one.name == trial.definition)

    def changed(self, detail: TuningDetail, *, at: dt.datetime, status: TuningStatus | None = None) -> "TuningJob":
        """Returns the job with another detail and, where one is given, status. Raises IllegalMove."""
        if status is not None:
            check_tuning_move(self.name, self.status, status)
            if status.is_final:
                detail = replace(detail, ended_at=at)
        entity = replace(self.entity, modified_at=at, status=str(status or self.status), detail=detail.to_json())
        return TuningJob(entity, detail)


def best_trial(trials: Sequence[Trial], *, is_maximized: bool) -> Trial | None:
    """Returns the ended trial with the best objective, of those that have completed where one has; of equal ones the first.

    A trial that was stopped early may have left no model. None where no trial has an objective.
    """
    known = [trial for trial in trials if trial.objective is not None and trial.state in _RANKED]
    whole = [trial for trial in known if trial.state is not TrialState.STOPPED and not _was_stopped(trial)] or known
    return min(whole, key=lambda trial: (rank(trial, is_maximized=is_maximized), trial.number), default=None)


_RANKED = (TrialState.COMPLETED, TrialState.STOPPED, TrialState.PRIOR)


def rank(trial: Trial, *, is_maximized: bool) -> float:
    """Returns a number that is smaller for a better trial. The trial has an objective."""
    assert trial.objective is not None
    return -trial.objective if is_maximized else trial.objective


def _was_stopped(trial: Trial) -> bool:
    """Whether a trial of a parent was stopped there."""
    return trial.is_prior and bool(trial.stop_reason)
