"""Every error that Naiad raises on purpose, in one tree.

    NaiadError
    ├── InputError            what the user gave cannot be used; exit status 2, nothing was written
    │   ├── DataError         the data: missing, empty, one class, labels out of range, …
    │   ├── NetworkError      the network: not a module, shapes that do not meet the data, …
    │   ├── OptionError       an option: unknown, of the wrong type, out of its range
    │   ├── ArtifactError     an artifact or checkpoint: damaged, incomplete, of a newer format
    │   └── FolderError       a folder that cannot be written
    └── TrainingError         the run failed; what was saved before it stays
        ├── LossNotFinite     after the allowed number of returns to the last checkpoint
        ├── MemoryExhausted   even one sample a microbatch does not fit
        ├── DiskFull          the last good checkpoint stays, the partial file is gone
        └── Stopped           asked to stop (SIGTERM, Ctrl-C); a checkpoint was written

A message says what, what was given, and what to do. The doing goes in ``hint`` where it is a command or a call.
"""

import difflib
from collections.abc import Iterable


class NaiadError(Exception):
    """``str(error)`` is one lower-case line without a period; ``hint`` is what to do, or None."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(NaiadError):
    pass


class DataError(InputError):
    pass


class NetworkError(InputError):
    pass


class OptionError(InputError):
    pass


class ArtifactError(InputError):
    pass


class FolderError(InputError):
    pass


class TrainingError(NaiadError):
    pass


class LossNotFinite(TrainingError):
    pass


class MemoryExhausted(TrainingError):
    pass


class DiskFull(TrainingError):
    pass


class Stopped(TrainingError):
    pass


def nearest(given: str, known: Iterable[str]) -> str:
    """A phrase for a hint: the known name nearest to ``given``, or all of them when none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(given, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
