"""Places where the trials of a search run: in the caller's process one after the other, or in workers at once.

A worker is forked when the data are prepared and torch is loaded, so it shares both, starts in milliseconds, and takes one core:
it trains on one thread. It ends with the process that started it.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol

import torch

from naiad.trainer.tuning.trial import TrialState
from naiad.trainer.tuning.trial_run import EpochEvent, JobOutcome, TrialContext, TrialJob, run_job

_PR_SET_PDEATHSIG = 1
_GRACE_S = 20.0
"""Seconds that a worker has to end its trial at a step and to write its checkpoint."""

OnEpoch = Callable[[EpochEvent], None]


class Pool(Protocol):
    """Runs jobs. At most ``size`` are started and not ended."""

    size: int

    def start(self, job: TrialJob) -> None:
        """Begins a job, or puts it where ``wait`` runs it."""

    def wait(self, on_epoch: OnEpoch, timeout_s: float | None = None) -> list[JobOutcome]:
        """Returns the jobs that have ended, at least one unless the time is over before; calls ``on_epoch`` meanwhile."""

    def stop(self, on_epoch: OnEpoch) -> list[JobOutcome]:
        """Has the running jobs end at their next step, and returns their outcomes."""

    def close(self) -> None:
        """Ends everything that is still running. May be called twice."""


@dataclass
class InlinePool:
    """Runs each job in the caller's process; ``wait`` returns when it has ended."""

    context: TrialContext
    size: int = 1
    _jobs: list[TrialJob] = field(default_factory=list)

    def start(self, job: TrialJob) -> None:
        self._jobs.append(job)

    def wait(self, on_epoch: OnEpoch, timeout_s: float | None = None) -> list[JobOutcome]:  # noqa: ARG002  # reason: the port's
        return [run_job(self.context, self._jobs.pop(0), on_epoch)] if self._jobs else []

    def stop(self, on_epoch: OnEpoch) -> list[JobOutcome]:  # noqa: ARG002  # reason: the port's
        jobs, self._jobs = self._jobs, []
        return [JobOutcome(job.number, TrialState.STOPPED, reason="the search ended") for job in jobs]

    def close(self) -> None:
        self._jobs.clear()


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: TrialJob | None = None


class ForkPool:
    """Runs jobs in forked workers, one thread each. A worker that is killed, as for want of memory, fails its trial alone."""

    def __init__(self, context: TrialContext, size: int) -> None:
        self.size = size
        self._context = context
        self._workers: list[_Worker] = []

    def start(self, job: TrialJob) -> None:
        for worker in [worker for worker in self._workers if worker.job is None]:
            if _is_sent(worker, job):
                return
            self._bury(worker)  # it was killed while it had nothing to do
        worker = _fork(self._context, self._workers)
        self._workers.append(worker)
        if not _is_sent(worker, job):  # the next ``wait`` says why
            worker.job = job

    def wait(self, on_epoch: OnEpoch, timeout_s: float | None = None) -> list[JobOutcome]:
        ends_at = None if timeout_s is None else time.monotonic() + timeout_s
        outcomes: list[JobOutcome] = []
        while not outcomes and any(worker.job is not None for worker in self._workers):
            left_s = None if ends_at is None else max(0.0, ends_at - time.monotonic())
            ready = wait([worker.pipe for worker in self._workers if worker.job is not None], left_s)
            if not ready:
                break
            for worker in [worker for worker in self._workers if worker.pipe in ready]:
                outcome = self._receive(worker, on_epoch)
                outcomes += [] if outcome is None else [outcome]
        return outcomes

    def stop(self, on_epoch: OnEpoch) -> list[JobOutcome]:
        for worker in self._workers:
            if worker.job is not None and worker.process.pid is not None:
                os.kill(worker.process.pid, signal.SIGTERM)
        outcomes: list[JobOutcome] = []
        ends_at = time.monotonic() + _GRACE_S
        while any(worker.job is not None for worker in self._workers) and time.monotonic() < ends_at:
            outcomes += self.wait(on_epoch, ends_at - time.monotonic())
        return outcomes

    def close(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
            if worker.job is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join(_GRACE_S)
            worker.process.kill()
            worker.process.join()
        self._workers.clear()

    def _receive(self, worker: _Worker, on_epoch: OnEpoch) -> JobOutcome | None:
        assert worker.job is not None
        try:
            message = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            return _failure(worker.job, self._bury(worker))
        if isinstance(message, EpochEvent):
            on_epoch(message)
            return None
        worker.job = None
        assert isinstance(message, JobOutcome)
        return message

    def _bury(self, worker: _Worker) -> int | None:
        """Returns the status of a worker that has ended."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        return worker.process.exitcode


def _is_sent(worker: _Worker, job: TrialJob) -> bool:
    """Hands the job to the worker, and returns whether it is there to take it."""
    try:
        worker.pipe.send(job)
    except (BrokenPipeError, ConnectionResetError):
        return False
    worker.job = job
    return True


def _failure(job: TrialJob, code: int | None) -> JobOutcome:
    """The outcome of a job whose worker has ended with the status."""
    if code == -signal.SIGTERM:
        return JobOutcome(job.number, TrialState.STOPPED, reason="the search ended")
    if code == -signal.SIGKILL:
        reason = "its process was killed, most likely for want of memory"
    else:
        reason = f"its process ended with status {code}"
    return JobOutcome(job.number, TrialState.FAILED, reason=reason)


def can_fork(device: str) -> bool:
    """Whether trials may run in forked workers: on Linux, on a CPU. CUDA does not survive a fork.

    A worker of a ``multiprocessing.Pool`` may start no processes.
    """
    if sys.platform != "linux" or device != "cpu" or multiprocessing.current_process().daemon:
        return False
    return not torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # reason: torch's


def _fork(context: TrialContext, others: list[_Worker]) -> _Worker:
    forking = multiprocessing.get_context("fork")
    own, theirs = forking.Pipe()
    inherited = [own, *(worker.pipe for worker in others)]
    arguments = (context, theirs, inherited, os.getpid())
    process = forking.Process(target=_run_worker, args=arguments, name="naiad trial", daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a worker uses no thread of its parent
        process.start()
    theirs.close()
    return _Worker(process, own)


def _run_worker(context: TrialContext, pipe: Connection, inherited: list[Connection], parent: int) -> None:
    """Runs the jobs that come through ``pipe`` until its other end is closed."""
    for connection in inherited:  # of which this process is not the owner: they would not end with their owner
        connection.close()
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)  # with one thread, torch enters no parallel region: those do not survive a fork
    while True:
        try:
            job = pipe.recv()
            pipe.send(run_job(context, job, pipe.send))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before
        os._exit(1)
