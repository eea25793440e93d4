"""Finds the reason why a program failed: its own failure file, else the exception that ended it, else its signal or last line."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_REASON_CHARS = 1_024
_RANK_PREFIX = re.compile(r"^(?:\[(?:rank|default)?\d+\]: ?|\[\d+,\d+\]<std(?:out|err)>:)")
"""Prefix of each line when torch or mpirun runs several processes."""
_MPI_STDERR = re.compile(r"^\[\d+,(?P<rank>\d+)\]<stderr>:")
_TRACEBACK = re.compile(r"^(?:(?:Original )?Traceback|  \+ Exception Group Traceback) \(most recent call last\):$")
_GROUP_PREFIX = re.compile(r"^  \| ?")
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)')
_SYNTAX_ERROR = re.compile(r"^(?:SyntaxError|IndentationError|TabError)\b")
"""An error in the script itself, for which Python writes the place without a traceback."""
_OTHER_OUTPUT = re.compile(
    r"^(?:\S*Warning\b|\S+:\d+: |\[?[WEIF]\d{4}[ :]|During handling of |The above exception |=====|-----)"
)
"""Beginning of a line that does not continue the message of the exception above it."""
_MAX_MESSAGE_LINES = 4
_MAX_LINES_AFTER = 60
"""Lines after the exception that ended a program: the rest of its message, and output while the program ends."""
_LAUNCHER_ERROR = re.compile(r"^[\w.]*ChildFailedError\b")
"""The exception of torchrun, whose failed rank has already written its own."""
_OUT_OF_MEMORY = ("MemoryError", "out of memory", "OutOfMemoryError", "DefaultCPUAllocator: can't allocate memory")
_STATUS_OF_EXCEPTION = 1
"""Python's exit status after an uncaught exception. A program that exits with another status has chosen it."""


@dataclass(frozen=True)
class _LoggedException:
    """An exception as the log shows it."""

    frames: tuple[tuple[str, str], ...]
    """(file, line), the innermost last."""
    text: str
    lines_after: int


def failure_reason(status: int, last_lines: Sequence[str], written: str, *, root: Path = Path("/opt/ml")) -> str:
    """Returns why a program failed, never only a number.

    ``status`` is the exit status of the process: negative, or over 128, for a signal. ``written`` is the text of the failure
    file. ``root`` is the folder of the program's own files: of the places in a traceback, the last one in it is named.
    """
    if written:
        return written[:MAX_REASON_CHARS]
    exception = _exception_text(last_lines, root) if status == _STATUS_OF_EXCEPTION else ""
    if exception:
        memory = "out of memory: " if any(sign in exception for sign in _OUT_OF_MEMORY) else ""
        return f"AlgorithmError: {memory}{exception}"[:MAX_REASON_CHARS]
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if number:
        return f"AlgorithmError: {_signal_text(number)}{_last_line_text(last_lines)}"[:MAX_REASON_CHARS]
    reason = f"AlgorithmError: the program ended with exit status {status}{_last_line_text(last_lines)}"
    return reason[:MAX_REASON_CHARS]


def _exception_text(log_lines: Sequence[str], root: Path) -> str:
    """Returns the exception of the last traceback, with its place; "" when there is none near the end.

    Prefers other exceptions to that of a launcher.
    """
    lines = [_RANK_PREFIX.sub("", line) for line in _lines_by_rank(log_lines)]
    starts = [number for number, line in enumerate(lines) if _TRACEBACK.match(line)]
    exceptions = [exception for number in starts if (exception := _parse_traceback(lines, number + 1))]
    exceptions = exceptions or _syntax_errors(lines)
    if not exceptions or exceptions[-1].lines_after > _MAX_LINES_AFTER:
        return ""
    others = [exception for exception in exceptions if not _LAUNCHER_ERROR.match(exception.text)]
    last = (others or exceptions)[-1]
    return last.text + _place_text(last, root)


def _lines_by_rank(lines: Sequence[str]) -> list[str]:
    """Returns what mpirun's processes wrote to stderr, one process after the other; without mpirun, all lines."""
    errors = [(int(match["rank"]), line) for line in lines if (match := _MPI_STDERR.match(line))]
    return [line for _, line in sorted(errors, key=lambda error: error[0])] or list(lines)


def _parse_traceback(lines: Sequence[str], first: int) -> _LoggedException | None:
    """Returns the exception whose traceback has its first frame in line ``first``; None when the traceback is cut off."""
    is_group = lines[first - 1].startswith("  +")
    block = [_GROUP_PREFIX.sub("", line) if is_group else line for line in lines[first:]]
    end = next((number for number, line in enumerate(block) if line and not line[0].isspace()), None)
    if end is None:
        return None
    frames = tuple((match["file"], match["line"]) for line in block[:end] if (match := _FRAME.match(line)))
    message = [] if is_group else _further_message_lines(block[end + 1 :])
    return _LoggedException(frames, " ".join([block[end].strip(), *message]), len(block) - end - 1)


def _further_message_lines(lines: Sequence[str]) -> list[str]:
    """Returns the lines that continue a message of several lines."""
    message: list[str] = []
    for line in lines[:_MAX_MESSAGE_LINES]:
        if not line.strip() or _TRACEBACK.match(line) or _OTHER_OUTPUT.match(line):
            break
        message.append(line.strip())
    return message


def _syntax_errors(lines: Sequence[str]) -> list[_LoggedException]:
    """Returns the last syntax error, if there is one with a place."""
    for number in range(len(lines) - 1, 0, -1):
        if _SYNTAX_ERROR.match(lines[number]):
            frames = tuple(
                (match["file"], match["line"])
                for line in lines[max(0, number - 4) : number]
                if (match := _FRAME.match(line))
            )
            return [_LoggedException(frames, lines[number], len(lines) - number - 1)] if frames else []
    return []


def _place_text(exception: _LoggedException, root: Path) -> str:
    """Returns the innermost place in the program's own files; without one, the innermost place of all."""
    program_frames = [frame for frame in exception.frames if _is_of_program(frame[0], root)]
    frames = program_frames or exception.frames
    return f" ({Path(frames[-1][0]).name}, line {frames[-1][1]})" if frames else ""


def _is_of_program(file: str, root: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(root) and not path.is_relative_to(root / "python")


def _signal_text(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = ", perhaps because memory ran out" if name == "SIGKILL" else ""
    return f"the program was ended by {name}{hint}"


def _last_line_text(lines: Sequence[str]) -> str:
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"; its last line was: {last}" if last else ""
