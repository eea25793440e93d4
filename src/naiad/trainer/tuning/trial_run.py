"""One trial as a run of ``fit``: made from its values, gone on with from its checkpoint, paused at its rung.

Runs in the caller's process or in a worker; says what happens through a function, and raises nothing but what ends the search.
"""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from torch import nn

from naiad.errors import (
    DiskFailed,
    DiskFull,
    FolderError,
    NaiadError,
    TrainingError,
    TrainingPaused,
    TrainingStopped,
    describe_error,
)
from naiad.trainer.autoscale.choose_plan import ChosenPlan
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.loop.checkpoint import FolderCheckpoints
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.machine.seeding import fork_rng
from naiad.trainer.machine.torch_threads import torch_threads
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.plan import PLAN_FILE, Plan
from naiad.trainer.run import Run
from naiad.trainer.run_folder import RunFolder, RunRecord
from naiad.trainer.tuning.networks import TrialNetworks
from naiad.trainer.tuning.objective import Objective
from naiad.trainer.tuning.sparse_checkpoints import SparseCheckpoints
from naiad.trainer.tuning.study_folder import trial_folder
from naiad.trainer.tuning.targets import Targets, TrialChoices
from naiad.trainer.tuning.trial import TrialState, Value
from naiad.trainer.tuning.trial_plan import TrialPlanner

_ENDS_SEARCH = (DiskFull, DiskFailed, FolderError)
"""Errors that the next trial would meet as well."""


@dataclass(frozen=True)
class TrialJob:
    """A part of a trial's training: from where it is, to a rung or to its end."""

    number: int
    values: Mapping[str, Value]
    seed: int
    pause_at: frozenset[int] = frozenset()
    is_base: bool = False
    """Whether the plan is trial 0's own, without values."""
    stop_at: float | None = None
    """The time on ``time.perf_counter`` at which it ends; that clock is the same in all processes of a machine."""


@dataclass(frozen=True)
class EpochEvent:
    number: int
    epoch: int
    score: float
    seconds: float
    """Since the epoch before, validation included."""
    memory_bytes: int = 0
    """Memory of this process that no other one shares; 0 where it was not read."""


@dataclass(frozen=True)
class JobOutcome:
    number: int
    state: TrialState
    objective: float | None = None
    reason: str = ""
    is_interrupted: bool = False
    """Whether a signal ended it: then the search ends, too."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Choices of its plan, for the report."""
    error: NaiadError | None = None
    """The error that ends the whole search; None for all else."""


Report = Callable[[EpochEvent], None]


@dataclass
class TrialContext:
    """Things that all trials share; a worker gets it when it is forked."""

    datasets: Callable[[Mapping[str, Any]], Dataset]
    """The dataset for choices of a plan: feed and normalisation change how it is prepared."""
    networks: TrialNetworks
    planner: TrialPlanner
    targets: Targets
    objective: Objective
    folder: Path
    """The folder with one folder for each trial."""

    def trial_folder(self, number: int) -> Path:
        return trial_folder(self.folder, number)


@dataclass
class PreparedTrial:
    """A trial's run, ready to be trained or finished."""

    run: Run
    plan: Plan
    source: NetworkSource
    checkpoints: SparseCheckpoints

    def history(self) -> list[EpochRecord]:
        """Returns the epochs of the checkpoint that the run goes on from."""
        snapshot = self.checkpoints.latest()
        return [] if snapshot is None else [EpochRecord(**record) for record in snapshot.values["history"]]


def run_job(context: TrialContext, job: TrialJob, report: Report) -> JobOutcome:
    """Trains a trial to its next rung or its end. Whatever goes wrong in the trial itself is in the outcome."""
    plan: dict[str, Any] = {}
    try:
        with fork_rng(job.seed):
            trial = prepare_trial(context, job)
            plan = _shown_plan(trial.plan)
            with torch_threads(trial.plan.threads):
                score = _train(context, job, trial, report)
        return JobOutcome(job.number, TrialState.COMPLETE, score, plan=plan)
    except TrainingPaused:
        return JobOutcome(job.number, TrialState.PAUSED, plan=plan)
    except (OutOfTime, TrainingStopped) as stopped:
        is_signal = isinstance(stopped, TrainingStopped)
        return JobOutcome(job.number, TrialState.STOPPED, reason=str(stopped), is_interrupted=is_signal, plan=plan)
    except _ENDS_SEARCH as error:
        return JobOutcome(job.number, TrialState.FAILED, reason=str(error), error=error)
    except Exception as error:  # noqa: BLE001  # reason: a trial may fail in any way, and the search goes on
        reason = str(error) if isinstance(error, NaiadError) else describe_error(error)
        shutil.rmtree(context.trial_folder(job.number), ignore_errors=True)
        return JobOutcome(job.number, TrialState.FAILED, reason=reason, plan=plan)


