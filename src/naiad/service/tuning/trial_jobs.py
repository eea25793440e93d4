"""The training jobs of trials: made, looked at, stopped and resumed. Each step may be repeated after a kill of the server."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from naiad.service.domain.errors import AccessDenied, AlreadyExists, Invalid, LimitExceeded, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.status import Phase, Status
from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.jobs.pause import TUNING_ARN, paused_epoch
from naiad.service.jobs.service import JobService
from naiad.service.tuning.checkpoints import remove_checkpoints
from naiad.service.tuning.curves import Curves
from naiad.service.tuning.definitions import TuningDefinition
from naiad.service.tuning.tuning_job import TuningJob

_LOG = logging.getLogger(__name__)
_STATES = {
    Status.COMPLETED: TrialState.COMPLETED,
    Status.FAILED: TrialState.FAILED,
    Status.STOPPED: TrialState.STOPPED,
}
_REFUSALS = (Invalid, LimitExceeded, NotFound, AccessDenied)


@dataclass(frozen=True)
class TrialJobs:
    jobs: JobService
    curves: Curves

    def start(self, tuning: TuningJob, trial: Trial, tags: Mapping[str, str]) -> Trial:
        """Makes the job of a planned trial, unless it is there already, and returns the trial as it is then.

        A job that is refused is a failed trial. Raises ServiceError when the store does not answer.
        """
        request = tuning.definition_of(trial).trial_request(trial, arn=tuning.arn, tags=tags)
        try:
            self.jobs.create(JobKind.TRAINING, request, tags, tuning.detail.creator)
        except AlreadyExists:
            if self.jobs.describe(JobKind.TRAINING, trial.name).request.get(TUNING_ARN) != tuning.arn:
                return self._failed(trial, f"ClientError: there is another training job of the name {trial.name}")
        except _REFUSALS as error:
            return self._failed(trial, f"ClientError: {error}")
        return replace(trial, state=TrialState.ACTIVE)

    def refresh(self, tuning: TuningJob, trial: Trial) -> Trial:
        """Returns a trial that has not ended as its job is now."""
        definition = tuning.definition_of(trial)
        try:
            job = self.jobs.describe(JobKind.TRAINING, trial.name)
        except NotFound:
            return self._ended(trial, TrialState.STOPPED, "its training job was deleted")
        curve = self.curves.read(job, definition.metric)
        trial = replace(
            trial,
            objective=curve[-1] if curve and _has_news(trial, job, curve[-1]) else trial.objective,
            started_at=job.started_at,
        )
        if job.status in _STATES:
            return self._with_end(definition, trial, job)
        if job.phase is Phase.PAUSED:
            return _paused(trial, paused_epoch(job))
        trial = replace(trial, state=TrialState.ACTIVE)
        return trial if definition.pauses else _at_rungs(definition, trial, curve)

    def stop(self, trial: Trial) -> None:
        try:
            self.jobs.stop(JobKind.TRAINING, trial.name)
        except NotFound:
            _LOG.info("%s was deleted before it was stopped", trial.name)

    def resume(self, trial: Trial, message: str) -> None:
        try:
            self.jobs.resume(JobKind.TRAINING, trial.name, message)
        except NotFound:
            _LOG.info("%s was deleted before it was resumed", trial.name)

    def stop_orphans(self, trials_of: Callable[[str], Sequence[Trial]]) -> None:
        """Stops paused jobs whose trial is in no tuning job: nobody would resume them. A restored database may have such jobs.

        ``trials_of`` returns the trials of a tuning job by its name; () where there is none.
        """
        trials_of = functools.cache(trials_of)
        for job in self.jobs.store.unfinished_jobs():
            arn = job.request.get(TUNING_ARN)
            if arn is None or job.phase is not Phase.PAUSED:
                continue
            trial = next((one for one in trials_of(arn.rpartition("/")[2]) if one.name == job.name), None)
            if trial is None or not trial.state.is_unfinished:
                _LOG.warning("%s is paused, and no tuning job has it as a trial: it is stopped", job.name)
                self.jobs.stop(JobKind.TRAINING, job.name)

    def _with_end(self, definition: TuningDefinition, trial: Trial, job: Job) -> Trial:
        state = _STATES[job.status]
        remove_checkpoints(self.jobs.blobs, definition, job)
        return replace(
            trial,
            state=state,
            objective=None if state is TrialState.FAILED else trial.objective,
            ended_at=job.ended_at,
            failure_reason=job.failure_reason,
        )

    def _failed(self, trial: Trial, reason: str) -> Trial:
        return self._ended(trial, TrialState.FAILED, reason)

    def _ended(self, trial: Trial, state: TrialState, reason: str) -> Trial:
        return replace(trial, state=state, ended_at=self.jobs.clock.now(), failure_reason=reason)


def _has_news(trial: Trial, job: Job, value: float) -> bool:
    """Whether the objective is to be stored: at a pause and at the end, not after each epoch."""
    is_at_rest = job.status.is_final or job.phase is Phase.PAUSED
    return is_at_rest and trial.objective != value


def _paused(trial: Trial, epoch: int | None) -> Trial:
    if epoch is None or trial.objective is None:
        return replace(trial, state=TrialState.PAUSED)
    return replace(trial, state=TrialState.PAUSED, rungs={epoch: trial.objective, **trial.rungs})


def _at_rungs(definition: TuningDefinition, trial: Trial, curve: list[float]) -> Trial:
    """Returns a running trial with the values at the rungs that it has reached."""
    excess = definition.excess_epoch
    epochs = [*definition.rungs, *([] if excess is None else [excess])]
    reached = {epoch: curve[epoch - 1] for epoch in epochs if epoch <= len(curve)} if definition.is_halved else {}
    return trial if not reached.keys() - trial.rungs.keys() else replace(trial, rungs={**reached, **trial.rungs})
