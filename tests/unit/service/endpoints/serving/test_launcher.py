"""The output of a replica goes into its log, from a thread of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.service.contract.log_writer import LogWriter
from naiad.service.endpoints.serving.launcher import _copy_output


def start(source: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", source], stdout=subprocess.PIPE)


def test_the_output_is_written_to_its_end(tmp_path: Path):
    with start("print('one'); print('two', end='')") as process:
        assert process.stdout is not None
        _copy_output(process.stdout, LogWriter(tmp_path))
    (log,) = (path for path in tmp_path.iterdir())
    assert [line.partition(" ")[2] for line in log.read_text().splitlines()] == ["one", "two"]


def test_a_program_whose_output_cannot_be_written_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A pipe that nobody reads would stop it."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    log = LogWriter(tmp_path)
    monkeypatch.setattr(log, "feed", fail)
    with start("import sys\nfor _ in range(1000): print('x' * 1000)\nsys.exit(7)") as process:
        assert process.stdout is not None
        _copy_output(process.stdout, log)
        assert process.wait(30) == 7
    assert "No space left" in caplog.text
    assert caplog.text.count("cannot be written") == 1


def test_the_descriptor_of_a_program_that_has_ended_is_closed(tmp_path: Path):
    with start("") as process:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        _copy_output(process.stdout, LogWriter(tmp_path))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
