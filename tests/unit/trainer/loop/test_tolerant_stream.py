"""A stream for progress that never ends a run."""

import io
from typing import TextIO

import pytest

from naiad.trainer.loop.progress import BarProgress, LineProgress, make_progress
from naiad.trainer.loop.tolerant_stream import TolerantStream


class ClosedTerminal(io.StringIO):
    """A stream whose reader has gone."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal
        self.attempts = 0

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        self.attempts += 1
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(("encoding", "written"), [("ascii", b"s\\xfc\\xdf\n"), ("latin-1", b"s\xfc\xdf\n")])
def test_letters_that_the_encoding_lacks_are_escaped(encoding: str, written: bytes) -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding=encoding)
    LineProgress(stream).note("süß")
    assert data.getvalue() == b"note: " + written


def test_names_that_are_not_utf8_are_escaped() -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding="utf-8", write_through=True)
    TolerantStream(stream).write("caf\udce9")
    assert data.getvalue() == b"caf\\udce9"


@pytest.mark.parametrize(("is_terminal", "kind"), [(True, BarProgress), (False, LineProgress)])
def test_a_terminal_that_was_closed_is_left_alone(is_terminal: bool, kind: type) -> None:
    stream = ClosedTerminal(is_terminal=is_terminal)
    progress = make_progress(stream)
    assert isinstance(progress, kind)
    progress.note("one")
    progress.note("two")
    progress.close()
    assert stream.attempts == 1


def test_a_closed_file_is_left_alone() -> None:
    stream: TextIO = io.StringIO()
    stream.close()
    tolerant = TolerantStream(stream)
    tolerant.flush()
    assert tolerant.write("text") == 4
