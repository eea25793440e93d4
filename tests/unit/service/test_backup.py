"""Backups of a live state folder, and the way back from them."""

import contextlib
import datetime as dt
import sqlite3
import stat

import pytest

from naiad.errors import FolderError, InputError
from naiad.service.backup import BackupSchedule, ScheduledBackups, list_backups, make_backup, remove_old_backups
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.keys import Keys
from naiad.service.restore import REBUILD_MARK, restore
from naiad.service.store.lock import lock_folder
from naiad.service.store.open import open_store
from naiad.service.store.port import JobQuery

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KIND = JobKind.TRAINING


def job(name, text=""):
    return Job(KIND, name, "us-east-1", {"text": text}, ResourceRequest(1, 1, 1), AT, AT)


class Clock:
    at = AT

    def now(self):
        return self.at


@pytest.fixture
def state(tmp_path):
    state = tmp_path / "state"
    Keys.open(state_folder(state))
    (state / "aws-hosts").mkdir()
    (state / "aws-hosts" / "authority.pem").write_bytes(b"secret")
    blobs = FolderBlobStore(state / "blobs")
    blobs.create_bucket("bucket")
    blobs.create_bucket("empty")
    blobs.put("bucket", "locks/ml/k", [b"content"])
    blobs.create_bucket("locks")
    blobs.start_upload("locks", "begun")
    for job_name in ("one", "ml"):
        instance = state / "jobs" / KIND / job_name / "1" / "algo-1"
        (instance / "ml").mkdir(parents=True)
        (instance / "log").write_bytes(b"1 line\n")
        (instance / "ml" / "large").write_bytes(b"x")
    return state


def state_folder(path):
    path.mkdir()
    return path


@pytest.fixture
def store(state):
    store = open_store(state)
    store.add(job("one"), {"a": "b"})
    yield store
    store.close()


def names_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_backup_beside_a_store_that_is_used(state, store, tmp_path):
    report = make_backup(state, tmp_path / "backups", now=AT)
    assert names_in(report.path) == {"naiad.db", "keys.json", "aws-hosts/authority.pem", "backup.json"}
    assert all(stat.S_IMODE((report.path / name).stat().st_mode) == 0o600 for name in names_in(report.path))
    assert stat.S_IMODE((tmp_path / "backups").stat().st_mode) == 0o700
    store.add(job("later"), {})
    again = open_store(f"sqlite:///{report.path}/naiad.db")
    assert [one.name for one in again.find(JobQuery(KIND)).jobs] == ["one"]
    again.close()


def test_objects_and_logs_are_copied_where_that_is_asked_for(state, store, tmp_path):
    report = make_backup(state, tmp_path / "backups", now=AT, with_objects=True)
    names = names_in(report.path)
    assert {"blobs/bucket/locks/ml/k@", "jobs/training-job/one/1/algo-1/log", "blobs/.naiad/buckets/bucket"} <= names
    assert "jobs/training-job/ml/1/algo-1/log" in names
    assert any(name.startswith("blobs/.naiad/uploads/locks/") for name in names)
    assert not any("large" in name for name in names)
    assert FolderBlobStore(report.path / "blobs").head("bucket", "locks/ml/k").size == 7


def test_a_restored_folder_is_as_it_was(state, store, tmp_path):
    made = make_backup(state, tmp_path / "backups", now=AT, with_objects=True)
    key = Keys.open(state).first()
    Keys.open(state).add("later")
    store.add(job("later"), {})
    blobs = FolderBlobStore(state / "blobs")
    blobs.put("bucket", "locks/ml/k", [b"other"])
    blobs.put("bucket", "kept", [b"kept"])
    blobs.delete_bucket("empty")
    store.close()
    report = restore(state, tmp_path / "backups", now=AT)
    assert report.backup == made.path
    again = open_store(state)
    assert [one.name for one in again.find(JobQuery(KIND)).jobs] == ["one"]
    assert again.tags(job("one").arn) == {"a": "b"}
    again.close()
    assert Keys.open(state).all() == (key,)
    assert blobs.has_bucket("empty")
    assert b"".join(blobs.read("bucket", "locks/ml/k")[1]) == b"content"
    assert b"".join(blobs.read("bucket", "kept")[1]) == b"kept"
    assert stat.S_IMODE((state / "keys.json").stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(state / "naiad.db.before-restore")) as old:
        assert old.execute("SELECT count(*) FROM naiad_jobs").fetchall() == [(2,)]
    assert (state / REBUILD_MARK).exists()


