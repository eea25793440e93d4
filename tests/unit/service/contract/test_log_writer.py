"""The lines of a log, written and read back."""

import pytest

from naiad.service.contract.log_file import read_events
from naiad.service.contract.log_writer import LogWriter, is_like_message


def texts(page):
    return [text for _, text in page.events]


def test_the_lines_of_a_program(tmp_path):
    log = LogWriter(tmp_path)
    assert log.feed(b"one\ntw") == ["one"]
    assert log.feed("o ü\n\x1b[31mred\r\n10 %\r20 %\n".encode()) == ["two ü", "[31mred", "20 %"]
    log.feed(b"without an end")
    page = read_events(tmp_path / "log", start=0, limit_events=10, limit_bytes=10_000, forward=True)
    assert texts(page) == ["one", "two ü", "[31mred", "20 %"]
    assert log.flush() == ["without an end"]
    after = read_events(tmp_path / "log", start=page.end, limit_events=10, limit_bytes=10_000, forward=True)
    assert texts(after) == ["without an end"]
    assert list(log.last_lines)[-1] == "without an end"
    log.close()


def test_messages_of_naiad_are_not_among_the_programs_last_lines(tmp_path):
    log = LogWriter(tmp_path)
    log.feed(b"one\n")
    log.write_message("two")
    log.close()
    page = read_events(tmp_path / "log", start=0, limit_events=10, limit_bytes=10_000, forward=True)
    assert texts(page) == ["one", "naiad: two"]
    assert list(log.last_lines) == ["one"]


def test_a_line_without_a_newline_is_cut_into_several(tmp_path):
    log = LogWriter(tmp_path)
    assert sum(len(line) for line in log.feed(b"x" * 300_000)) == 300_000
    log.close()


def test_pages_backwards_and_forwards_meet(tmp_path):
    log = LogWriter(tmp_path)
    log.feed(b"".join(b"line %d\n" % i for i in range(100)))
    log.close()
    path = tmp_path / "log"
    last = read_events(path, start=path.stat().st_size, limit_events=10, limit_bytes=64, forward=False)
    assert texts(last)[-1] == "line 99"
    before = read_events(path, start=last.start, limit_events=3, limit_bytes=10_000, forward=False)
    assert before.end == last.start
    again = read_events(path, start=before.start, limit_events=3, limit_bytes=10_000, forward=True)
    assert texts(again) == texts(before)
    nothing = read_events(path, start=path.stat().st_size, limit_events=5, limit_bytes=100, forward=True)
    assert (nothing.events, nothing.start) == ((), nothing.end)


def test_a_log_that_does_not_exist_yet_has_no_events(tmp_path):
    assert read_events(tmp_path / "log", start=0, limit_events=5, limit_bytes=100, forward=True).events == ()


def test_a_full_log_keeps_no_more_of_the_program(tmp_path):
    log = LogWriter(tmp_path, max_bytes=1000)
    for number in range(100):
        assert log.feed(f"line {number} is as long as this\n".encode()) == [f"line {number} is as long as this"]
    log.write_message("messages of Naiad are always kept")
    log.close()
    lines = [line.partition(b" ")[2].decode() for line in (tmp_path / "log").read_bytes().splitlines()]
    assert (tmp_path / "log").stat().st_size < 1300
    assert lines[-3].startswith("line ")
    assert lines[-2] == "naiad: the log is full: at most 1,000 bytes of a program's output are kept"
    assert lines[-1] == "naiad: messages of Naiad are always kept"
    assert log.last_lines[-1] == "line 99 is as long as this"


def test_a_message_with_newlines_and_control_characters_is_one_line(tmp_path):
    log = LogWriter(tmp_path)
    log.write_message("not stored: a\nnaiad: all is well\udcff\x1b[31m")
    log.close()
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.partition(" ")[2] == "naiad: not stored: a naiad: all is well?[31m"


def test_a_line_that_looks_like_a_message_of_naiad_is_marked_as_the_programs(tmp_path):
    log = LogWriter(tmp_path)
    fed = log.feed("naiad: the job is done\nINFO \x1b[31mred \x9b\u202e\rnaiad: it is\nplain\n".encode())
    log.write_message("real")
    log.close()
    page = read_events(tmp_path / "log", start=0, limit_events=10, limit_bytes=10_000, forward=True)
    assert texts(page) == ["program: naiad: the job is done", "program: naiad: it is", "plain", "naiad: real"]
    assert fed == ["naiad: the job is done", "naiad: it is", "plain"]
    assert list(log.last_lines) == fed


@pytest.mark.parametrize(
    "line",
    [
        "naiad: x",
        "  Naiad : x",
        "\tNAIAD:x",
        "[algo-1] naiad: x",
        "[1,0]<stdout>:naiad: x",
        "\u200bnaiad: x",
        "na\u200diad: x",
        "n\u0430i\u0430d: x",
        "\uff4e\uff41\uff49\uff41\uff44\uff1a x",
        "\u202enaiad: x",
        "\x9bnaiad: x",
    ],
)
def test_lines_that_look_like_messages(line):
    assert is_like_message(line)


@pytest.mark.parametrize(
    "line", ["naiads: x", "the naiad: x", "import naiad", "loss: 0.1", "", "[" * 500, "naiad " * 90]
)
def test_lines_that_do_not(line):
    assert not is_like_message(line)
