"""Multipart uploads that a kill has left, or that nobody completes, are removed; others stay, whatever the clock says."""

import os

import pytest
from seconds_clock import SecondsClock

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.errors import NoSuchUpload
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.port import CompletedPart
from naiad.service.blobs.store_folder import StoreFolder
from naiad.service.blobs.upload_sweeper import UploadSweeper
from naiad.service.blobs.uploads import FolderUploads

DAY_S = 86_400.0


@pytest.fixture
def clock():
    return SecondsClock(1000.0)


@pytest.fixture
def blobs(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    blobs.create_bucket("bucket")
    return blobs


def make_sweeper(tmp_path, clock):
    return UploadSweeper(StoreFolder(tmp_path, DamageLog()), clock_s=clock)


def sweep_for(sweeper, clock, seconds):
    """Sweeps every hour; returns the number of uploads that were removed."""
    removed = sweeper.sweep()
    for _ in range(int(seconds // 3600)):
        clock.now_s += 3600
        removed += sweeper.sweep()
    return removed


def test_an_upload_that_is_idle_for_a_week_is_removed(blobs, tmp_path, clock):
    idle, used = (blobs.start_upload("bucket", key) for key in ("idle", "used"))
    blobs.put_part(idle, 1, [b"part"])
    sweeper = make_sweeper(tmp_path, clock)
    assert sweep_for(sweeper, clock, 4 * DAY_S) == 0
    blobs.put_part(used, 1, [b"part"])
    assert sweep_for(sweeper, clock, 4 * DAY_S) == 1
    with pytest.raises(NoSuchUpload):
        blobs.get_upload("bucket", "idle", idle.upload_id)
    assert [part.number for part in blobs.list_parts(used)] == [1]
    assert sweep_for(sweeper, clock, 4 * DAY_S) == 1
    assert blobs.list_uploads("bucket") == ()


def test_only_the_time_of_running_servers_counts(blobs, tmp_path, clock):
    upload = blobs.start_upload("bucket", "k")
    folder = tmp_path / ".naiad" / "uploads" / "bucket" / upload.upload_id
    os.utime(folder / "upload.json", (0, 0))
    assert sweep_for(make_sweeper(tmp_path, clock), clock, 4 * DAY_S) == 0
    clock.now_s = 5.0
    sweeper = make_sweeper(tmp_path, clock)
    assert sweep_for(sweeper, clock, 2 * DAY_S) == 0
    assert sweep_for(sweeper, clock, 2 * DAY_S) == 1


def test_what_a_kill_has_left_of_a_completed_upload_is_removed_at_once(blobs, tmp_path, clock, monkeypatch):
    upload = blobs.start_upload("bucket", "k")
    etag = blobs.put_part(upload, 1, [b"part"]).etag
    with monkeypatch.context() as patch:
        patch.setattr(FolderUploads, "abort", lambda *_: None)
        blobs.complete_upload("bucket", "k", upload.upload_id, [CompletedPart(1, etag)])
    assert [open_upload.key for open_upload in blobs.list_uploads("bucket")] == ["k"]
    assert make_sweeper(tmp_path, clock).sweep() == 1
    assert blobs.list_uploads("bucket") == ()
    assert b"".join(blobs.read("bucket", "k")[1]) == b"part"


def test_a_folder_without_a_description_is_removed_after_an_hour(blobs, tmp_path, clock):
    (tmp_path / ".naiad" / "uploads" / "bucket" / "0123").mkdir(parents=True)
    sweeper = make_sweeper(tmp_path, clock)
    assert sweeper.sweep() == 0
    assert sweep_for(sweeper, clock, 2 * 3600) == 1
    assert list((tmp_path / ".naiad" / "uploads" / "bucket").iterdir()) == []


def test_a_damaged_count_begins_anew(blobs, tmp_path, clock):
    blobs.start_upload("bucket", "k")
    (tmp_path / ".naiad" / "idle-uploads.json").write_bytes(b"[1")
    assert sweep_for(make_sweeper(tmp_path, clock), clock, DAY_S) == 0
