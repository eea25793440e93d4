"""Why a program failed: in its own words, else in those of the exception that ended it, else by its signal or its last line."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST = 1_024
_RANK = re.compile(r"^\[(?:rank|default)?\d+\]: ?")
"""Before each line of one of several processes, as torch writes it."""
_BEGINS = re.compile(r"^(?:(?:Original )?Traceback|  \+ Exception Group Traceback) \(most recent call last\):$")
_GROUP = re.compile(r"^  \| ?")
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)')
_SYNTAX = re.compile(r"^(?:SyntaxError|IndentationError|TabError)\b")
"""Of the script itself, for which Python writes no traceback but the place."""
_NO_MESSAGE = re.compile(
    r"^(?:\S*Warning\b|\S+:\d+: |\[?[WEIF]\d{4}[ :]|During handling of |The above exception |=====)"
)
"""Begins what is said after an exception, and not by it."""
_MOST_MESSAGE_LINES = 4
_MOST_LINES_AFTER = 60
"""Behind the exception that ended a program: the rest of its message, and what is said while it ends."""
_LAUNCHERS = re.compile(r"^[\w.]*ChildFailedError\b")
"""torchrun's, of a rank that has said why."""
_OUT_OF_MEMORY = ("MemoryError", "out of memory", "OutOfMemoryError", "DefaultCPUAllocator: can't allocate memory")
_OF_UNCAUGHT = 1
"""Python's exit status after an exception that nobody caught; another one was chosen by the program."""


@dataclass(frozen=True)
class _Raised:
    frames: tuple[tuple[str, str], ...]
    """(file, line), the innermost last."""
    text: str
    lines_after: int


def reason_of(status: int, last_lines: Sequence[str], written: str, *, root: Path = Path("/opt/ml")) -> str:
    """``status``: of the process; negative, or over 128, for a signal. ``written``: its own words. Never only a number.

    ``root`` is where the program had its files: of an exception's places, the last one there is told.
    """
    if written:
        return written[:LONGEST]
    told = _exception(last_lines, root) if status == _OF_UNCAUGHT else ""
    if told:
        memory = "out of memory: " if any(sign in told for sign in _OUT_OF_MEMORY) else ""
        return f"AlgorithmError: {memory}{told}"[:LONGEST]
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if number:
        return f"AlgorithmError: {_signal(number)}{_said(last_lines)}"[:LONGEST]
    return f"AlgorithmError: the program ended with exit status {status}{_said(last_lines)}"[:LONGEST]


def _exception(marked: Sequence[str], root: Path) -> str:
    """That of the last traceback, with its place; a launcher's own only where there is no other. "" for none at the end."""
    lines = [_RANK.sub("", line) for line in marked]
    begins = [number for number, line in enumerate(lines) if _BEGINS.match(line)]
    found = [raised for number in begins if (raised := _raised(lines, number + 1))] or _in_syntax(lines)
    if not found or found[-1].lines_after > _MOST_LINES_AFTER:
        return ""
    last = next((raised for raised in reversed(found) if not _LAUNCHERS.match(raised.text)), found[-1])
    return last.text + _place(last, root)


def _raised(lines: Sequence[str], first: int) -> _Raised | None:
    """``first`` is the line after the traceback's beginning. None where its end is missing."""
    is_group = lines[first - 1].startswith("  +")
    block = [_GROUP.sub("", line) if is_group else line for line in lines[first:]]
    end = next((number for number, line in enumerate(block) if line and not line[0].isspace()), None)
    if end is None:
        return None
    frames = tuple((match["file"], match["line"]) for line in block[:end] if (match := _FRAME.match(line)))
    message = [] if is_group else _message(block[end + 1 :])
    return _Raised(frames, " ".join([block[end].strip(), *message]), len(block) - end - 1)


def _message(after: Sequence[str]) -> list[str]:
    """What goes on of a message of several lines."""
    found: list[str] = []
    for line in after[:_MOST_MESSAGE_LINES]:
        if not line.strip() or _BEGINS.match(line) or _NO_MESSAGE.match(line):
            break
        found.append(line.strip())
    return found


def _in_syntax(lines: Sequence[str]) -> list[_Raised]:
    for number in range(len(lines) - 1, 0, -1):
        if _SYNTAX.match(lines[number]):
            frames = tuple(
                (match["file"], match["line"])
                for line in lines[max(0, number - 4) : number]
                if (match := _FRAME.match(line))
            )
            return [_Raised(frames, lines[number], len(lines) - number - 1)] if frames else []
    return []


def _place(raised: _Raised, root: Path) -> str:
    """The program's own last one before a library's."""
    own = [frame for frame in raised.frames if _is_own(frame[0], root)]
    frames = own or raised.frames
    return f" ({Path(frames[-1][0]).name}, line {frames[-1][1]})" if frames else ""


def _is_own(file: str, root: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(root) and not path.is_relative_to(root / "python")


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = ", perhaps because memory ran out" if name == "SIGKILL" else ""
    return f"the program was ended by {name}{hint}"


def _said(lines: Sequence[str]) -> str:
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"; its last line was: {last}" if last else ""
