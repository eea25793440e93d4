"""A server on a small disk that fills up: its jobs say so, later jobs have room, and the database stays intact."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any


def _has_room(jobs: Any) -> bool:
    disk = os.statvfs(jobs.server.state)
    return disk.f_bavail * disk.f_frsize > 20 * 2**20


def _check_database(jobs: Any, copy: Path) -> None:
    """Checks a copy of the database: SQLite cannot open a file in the mounts of another process."""
    for file in jobs.server.state.glob("*.db*"):
        shutil.copyfile(file, copy / file.name)
    (file,) = copy.glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("select count(*) from naiad_jobs where status = 'InProgress'").fetchall() == [(0,)]


FILL_DISK = """
    import os
    with open(os.environ["SM_MODEL_DIR"] + "/large", "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
"""
FILL_SILENTLY = """
    cat /dev/zero > /opt/ml/model/large 2>/dev/null
    echo x > /opt/ml/model/small
    exit 0
"""


def test_programs_that_fill_the_disk(small_jobs: Any, tmp_path: Path) -> None:
    small_jobs.python("loud", FILL_DISK)
    small_jobs.shell("silent", FILL_SILENTLY)
    small_jobs.shell("queued", "echo done; echo w > /opt/ml/model/w")
    reasons = [small_jobs.failed("loud"), small_jobs.failed("silent")]
    assert all("no room is left on the disk" in reason or "No space left on device" in reason for reason in reasons), (
        reasons
    )
    assert small_jobs.end("queued")["TrainingJobStatus"] in ("Completed", "Failed")  # it may have met the full disk
    small_jobs.until(lambda: _has_room(small_jobs))
    assert small_jobs.completed(small_jobs.shell("after", "echo done; echo w > /opt/ml/model/w")) == ["done"]
    assert small_jobs.packed("out/after/output/model.tar.gz") == {"w": b"w\n"}
    _check_database(small_jobs, tmp_path)


def test_a_channel_that_does_not_fit(small_jobs: Any, channel: Any, tmp_path: Path) -> None:
    small_jobs.put({f"data/{number}": bytes([number]) * 5 * 2**20 for number in range(4)})
    small_jobs.shell("large", "ls", InputDataConfig=[channel("train", "data/")])
    assert small_jobs.failed("large").startswith("ClientError: no room is left on the disk for the job's files")
    server = small_jobs.server.client("s3")
    for number in range(4):
        server.delete_object(Bucket="naiad", Key=f"data/{number}")
    assert small_jobs.completed(small_jobs.shell("after", "echo done")) == ["done"]
    _check_database(small_jobs, tmp_path)


PRINT_MUCH = """
    head -c 30000000 /dev/zero | tr '\\0' x | fold -w 1000
    echo last; echo w > /opt/ml/model/w
"""


def test_a_program_that_prints_more_than_the_disk_may_hold(small_jobs: Any) -> None:
    small_jobs.shell("loud", PRINT_MUCH)
    assert small_jobs.end("loud")["TrainingJobStatus"] == "Completed"
    (log,) = [path for path in small_jobs.server.files("jobs") if path.name == "log"]
    assert log.stat().st_size < 40 * 2**20 / 16 + 4096
    assert b"naiad: the log is full: at most 2,621,440 bytes" in log.read_bytes()[-500:]
    assert small_jobs.completed(small_jobs.shell("after", "echo done; echo w > /opt/ml/model/w")) == ["done"]
