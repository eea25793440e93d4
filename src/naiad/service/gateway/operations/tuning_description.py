"""Tuning jobs and their trials in the shapes that AWS's model has for them."""

from collections.abc import Sequence

from naiad.service.domain.job import ACCOUNT_ID, JobKind
from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.gateway.operation import Shape
from naiad.service.tuning.closing import not_improving
from naiad.service.tuning.tuning_job import TuningJob, best_trial

_MAX_REASON = 1024
_AS_REQUESTED = (
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "WarmStartConfig",
    "Autotune",
)
_STATUSES = {
    TrialState.COMPLETED: "Completed",
    TrialState.FAILED: "Failed",
    TrialState.STOPPED: "Stopped",
}
_RETRYABLE = "InternalServerError"


def tuning_description(tuning: TuningJob, trials: Sequence[Trial], *, elapsed_s: float) -> Shape:
    """Returns DescribeHyperParameterTuningJob's output. ``elapsed_s``: since the creation, for one that has not ended."""
    own = [trial for trial in trials if not trial.is_prior]
    best = best_trial(own, is_maximized=tuning.is_maximized)
    ended_at = tuning.detail.ended_at
    seconds = elapsed_s if ended_at is None else (ended_at - tuning.entity.created_at).total_seconds()
    details: Shape = {"NumberOfTrainingJobsObjectiveNotImproving": not_improving(tuning, own)}
    if tuning.detail.converged_at is not None:
        details["ConvergenceDetectedTime"] = tuning.detail.converged_at
    reason = tuning.detail.failure_reason
    return {
        **{key: tuning.entity.request[key] for key in _AS_REQUESTED if key in tuning.entity.request},
        **_head(tuning, own),
        **({"BestTrainingJob": trial_summary(tuning, best)} if best is not None else {}),
        **_overall_best(tuning, trials),
        **({"FailureReason": reason[:_MAX_REASON]} if reason else {}),
        "TuningJobCompletionDetails": details,
        "ConsumedResources": {"RuntimeInSeconds": max(0, round(seconds))},
    }


def tuning_summary(tuning: TuningJob, trials: Sequence[Trial]) -> Shape:
    """Returns one of ListHyperParameterTuningJobs' summaries."""
    return {
        **_head(tuning, [trial for trial in trials if not trial.is_prior]),
        "Strategy": tuning.config["Strategy"],
        "ResourceLimits": tuning.limits,
    }


def trial_summary(tuning: TuningJob, trial: Trial) -> Shape:
    """Returns a HyperParameterTrainingJobSummary."""
    definition = tuning.definition_of(trial)
    summary: Shape = {
        "TrainingJobName": trial.name,
        "TrainingJobArn": f"arn:aws:sagemaker:{tuning.entity.region}:{ACCOUNT_ID}:{JobKind.TRAINING}/{trial.name}",
        "CreationTime": trial.created_at,
        "TrainingJobStatus": trial_status(trial),
        "TunedHyperParameters": dict(trial.values),
        "ObjectiveStatus": objective_status(trial),
    }
    if trial.definition:
        summary["TrainingJobDefinitionName"] = trial.definition
    if trial.parent:
        summary["TuningJobName"] = trial.parent
    if trial.started_at is not None:
        summary["TrainingStartTime"] = trial.started_at
    if trial.ended_at is not None:
        summary["TrainingEndTime"] = trial.ended_at
    if trial.failure_reason:
        summary["FailureReason"] = trial.failure_reason[:_MAX_REASON]
    if trial.objective is not None and not trial.state.is_unfinished:
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": definition.objective["Type"],
            "MetricName": definition.metric,
            "Value": trial.objective,
        }
    return summary


def trial_status(trial: Trial) -> str:
    """Returns AWS's status of the trial's training job."""
    if trial.is_prior:
        return "Stopped" if trial.stop_reason else "Completed"
    if trial.stop_reason and trial.state.is_unfinished:
        return "Stopping"
    return _STATUSES.get(trial.state, "InProgress")


def objective_status(trial: Trial) -> str:
    if trial.state.is_unfinished:
        return "Pending"
    return "Failed" if trial.objective is None else "Succeeded"


def _head(tuning: TuningJob, trials: Sequence[Trial]) -> Shape:
    """Returns the members that a description and a summary share."""
    objectives = [objective_status(trial) for trial in trials]
    ended_at = tuning.detail.ended_at
    return {
        "HyperParameterTuningJobName": tuning.name,
        "HyperParameterTuningJobArn": tuning.arn,
        "HyperParameterTuningJobStatus": str(tuning.status),
        "CreationTime": tuning.entity.created_at,
        "LastModifiedTime": max([tuning.entity.modified_at, *(trial.ended_at for trial in trials if trial.ended_at)]),
        **({"HyperParameterTuningEndTime": ended_at} if ended_at is not None else {}),
        "TrainingJobStatusCounters": _status_counters(trials),
        "ObjectiveStatusCounters": {name: objectives.count(name) for name in ("Succeeded", "Pending", "Failed")},
    }


def _status_counters(trials: Sequence[Trial]) -> Shape:
    failed = [trial for trial in trials if trial.state is TrialState.FAILED]
    retryable = sum((trial.failure_reason or "").startswith(_RETRYABLE) for trial in failed)
    return {
        "Completed": sum(trial.state is TrialState.COMPLETED for trial in trials),
        "InProgress": sum(trial.state.is_unfinished for trial in trials),
        "RetryableError": retryable,
        "NonRetryableError": len(failed) - retryable,
        "Stopped": sum(trial.state is TrialState.STOPPED for trial in trials),
    }


def _overall_best(tuning: TuningJob, trials: Sequence[Trial]) -> Shape:
    """Returns the best of the tuning job and its parents, of a warm start with identical data and algorithm."""
    if tuning.entity.request.get("WarmStartConfig", {}).get("WarmStartType") != "IdenticalDataAndAlgorithm":
        return {}
    best = best_trial(trials, is_maximized=tuning.is_maximized)
    return {} if best is None else {"OverallBestTrainingJob": trial_summary(tuning, best)}
