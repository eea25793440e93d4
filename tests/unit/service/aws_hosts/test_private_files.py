"""Whole or not there, and for the owner."""

import stat

import pytest

from naiad.service.aws_hosts.private_files import make_private_folder, write_private


def test_for_the_owner_only(tmp_path):
    folder = tmp_path / "new"
    folder.mkdir(mode=0o755)
    make_private_folder(folder)
    write_private(folder / "key", b"one")
    write_private(folder / "key", b"two")
    assert (folder / "key").read_bytes() == b"two"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


def test_a_failure_leaves_nothing_behind(tmp_path):
    (tmp_path / "key").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private(tmp_path / "key", b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
