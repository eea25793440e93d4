"""Every error that Naiad raises on purpose, in one tree.

    NaiadError
    ├── InputError             what the user gave cannot be used; exit status 2, nothing was written
    │   ├── DataError          the data: missing, empty, one class, labels out of range, …
    │   ├── NetworkError       the network: not a module, shapes that do not fit the data, …
    │   ├── OptionError        an option: unknown, of the wrong type, out of its range
    │   ├── ArtifactError      an artifact or checkpoint: damaged, incomplete, of a newer format
    │   ├── ArchiveError       a tar archive: damaged, with links or special files, larger than its limits
    │   ├── FolderError        a folder that cannot be written
    │   │   └── FolderInUse    another run is writing into it, or has been
    │   └── PackageError       an optional package that is not installed
    ├── TrainingError          the run failed; what was saved before it stays
    │   ├── LossNotFinite      after the allowed number of rollbacks to the last checkpoint
    │   ├── MemoryExhausted    not even one sample a microbatch fits into memory
    │   ├── DiskFull           the last good checkpoint stays, the partial file is gone
    │   ├── DiskFailed         the disk reports an error of its own; what was saved before stays
    │   ├── TrainingStopped    stopped on request (SIGTERM, Ctrl-C); a checkpoint was written
    │   └── TrainingPaused     paused after an epoch that was named before, as a trial of a search; it goes on from its checkpoint
    └── ServiceError           the server refuses a request; ``service/domain/errors.py`` draws what stands below it

A message says what is wrong, what was given, and what to do. A command or a call that mends it goes into ``hint``.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager


class NaiadError(Exception):
    """``str(error)`` is one lower-case line without a period; ``hint`` is what to do, or None."""

    raised_by_all: bool = False
    """Whether all processes of a distributed run raise it, so that the first one alone prints it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(_one_line(message))
        self.hint = hint
        if hint is not None:
            self.add_note(f"hint: {hint}")  # a traceback shows it below the message


def _one_line(text: str) -> str:
    """The text of another library's error, which a message may quote, has lines of its own."""
    return " ".join(text.split()) if "\n" in text or "\r" in text else text


class InputError(NaiadError):
    pass


class DataError(InputError):
    pass


class NetworkError(InputError):
    pass


class OptionError(InputError):
    raised_by_all = True


class ArtifactError(InputError):
    pass


class ArchiveError(InputError):
    pass


class FolderError(InputError):
    pass


class FolderInUse(FolderError):
    pass


class PackageError(InputError):
    pass


class TrainingError(NaiadError):
    pass


class LossNotFinite(TrainingError):
    raised_by_all = True


class MemoryExhausted(TrainingError):
    raised_by_all = True


class DiskFull(TrainingError):
    pass


class DiskFailed(TrainingError):
    pass


class TrainingStopped(TrainingError):
    raised_by_all = True


class TrainingPaused(TrainingError):
    """``epoch``: epochs trained so far. ``scores``: those of the last one on the validation split."""

    raised_by_all = True

    def __init__(self, epoch: int, scores: Mapping[str, float]) -> None:
        super().__init__(f"paused after epoch {epoch}")
        self.epoch = epoch
        self.scores = dict(scores)


class ServiceError(NaiadError):
    pass


@contextmanager
def explain_errors(
    kind: type[NaiadError], sentence: str | Callable[[], str], *, hint: str | None = None
) -> Iterator[None]:
    """Raises an error of ``kind`` that begins with ``sentence`` in the place of one that is none of Naiad's, its cause.

    It stands at the doors of the library, where data and code of others come in.
    """
    try:
        yield
    except NaiadError:
        raise
    except Exception as error:
        text = sentence if isinstance(sentence, str) else sentence()
        raise kind(f"{text}: {describe_error(error)}", hint=hint or _CAUSE_HINT) from error


_CAUSE_HINT = "set NAIAD_TRACEBACK=1 and run it again to see where; in Python the cause is below the error"
_LONGEST_DESCRIPTION, _LONGEST_VALUE = 300, 100


def describe_error(error: BaseException) -> str:
    """Returns the error's type and text in one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # reason: a foreign error's text may fail as anything else
        text = ""
    return f"{type(error).__name__}: {text}"[:_LONGEST_DESCRIPTION] if text else type(error).__name__


def describe_value(value: object) -> str:
    """Returns a value that was given as text of one line, for a message."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001  # reason: a foreign object may fail as it likes
        text = ""
    return f"{text[:_LONGEST_VALUE]}{'…' if len(text) > _LONGEST_VALUE else ''}" or f"a {type(value).__name__}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a phrase for a hint: the known name that is most like ``name``, or all of them when none is like it."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
