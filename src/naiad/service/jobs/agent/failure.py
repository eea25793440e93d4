"""Why a program failed: in its own words, else in those of its last exception, else by the signal that ended it."""

import re
import signal
from collections.abc import Sequence
from pathlib import Path

LONGEST = 1_024
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_EXCEPTION = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit|Warning|StopIteration)\b.*")
_LAUNCHERS = re.compile(r"^[\w.]*ChildFailedError\b")
"""torchrun's, of a rank that has said why."""
_OUT_OF_MEMORY = ("MemoryError", "out of memory", "OutOfMemoryError", "DefaultCPUAllocator: can't allocate memory")


def reason_of(status: int, last_lines: Sequence[str], written: str) -> str:
    """``status``: of the process; negative, or over 128, for a signal. ``written``: its own words. Never only a number."""
    if written:
        return written[:LONGEST]
    told = _exception(last_lines)
    if told:
        memory = "out of memory: " if any(sign in told for sign in _OUT_OF_MEMORY) else ""
        return f"AlgorithmError: {memory}{told}"[:LONGEST]
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if number:
        return f"AlgorithmError: {_signal(number)}{_said(last_lines)}"[:LONGEST]
    return f"AlgorithmError: the program ended with exit status {status}{_said(last_lines)}"[:LONGEST]


def _exception(lines: Sequence[str]) -> str:
    """The last exception of a traceback, with the innermost place of it; a launcher's own only where there is no other."""
    places = [place for place, line in enumerate(lines) if _EXCEPTION.match(line)]
    if not places:
        return ""
    place = next((place for place in reversed(places) if not _LAUNCHERS.match(lines[place])), places[-1])
    frames = [match for line in lines[max(0, place - 40) : place] if (match := _FRAME.match(line))]
    where = f" ({Path(frames[-1]['file']).name}, line {frames[-1]['line']})" if frames else ""
    return lines[place].strip() + where


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
