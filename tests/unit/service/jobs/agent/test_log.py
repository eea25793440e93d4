"""The log's lines, and how they are read back."""

from naiad.service.jobs.agent.log import LogWriter
from naiad.service.jobs.logs import read_events


def texts(page):
    return [text for _, text in page.events]


def test_lines_as_they_come(tmp_path):
    log = LogWriter(tmp_path)
    assert log.feed(b"one\ntw") == ["one"]
    assert log.feed("o ü\n\x1b[31mred\r\n10 %\r20 %\n".encode()) == ["two ü", "[31mred", "20 %"]
    log.feed(b"without an end")
    page = read_events(tmp_path / "log", start=0, limit_events=10, limit_bytes=10_000, forward=True)
    assert texts(page) == ["one", "two ü", "[31mred", "20 %"]
    assert log.close() == ["without an end"]
    after = read_events(tmp_path / "log", start=page.last, limit_events=10, limit_bytes=10_000, forward=True)
    assert texts(after) == ["without an end"]
    assert list(log.last)[-1] == "without an end"


def test_a_line_without_an_end_is_cut(tmp_path):
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
    before = read_events(path, start=last.first, limit_events=3, limit_bytes=10_000, forward=False)
    assert before.last == last.first
    again = read_events(path, start=before.first, limit_events=3, limit_bytes=10_000, forward=True)
    assert texts(again) == texts(before)
    nothing = read_events(path, start=path.stat().st_size, limit_events=5, limit_bytes=100, forward=True)
    assert (nothing.events, nothing.first) == ((), nothing.last)


def test_a_file_that_is_not_there_yet(tmp_path):
    assert read_events(tmp_path / "log", start=0, limit_events=5, limit_bytes=100, forward=True).events == ()