@pytest.mark.parametrize("name", ["naiad.db", "keys.json", "backup.json"])
def test_a_damaged_backup_changes_nothing(state, store, tmp_path, name):
    path = make_backup(state, tmp_path / "backups", now=AT).path / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before = {file: (state / file).read_bytes() for file in names_in(state)}
    with pytest.raises(InputError, match=f"{name} is|file|missing or damaged") as caught:
        restore(state, tmp_path / "backups", now=AT)
    assert caught.value.hint
    assert {file: (state / file).read_bytes() for file in names_in(state)} == before


def test_nothing_is_restored_below_a_server(state, store, tmp_path):
    make_backup(state, tmp_path / "backups", now=AT)
    lock = lock_folder(state, url="http://here", since=AT)
    with pytest.raises(FolderError, match="in use by"):
        restore(state, tmp_path / "backups", now=AT)
    lock.release()
    with pytest.raises(InputError, match="no backup in"):
        restore(state, tmp_path, now=AT)


def test_a_damaged_database_makes_no_backup_and_keeps_the_others(state, store, tmp_path):
    for number in range(20):
        store.add(job(f"job-{number}", "x" * 20_000), {})
    make_backup(state, tmp_path / "backups", now=AT)
    store.close()
    with (state / "naiad.db").open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(InputError, match="is damaged and no backup is made"):
        make_backup(state, tmp_path / "backups", now=AT + dt.timedelta(days=1))
    assert [path.name for path in (tmp_path / "backups").iterdir() if path.name != ".lock"] == [
        "naiad-20260101T000000.000000Z"
    ]


def test_a_folder_without_a_server_is_refused(tmp_path):
    with pytest.raises(FolderError, match="no server has run"):
        make_backup(tmp_path, tmp_path / "backups", now=AT)


def test_scheduled_backups_leave_the_latest(state, store, tmp_path):
    clock, folder = Clock(), tmp_path / "backups"
    backups = ScheduledBackups(state, None, BackupSchedule(folder, every_s=3600.0, keep=2), clock)
    assert backups.first_after_s() == 0.0
    for hour in range(4):
        clock.at = AT + dt.timedelta(hours=hour)
        backups.make()
    assert [path.name for path in list_backups(folder)] == [
        "naiad-20260101T020000.000000Z",
        "naiad-20260101T030000.000000Z",
    ]
    clock.at += dt.timedelta(minutes=20)
    assert backups.first_after_s() == 2400.0
    clock.at = AT
    assert backups.first_after_s() == 0.0, "a clock that went back delays no backup"


def test_what_a_killed_backup_has_left_is_removed(state, store, tmp_path):
    (tmp_path / "backups" / ".partial-naiad-1").mkdir(parents=True)
    make_backup(state, tmp_path / "backups", now=AT)
    remove_old_backups(tmp_path / "backups", 5)
    assert [path.name for path in (tmp_path / "backups").iterdir() if path.name != ".lock"] == [
        "naiad-20260101T000000.000000Z"
    ]


def test_a_postgres_is_left_to_its_own_tools(state, tmp_path):
    report = make_backup(state, tmp_path / "backups", now=AT, database="postgresql://host/db")
    assert report.without_database
    assert "naiad.db" not in names_in(report.path)
