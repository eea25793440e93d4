"""The output of a program that runs to its end, however much it prints."""

import resource
import subprocess
import sys

import pytest

from naiad.service.endpoints.serving.program_output import MAX_KEPT_BYTES, MAX_LINES, collect_output

PIPE = subprocess.PIPE


def start(source: str, *, stderr: int = PIPE) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", source], stdout=PIPE, stderr=stderr)


def test_both_ends_are_returned_and_lines_passed_on():
    lines: list[str] = []
    with start("import sys; print('a'); print('b', file=sys.stderr); print('c', end='')") as process:
        stdout, stderr = collect_output(process, timeout_s=30, on_line=lines.append)
    assert (stdout, stderr, process.returncode) == ("a\nc", "b\n", 0)
    assert sorted(lines) == ["a", "b", "c"]


def test_three_hundred_megabytes_are_read_and_not_kept():
    """They were all kept at first: the memory of the server grew by as much as a build printed."""
    lines: list[str] = []
    source = "import os\nblock = b'x' * 99 + b'\\n'\nfor _ in range(3000): os.write(1, block * 1000)\nprint('last')"
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with start(source) as process:
        stdout, _ = collect_output(process, timeout_s=120, on_line=lines.append)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 50_000
    assert stdout.endswith("x\nlast\n")
    assert len(stdout) <= MAX_KEPT_BYTES
    assert len(lines) == MAX_LINES
    assert "left out" in lines[-1]


def test_one_line_without_end():
    lines: list[str] = []
    with start("import os\nfor _ in range(100): os.write(2, b'x' * 2**20)") as process:
        stdout, stderr = collect_output(process, timeout_s=60, on_line=lines.append)
    assert (stdout, len(stderr)) == ("", MAX_KEPT_BYTES)
    assert len(lines) == 1
    assert len(lines[0]) <= 4096


def test_a_program_that_takes_too_long():
    with start("import signal; signal.pause()", stderr=subprocess.DEVNULL) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            collect_output(process, timeout_s=0)
        process.kill()
