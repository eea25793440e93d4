"""The path of a folder as a user gives it."""

from os import PathLike
from pathlib import Path

from naiad.errors import NaiadError, OptionError, describe_value


def read_folder_path(value: object, *, name: str, error: type[NaiadError]) -> Path:
    """Returns the path, with the user's home in the place of ``~``. It need not exist.

    name: what the folder is called in messages. Raises OptionError for what is no path, ``error`` for what can be no folder.
    """
    if not isinstance(value, str | PathLike):
        raise OptionError(f"{name} takes a folder, given {describe_value(value)}", hint="give its path: 'runs/first'")
    try:
        path = Path(value).expanduser()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except Exception as problem:
        reason = getattr(problem, "strerror", None) or " ".join(str(problem).split())
        raise error(f"{describe_value(value)} cannot be a folder: {reason}", hint="name another folder") from problem
    return path
