"""Databases that are damaged or empty when the server starts: what can be found again is found, and said."""

import contextlib
import datetime as dt
import json
import logging
import sqlite3

import pytest

from naiad.service import repair
from naiad.service.backup import make_backup
from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.domain.status import Phase, Status
from naiad.service.executors.instance_files import AGENT_FILE, write_report, write_spec
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.jobs.layout import job_instances
from naiad.service.keys import Keys
from naiad.service.repair import DatabaseRepair
from naiad.service.restore import REBUILD_MARK
from naiad.service.store.open import open_store
from naiad.service.store.port import JobQuery

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KIND = JobKind.TRAINING
PAGE_BYTES = 4096


def job(name, phase=Phase.PENDING):
    waiting = Job(
        KIND,
        name,
        "us-east-1",
        {"TrainingJobName": name, "Tags": [{"Key": "team", "Value": "a"}], "x": "x" * 12_000},
        ResourceRequest(1, 2, 2**30),
        AT,
        AT,
        access_key=f"NJOB{name}",
        secret_key="secret",
    )
    if phase is Phase.PENDING:
        return waiting
    return waiting.to(Phase.STARTING, at=AT).to(Phase.TRAINING, at=AT).to(phase, at=AT)


def leave_folder(state, placed, report):
    """Writes the files that the server and an agent leave of a job that was placed."""
    (instance,) = job_instances(state, placed)
    instance.folder.mkdir(parents=True)
    write_spec(
        InstanceSpec(
            instance=instance,
            arn=placed.arn,
            request=placed.request,
            hosts=("algo-1",),
            cpus=(0, 1),
            memory_bytes=2**30,
            region="us-east-1",
            endpoint_url="http://127.0.0.1:1",
            access_key=placed.access_key,
            secret_key=placed.secret_key,
        )
    )
    (instance.folder / AGENT_FILE).write_text(json.dumps({"pid": 1, "started": 1, "boot": "x"}))
    write_report(instance.folder, report)


@pytest.fixture
def state(tmp_path):
    Keys.open(tmp_path)
    store = open_store(tmp_path)
    for number in range(30):
        store.add(job(f"job-{number}"), {"team": "a"})
    done = job("done", Phase.COMPLETED)
    store.add(done, {"team": "a"})
    store.close()
    leave_folder(tmp_path, done, InstanceReport(Phase.COMPLETED, alive=False, message="well"))
    running = job("running").to(Phase.STARTING, at=AT)
    leave_folder(tmp_path, running, InstanceReport(Phase.TRAINING, alive=True))
    return tmp_path


def open_repaired(state, backups=None):
    return DatabaseRepair(state, None, backups).open_store(now=AT, on_full=lambda: None)


def names_in(store):
    return {one.name for one in store.find(JobQuery(KIND, limit=1000)).jobs}


def overwrite(state, page, pages=1):
    with (state / "naiad.db").open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(b"\xff" * pages * PAGE_BYTES)


def test_a_sound_database_is_left_alone(state, caplog):
    before = (state / "naiad.db").read_bytes()
    store = open_repaired(state)
    assert len(names_in(store)) == 31
    store.close()
    assert (state / "naiad.db").read_bytes() == before
    assert caplog.text == ""


@pytest.mark.parametrize("remove", [True, False])
def test_an_empty_database_is_filled_from_the_folders(state, caplog, remove):
    (state / "naiad.db").unlink()
    if not remove:
        (state / "naiad.db").touch()
    with caplog.at_level(logging.WARNING):
        store = open_repaired(state)
    assert "it is empty, and there are folders of jobs beside it" in caplog.text
    assert "2 jobs were rebuilt" in caplog.text
    done, running = store.get(KIND, "done"), store.get(KIND, "running")
    assert (done.status, done.attempt, done.transitions[-1].message) == (Status.COMPLETED, 1, "well")
    assert (running.phase, running.attempt, running.access_key) == (Phase.STARTING, 1, "NJOBrunning")
    assert running.resources == ResourceRequest(1, 2, 2**30)
    assert store.tags(done.arn) == {"team": "a"}
    store.close()


def test_a_database_without_its_jobs_is_filled_from_the_folders(state):
    (state / "naiad.db").unlink()
    open_store(state).close()
    store = open_repaired(state)
    assert names_in(store) == {"done", "running"}
    store.close()
    assert not list(state.glob("naiad.db.damaged*"))


def test_readable_rows_and_folders_survive_a_damaged_page(state, caplog):
    overwrite(state, 30, pages=4)
    with caplog.at_level(logging.WARNING):
        store = open_repaired(state)
    assert "is damaged" in caplog.text
    assert {"done", "running", "job-0"} <= names_in(store)
    assert 22 < len(names_in(store)) < 33
    store.close()
    assert (state / "naiad.db.damaged-20260101T000000Z").exists()
    again = open_repaired(state)
    assert {"done", "running", "job-0"} <= names_in(again)
    again.close()


def cut(state):
    with (state / "naiad.db").open("r+b") as file:
        file.truncate(20 * PAGE_BYTES)


@pytest.mark.parametrize("damage", [lambda state: overwrite(state, 0), cut])
def test_a_large_database_that_cannot_be_opened_or_was_cut_is_repaired(state, monkeypatch, damage):
    monkeypatch.setattr(repair, "_CHECKED_AT_START_BYTES", 0)
    open_repaired(state).close()
    assert not list(state.glob("naiad.db.damaged*"))
    damage(state)
    store = open_repaired(state)
    assert {"done", "running"} <= names_in(store)
    store.close()
    assert (state / "naiad.db.damaged-20260101T000000Z").exists()


def test_what_cannot_be_read_comes_from_the_last_backup(state, tmp_path_factory):
    backups = tmp_path_factory.mktemp("backups")
    make_backup(state, backups, now=AT)
    overwrite(state, 0)
    store = open_repaired(state, backups)
    assert len(names_in(store)) == 32
    store.close()


def test_damage_that_a_running_server_finds_is_repaired_by_the_next_start(state, caplog):
    running = DatabaseRepair(state, None, None)
    running.check()
    assert caplog.text == ""
    overwrite(state, 30)
    with caplog.at_level(logging.ERROR):
        running.check()
    assert "repaired when the server is started again" in caplog.text
    store = open_repaired(state)
    store.close()
    caplog.clear()
    running.check()
    assert caplog.text == ""


def test_a_row_with_another_checksum_comes_from_the_backup_or_the_folder(state, tmp_path_factory, caplog):
    backups = tmp_path_factory.mktemp("backups")
    make_backup(state, backups, now=AT)
    with contextlib.closing(sqlite3.connect(state / "naiad.db")) as connection:
        connection.execute("UPDATE naiad_jobs SET request = '{}' WHERE name IN ('job-3', 'done')")
        connection.commit()
    with caplog.at_level(logging.ERROR):
        store = open_repaired(state)
    assert "the record of training-job job-3 in the database is damaged" in caplog.text
    assert store.get(KIND, "done").status is Status.COMPLETED
    assert "job-3" not in names_in(store)
    store.close()
    (state / "naiad.db.damaged-20260101T000000Z").replace(state / "naiad.db")
    store = open_repaired(state, backups)
    assert store.get(KIND, "job-3") == job("job-3")
    store.close()


def test_jobs_that_are_newer_than_a_restored_backup_are_found(state):
    (state / REBUILD_MARK).touch()
    store = open_repaired(state)
    assert "running" in names_in(store)
    assert len(names_in(store)) == 32
    store.close()
    assert not (state / REBUILD_MARK).exists()
