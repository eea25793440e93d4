"""A time limit becomes a number of steps."""

import pytest

from naiad.trainer.autoscale import time_limit
from naiad.trainer.autoscale.time_limit import Finalization, limit_steps, make_deadline
from naiad.trainer.plan.reason import SET_BY_USER, Reason


@pytest.fixture
def reasoned(plan):
    """A function that makes a plan with a reason for its epochs."""

    def make(reason, **choices):
        return plan(reasons=(("epochs", reason), ("total_steps", Reason(""))), **choices)

    return make


def test_the_steps_that_fit_are_taken(reasoned):
    limited = limit_steps(reasoned(Reason("a rule")), 0.01, left_s=10, steps_per_epoch=10)
    assert (limited.total_steps, limited.epochs) == (1000, 100)
    assert limited.reason("total_steps").measured == "10.0 ms a step"


def test_the_users_epochs_are_not_exceeded(reasoned):
    limited = limit_steps(reasoned(SET_BY_USER), 0.001, left_s=100, steps_per_epoch=10)
    assert (limited.total_steps, limited.epochs) == (40, 4)


def test_there_is_always_a_step(reasoned):
    limited = limit_steps(reasoned(Reason("a rule")), 5.0, left_s=0.1, steps_per_epoch=10)
    assert (limited.total_steps, limited.epochs) == (1, 1)


def test_time_is_kept_for_what_comes_after_training():
    in_memory = Finalization(validation_samples=100, test_samples=1_000, saves=False)
    saved = Finalization(validation_samples=100, test_samples=1_000, saves=True)
    assert 0 < in_memory.validation_s(0.001) < in_memory.after_training_s(0.001) < saved.after_training_s(0.001)


def test_time_is_kept_for_clustering():
    clustered = Finalization(100, 0, saves=False, clustered_samples=10_000)
    assert clustered.after_training_s(1e-6) > 1.5 + Finalization(100, 0, saves=False).after_training_s(1e-6)
    assert clustered.after_training_s(0.001) > clustered.after_training_s(1e-6) + 4, "an embedding is a forward pass"


def test_the_time_of_an_earlier_run_is_used():
    assert Finalization(100, 1_000, saves=True, cached_s=0.25).after_training_s(0.001) == 0.25


def test_a_deadline_leaves_time_for_what_comes_after_and_half_of_it_for_the_steps(monkeypatch, reasoned):
    monkeypatch.setattr(time_limit.time, "perf_counter", lambda: 100.0)
    after = Finalization(validation_samples=100, test_samples=400, saves=False)
    deadline = make_deadline(reasoned(Reason("a rule"), batch_size=10), after, 1.0, ends_at=200.0)
    assert (deadline.ends_at, deadline.last_validation_s, deadline.scoring_steps) == (180.0, 5.0, 20.0)
    assert make_deadline(reasoned(SET_BY_USER, batch_size=10), after, 10.0, ends_at=200.0).ends_at == 150.0
