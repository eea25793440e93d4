"""Lines of a log on a disk that is full for a while."""

import errno
import os

import pytest
from seconds_clock import SecondsClock

from naiad import disk_room
from naiad.service.contract.log_output import LogOutput


@pytest.fixture
def clock():
    return SecondsClock()


@pytest.fixture
def output(tmp_path, clock):
    log = LogOutput(tmp_path / "log", clock_s=clock)
    yield log
    log.close()


def refuse(*_):
    raise OSError(errno.ENOSPC, "no room")


def test_lines_without_room_are_left_out_and_counted(tmp_path, output, clock, monkeypatch):
    assert output.write(b"1 first\n") == 8
    with monkeypatch.context() as patch:
        patch.setattr(disk_room, "check_log_margin", refuse)
        output._unchecked_bytes = 2**20
        assert [output.write(b"2 lost\n") for _ in range(3)] == [0, 0, 0]
    assert output.write(b"3 lost, too\n") == 0, "the disk is not looked at for each line"
    clock.now_s = 1.0
    assert output.write(b"4 last\n") > 0
    assert (tmp_path / "log").read_text().splitlines() == [
        "1 first",
        "4 naiad: 4 lines are missing here, because the log could not be written (is the disk full?)",
        "4 last",
    ]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_line_that_was_written_in_part_is_taken_back(tmp_path, output, clock, monkeypatch, number):
    output.write(b"1 first\n")
    write, calls = os.write, []

    def write_some(descriptor, data):
        calls.append(bytes(data))
        if len(calls) > 1:
            raise OSError(number, "no more")
        return write(descriptor, data[:3])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        assert output.write(b"2 torn\n") == 0
    assert (tmp_path / "log").read_bytes() == b"1 first\n"
    clock.now_s = 1.0
    output.write(b"3 last\n")
    assert (tmp_path / "log").read_text().splitlines()[1].startswith("3 naiad: 1 line is missing here")


def test_a_log_whose_file_cannot_be_made_begins_later(tmp_path, clock):
    log = LogOutput(tmp_path / "folder" / "log", clock_s=clock)
    assert log.write(b"1 lost\n") == 0
    (tmp_path / "folder").mkdir()
    clock.now_s = 1.0
    assert log.write(b"2 last\n") > 0
    log.close()
    assert (tmp_path / "folder" / "log").read_text().endswith("2 last\n")
