"""The margin of a disk that is left free, and the reserve that is given when it is used up."""

import errno
import os
from types import SimpleNamespace

import pytest

from naiad import disk_room
from naiad.disk_room import DiskReserve

MIB = 2**20


@pytest.fixture
def disk(monkeypatch):
    """A disk of 64 GiB whose free room the test sets."""
    numbers = SimpleNamespace(f_frsize=MIB, f_blocks=65_536, f_bavail=65_536)
    monkeypatch.setattr(os, "statvfs", lambda _: numbers)
    return numbers


@pytest.mark.parametrize(("check", "least_mib"), [(disk_room.check_margin, 16), (disk_room.check_log_margin, 256)])
def test_objects_leave_the_margin_free_and_log_lines_more(tmp_path, disk, check, least_mib):
    disk.f_bavail = least_mib
    check(tmp_path)
    disk.f_bavail = least_mib - 1
    with pytest.raises(OSError, match="kept for the database") as caught:
        check(tmp_path)
    assert caught.value.errno == errno.ENOSPC


def test_a_small_disk_has_a_small_margin_and_short_logs(tmp_path, disk):
    disk.f_blocks = 64
    assert disk_room.margin_bytes(tmp_path) == MIB
    assert disk_room.log_quota_bytes(tmp_path, 2**30) == 4 * MIB
    disk.f_blocks = 65_536
    assert disk_room.log_quota_bytes(tmp_path, 2**30) == 2**30


def test_the_reserve_is_released_on_a_full_disk_and_made_again(tmp_path, disk):
    reserve = DiskReserve(tmp_path)
    reserve.check()
    assert reserve.is_there
    assert (tmp_path / disk_room.FILE_NAME).stat().st_blocks * 512 >= 4 * MIB
    disk.f_bavail = 20
    reserve.check()
    assert reserve.is_there
    disk.f_bavail = 7
    reserve.check()
    assert not reserve.is_there
    assert not reserve.release()
    disk.f_bavail = 20
    reserve.check()
    assert not reserve.is_there, "it would be taken from what was just made free"
    disk.f_bavail = 40
    reserve.check()
    assert reserve.is_there
    assert reserve.release()


def test_a_disk_that_refuses_the_reserve_is_left_alone(tmp_path, disk, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    DiskReserve(tmp_path).check()
    assert list(tmp_path.iterdir()) == []
