"""A time limit becomes a number of steps."""

import pytest

from naiad.trainer.autoscale import time_limit
from naiad.trainer.autoscale.time_limit import Aftermath, deadline_for
from naiad.trainer.plan.reason import SET_BY_USER, Reason


@pytest.fixture
def reasoned(plan):
    def make(reason, **choices):
        return plan(reasons=(("epochs", reason), ("total_steps", Reason(""))), **choices)

    return make


def test_what_fits_is_taken(reasoned):
    fitted = time_limit.within_time(reasoned(Reason("a rule")), 0.01, left_s=10, steps_per_epoch=10)
    assert fitted.total_steps == 1000
    assert fitted.epochs == 100
    assert dict(fitted.reasons)["total_steps"].measured == "10.0 ms a step"


def test_the_users_epochs_are_not_exceeded(reasoned):
    fitted = time_limit.within_time(reasoned(SET_BY_USER), 0.001, left_s=100, steps_per_epoch=10)
    assert (fitted.total_steps, fitted.epochs) == (40, 4)


def test_there_is_always_a_step(reasoned):
    fitted = time_limit.within_time(reasoned(Reason("a rule")), 5.0, left_s=0.1, steps_per_epoch=10)
    assert (fitted.total_steps, fitted.epochs) == (1, 1)


def test_time_is_set_aside_for_what_comes_after_training():
    scored = Aftermath(validation_samples=100, test_samples=1_000, saves=False)
    saved = Aftermath(validation_samples=100, test_samples=1_000, saves=True)
    assert 0 < scored.closing_s(0.001) < scored.finishing_s(0.001) < saved.finishing_s(0.001)


def test_time_is_set_aside_for_clustering():
    clustered = Aftermath(100, 0, saves=False, clustered_samples=10_000)
    assert clustered.finishing_s(1e-6) > 1.5 + Aftermath(100, 0, saves=False).finishing_s(1e-6)
    assert clustered.finishing_s(0.001) > clustered.finishing_s(1e-6) + 4, "an embedding is a forward pass"


def test_what_it_took_the_last_time_is_what_it_takes():
    assert Aftermath(100, 1_000, saves=True, remembered_s=0.25).finishing_s(0.001) == 0.25


def test_a_deadline_leaves_time_for_what_comes_after_and_half_of_it_for_the_steps(monkeypatch, reasoned):
    monkeypatch.setattr(time_limit.time, "perf_counter", lambda: 100.0)
    after = Aftermath(validation_samples=100, test_samples=400, saves=False)
    found = deadline_for(reasoned(Reason("a rule"), batch_size=10), after, 1.0, ends_at=200.0)
    assert (found.at, found.closing_s, found.scored_steps) == (180.0, 5.0, 20.0)
    assert deadline_for(reasoned(SET_BY_USER, batch_size=10), after, 10.0, ends_at=200.0).at == 150.0
