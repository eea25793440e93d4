"""The trials of tuning jobs: the contract of ``TrialStore`` on each database."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, NotFound
from naiad.service.domain.tuning import Trial, TrialState

NOW = dt.datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
WHOLE = Trial(
    tuning="tune",
    number=1,
    name="tune-001-0a1b2c3d",
    values={"lr": "0.1", "act": '"ünï"'},
    created_at=NOW,
    definition="first",
    state=TrialState.STOPPED,
    objective=0.1 + 0.2,
    rungs={1: 0.5, 3: 1e-300},
    stop_reason="others were better",
    promotions=2,
    started_at=NOW + dt.timedelta(seconds=1),
    ended_at=NOW + dt.timedelta(seconds=2),
    failure_reason="\ud800 alone",
    parent="older",
)


def tuning(name="tune"):
    return Entity(EntityKind.TUNING, name, "us-east-1", {}, NOW, NOW, status="InProgress")


def trial(number, tuning="tune"):
    return Trial(tuning, number, f"{tuning}-{number:03d}-00000000", {}, NOW)


def test_a_trial_comes_back_as_it_was(store):
    store.trials.add([WHOLE])
    assert store.trials.of("tune") == (WHOLE,)


def test_trials_come_by_number_those_of_parents_first(store):
    store.trials.add([trial(2), trial(-1), trial(1), trial(1, "other")])
    assert [one.number for one in store.trials.of("tune")] == [-1, 1, 2]
    found = store.trials.of_all(["tune", "other", "none"])
    assert {name: len(trials) for name, trials in found.items()} == {"tune": 3, "other": 1, "none": 0}


def test_a_number_that_is_taken_adds_nothing(store):
    store.trials.add([trial(1)])
    with pytest.raises(AlreadyExists):
        store.trials.add([trial(2), trial(1)])
    assert [one.number for one in store.trials.of("tune")] == [1]
    store.trials.add([])


def test_a_trial_is_replaced(store):
    store.trials.add([trial(1), trial(2)])
    store.trials.update(replace(trial(2), state=TrialState.COMPLETED, objective=0.5))
    assert [one.objective for one in store.trials.of("tune")] == [None, 0.5]
    with pytest.raises(NotFound):
        store.trials.update(trial(3))


def test_trials_are_added_and_deleted_with_their_tuning_job(store):
    store.entities.add(tuning(), {}, trials=[trial(-1)])
    store.trials.add([trial(1), trial(1, "other")])
    with pytest.raises(AlreadyExists):
        store.entities.add(tuning(), {}, trials=[trial(-2)])
    assert [one.number for one in store.trials.of("tune")] == [-1, 1]
    store.entities.delete(tuning())
    assert store.trials.of("tune") == ()
    assert len(store.trials.of("other")) == 1


def test_a_damaged_trial_is_left_out(store, caplog):
    store.trials.add([trial(1), trial(2)])
    with store._database.begin() as connection:
        connection.execute(text("UPDATE naiad_tuning_trials SET detail = replace(detail, '0', '1') WHERE number = 1"))
    assert [one.number for one in store.trials.of("tune")] == [2]
    assert "tune-001-00000000 in the database is damaged" in caplog.text


def test_the_last_number_counts_damaged_trials_and_no_prior_ones(store):
    assert store.trials.last_number("tune") == 0
    store.trials.add([trial(-1), trial(1), trial(3), trial(7, "other")])
    with store._database.begin() as connection:
        connection.execute(text("UPDATE naiad_tuning_trials SET checksum = 1 WHERE number = 3"))
    assert store.trials.last_number("tune") == 3
    store.entities.add(tuning("prior"), {}, trials=[trial(-1, "prior")])
    assert store.trials.last_number("prior") == 0
