"""Workers of a search: one that dies costs at most its own trial, and none is started where it could not compute."""

import multiprocessing
import os
import signal

import pytest

from naiad.errors import OptionError
from naiad.trainer.tuning import pool as pool_module
from naiad.trainer.tuning.pool import ForkPool, can_fork
from naiad.trainer.tuning.study_setup import choose_parallel
from naiad.trainer.tuning.trial import TrialState
from naiad.trainer.tuning.trial_run import JobOutcome, TrialJob
from naiad.trainer.tuning.tune_options import TuneOptions


@pytest.fixture
def pool(monkeypatch):
    """Its jobs complete at once; number 13 is killed."""

    def run_job(_, job, __):
        if job.number == 13:
            os.kill(os.getpid(), signal.SIGKILL)
        return JobOutcome(job.number, TrialState.COMPLETE, float(os.getpid()))

    monkeypatch.setattr(pool_module, "run_job", run_job)
    made = ForkPool(None, 2)
    yield made
    made.close()


def run(pool, number):
    pool.start(TrialJob(number, {}, seed=0))
    (outcome,) = pool.wait(lambda _: None)
    return outcome


def test_a_worker_takes_one_job_after_the_other(pool):
    assert run(pool, 0).objective == run(pool, 1).objective


def test_a_worker_that_was_killed_while_idle_is_replaced(pool):
    first = run(pool, 0)
    os.kill(int(first.objective), signal.SIGKILL)
    os.waitid(os.P_PID, int(first.objective), os.WEXITED | os.WNOWAIT)
    second = run(pool, 1)
    assert second.state is TrialState.COMPLETE
    assert second.objective != first.objective


def test_a_worker_that_is_killed_fails_its_job_alone(pool):
    assert run(pool, 13).state is TrialState.FAILED
    assert run(pool, 14).state is TrialState.COMPLETE


def test_a_daemonic_process_has_no_workers(monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert not can_fork("cpu")
    assert choose_parallel(TuneOptions(), {"device": "cpu"}) == 1


def test_trials_that_were_begun_with_several_threads_go_on_one_at_a_time():
    """torch's threads do not survive a fork: a worker that enters a parallel region waits for ever."""
    stored = {"plan": {"device": "cpu", "threads": 2}}
    assert choose_parallel(TuneOptions(), {}, stored) == 1
    with pytest.raises(OptionError, match="only one trial at a time"):
        choose_parallel(TuneOptions(parallel=2), {}, stored)
    assert choose_parallel(TuneOptions(parallel=2), {}, {"plan": {"device": "cpu", "threads": 1}}) == 2
