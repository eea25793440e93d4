import os
from pathlib import Path

import pytest

from naiad.service.walls import volume
from naiad.service.walls.volume import Volume

MB = 2**20


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The free bytes of the disk, which a test changes."""
    free = [1000 * MB]
    monkeypatch.setattr(volume, "_free_bytes", lambda _: free[0])
    monkeypatch.setattr(volume, "_WALK_FRACTION", 1e9)
    return free


def write(file: Path, size_mb: int) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x" * size_mb * MB)


def test_what_lies_there_at_first_does_not_count(tmp_path: Path, disk: list[int]) -> None:
    write(tmp_path / "input", 5)
    used = Volume([tmp_path], 3 * MB)
    assert used.bytes_over_limit(os.getpid()) is None
    write(tmp_path / "deep" / "more", 2)
    disk[0] -= 10 * MB
    assert used.bytes_over_limit(os.getpid()) is None


def test_what_is_written_over_the_limit(tmp_path: Path, disk: list[int]) -> None:
    used = Volume([tmp_path / "a", tmp_path / "b"], 3 * MB)
    write(tmp_path / "a" / "one", 2)
    write(tmp_path / "b" / "two", 2)
    disk[0] -= 4 * MB
    over = used.bytes_over_limit(os.getpid())
    assert over is not None
    assert 4 * MB <= over < 5 * MB


def test_a_disk_that_has_lost_little_room_is_not_walked_through(
    tmp_path: Path, disk: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = Volume([tmp_path], 3 * MB)
    monkeypatch.delattr(volume, "_folder_bytes")
    disk[0] -= 2 * MB
    assert used.bytes_over_limit(os.getpid()) is None


def test_links_are_not_followed(tmp_path: Path, disk: list[int]) -> None:
    write(tmp_path / "elsewhere" / "large", 9)
    (tmp_path / "own").mkdir()
    used = Volume([tmp_path / "own"], 3 * MB)
    (tmp_path / "own" / "link").symlink_to(tmp_path / "elsewhere")
    disk[0] -= 9 * MB
    assert used.bytes_over_limit(os.getpid()) is None


def test_a_file_without_a_name_counts(tmp_path: Path, disk: list[int]) -> None:
    used = Volume([tmp_path], 3 * MB)
    with (tmp_path / "file").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 4 * MB)
        (tmp_path / "file").unlink()
        disk[0] -= 4 * MB
        assert used.bytes_over_limit(os.getpid()) is not None


def test_room_that_others_free_does_not_hide_what_is_written(tmp_path: Path, disk: list[int]) -> None:
    used = Volume([tmp_path], 3 * MB)
    disk[0] += 50 * MB
    assert used.bytes_over_limit(os.getpid()) is None
    write(tmp_path / "large", 4)
    disk[0] -= 4 * MB
    assert used.bytes_over_limit(os.getpid()) is not None


@pytest.mark.parametrize("limit_bytes", [None, 10**12])
def test_a_program_gets_no_more_than_most_of_the_free_room(
    tmp_path: Path, disk: list[int], limit_bytes: int | None
) -> None:
    disk[0] = 10 * MB
    used = Volume([tmp_path], limit_bytes)
    assert used.granted_bytes == 9 * MB
    write(tmp_path / "large", 10)
    disk[0] = 0
    assert used.bytes_over_limit(os.getpid()) is not None