class OutOfTime(TrainingError):
    """The search's time is over. It is no TrainingStopped: no signal has come, or will."""


def prepare_trial(context: TrialContext, job: TrialJob, *, out: Path | None = None) -> PreparedTrial:
    """Makes the trial's network and run; call it inside ``fork_rng(job.seed)``. out: where ``finish`` is to write.

    Raises InputError where its values cannot be used.
    """
    choices = TrialChoices() if job.is_base else context.targets.choices(job.values)
    dataset = context.datasets(choices.plan)
    net, source = context.networks.make(choices.network)
    folder = context.trial_folder(job.number)
    checkpoints = SparseCheckpoints(FolderCheckpoints(folder / "checkpoints", keep=1))
    plan = _stored_plan(folder)
    is_new = plan is None
    if plan is None:
        plan = _make_plan(context, job, net, dataset, choices)
    strategy = make_task_strategy(dataset, seed=plan.seed, clusters=plan.clusters, network_output=plan.network_output)
    run = Run(
        RunFolder(out, None if is_new else RunRecord(plan, "", "", ""), checkpoints),
        dataset,
        net,
        strategy,
        SilentProgress(),
        with_report=out is not None,
        network_output=plan.network_output,
        pause_at_epochs=job.pause_at,
    )
    if is_new:
        run.check_batches(plan)
        folder.mkdir(parents=True, exist_ok=True)
        plan.write(folder)
    return PreparedTrial(run, plan, source, checkpoints)


def _make_plan(context: TrialContext, job: TrialJob, net: nn.Module, dataset: Dataset, choices: TrialChoices) -> Plan:
    if job.is_base:
        return context.planner.base_plan(seed=job.seed)
    return context.planner.make(net, dataset, choices, seed=job.seed, number=job.number)


def _stored_plan(folder: Path) -> Plan | None:
    """Returns the plan that the trial began with; None for a new trial, and for one whose plan a crash has cut off."""
    try:
        return Plan.read(folder / PLAN_FILE)
    except NaiadError:
        return None


def _train(context: TrialContext, job: TrialJob, trial: PreparedTrial, report: Report) -> float:
    """Returns the objective of the trial. Raises TrainingPaused, TrainingStopped, TrainingError."""
    history = trial.history() if trial.run.folder.previous is not None else []
    progress = _TrialProgress(context, job, trial, report, history)
    trial.run.progress = progress
    try:
        trained = trial.run.train(ChosenPlan(trial.plan), time.perf_counter())
    except (OutOfTime, TrainingStopped, TrainingPaused):
        trial.checkpoints.flush()
        raise
    trial.checkpoints.flush()
    return context.objective.kept_score(trained.history, trial.plan.keep_weights)


@dataclass
class _TrialProgress(SilentProgress):
    """Reports each epoch, and stops the trial when its time is over."""

    context: TrialContext
    job: TrialJob
    trial: PreparedTrial
    report: Report
    history: list[EpochRecord]
    _since: float = field(default_factory=time.perf_counter)
    _has_reported: bool = False

    def update(self, step: int, loss: float, rate: float, samples: int) -> None:  # noqa: ARG002  # reason: the protocol's
        if self.job.stop_at is not None and time.perf_counter() >= self.job.stop_at:
            raise OutOfTime(f"out of time at step {step} of {self.trial.plan.total_steps}")

    def end_epoch(self, record: EpochRecord) -> None:
        self.history.append(record)
        score = self.context.objective.kept_score(self.history, self.trial.plan.keep_weights)
        if not math.isfinite(score):
            raise TrainingError(f"the {self.context.objective.metric} is not a number after epoch {record.epoch}")
        now = time.perf_counter()
        memory_bytes = 0
        if not self._has_reported:  # reading it takes milliseconds
            memory_bytes, self._has_reported = int(psutil.Process().memory_full_info().uss), True
        self.report(EpochEvent(self.job.number, record.epoch, score, now - self._since, memory_bytes))
        self._since = now


_SHOWN = (
    "optimizer",
    "learning_rate",
    "batch_size",
    "weight_decay",
    "momentum",
    "schedule",
    "augment",
    "label_smoothing",
    "epochs",
)


def _shown_plan(plan: Plan) -> dict[str, Any]:
    values = {name: getattr(plan, name) for name in _SHOWN}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
