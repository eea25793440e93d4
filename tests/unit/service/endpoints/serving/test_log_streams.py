import os
from pathlib import Path

import pytest

from naiad.service.endpoints.serving import log_streams
from naiad.service.endpoints.serving.log_streams import list_log_streams, logs_folder, remove_old_log_streams


def put(folder: Path, name: str, *, at_s: int = 0) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "log").write_text("1 a\n")
    os.utime(folder / name, (at_s, at_s))


def test_streams_are_sorted_by_variant_and_replica(tmp_path: Path):
    folder = logs_folder(tmp_path, "shoes")
    for name in ("green/i-2", "blue/i-1", "blue/deployment"):
        put(folder, name)
    (folder / "blue" / "empty").mkdir()
    assert [stream.name for stream in list_log_streams(tmp_path, "shoes")] == [
        "blue/deployment",
        "blue/i-1",
        "green/i-2",
    ]
    assert list_log_streams(tmp_path, "hats") == []


def test_the_oldest_streams_are_removed(tmp_path: Path):
    for number in range(205):
        put(tmp_path, f"i-{number}", at_s=1000 + number)
    remove_old_log_streams(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == 200
    assert "i-4" not in left
    assert "i-5" in left
    remove_old_log_streams(tmp_path / "nothing")


def test_streams_that_are_too_large_together_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each has four bytes."""
    for number in range(5):
        put(tmp_path, f"i-{number}", at_s=1000 + number)
    monkeypatch.setattr(log_streams, "_MAX_STREAM_BYTES", 8)
    remove_old_log_streams(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"i-3", "i-4"}
    monkeypatch.setattr(log_streams, "_MAX_STREAM_BYTES", 1)
    remove_old_log_streams(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"i-4"}
