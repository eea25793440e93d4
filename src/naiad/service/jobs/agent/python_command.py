"""Runs a Python command in this process: ``python FILE ARGUMENTS`` or ``python -m MODULE ARGUMENTS``, as a new process would.

A file may come after ``--``.
"""

import importlib.util
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

_INTERPRETERS = ("python", "python3", sys.executable)


def is_python_command(words: Sequence[str]) -> bool:
    """Whether ``run_python_command`` can run the words: this interpreter, with a file or a module, and no other options."""
    if not words or words[0] not in _INTERPRETERS:
        return False
    arguments = _arguments(words)
    return bool(arguments) and (arguments[0].endswith(".py") or (words[1] == "-m" and len(words) > 2))


def shadowed_module(folders: Sequence[Path]) -> str | None:
    """Returns a loaded module that a new interpreter would take from one of ``folders`` instead; None when there is none."""
    loaded = {name for name in sys.modules if "." not in name}
    for folder in folders:
        for entry in folder.iterdir() if folder.is_dir() else ():
            name = entry.name.partition(".")[0]
            if name in loaded and (entry.is_dir() or entry.suffix in (".py", ".so")):
                return name
    return None


def run_python_command(words: Sequence[str]) -> int:
    """Returns the exit status. The caller then ends the process in the usual way, so that threads and exit handlers finish."""
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    try:
        if words[1] == "-m":
            sys.argv = [words[2], *words[3:]]
            sys.path[:0] = [str(Path.cwd()), *paths]
            runpy.run_module(words[2], run_name="__main__", alter_sys=True)
        else:
            sys.argv = _arguments(words)
            file = str(Path(sys.argv[0]).absolute())
            sys.path[:0] = [str(Path(file).parent), *paths]
            _run_file(file)
    except SystemExit as error:
        return _exit_status(error)
    except BaseException as error:  # noqa: BLE001  # reason: the process's edge: what an interpreter does at its end
        trace = _program_part(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _arguments(words: Sequence[str]) -> list[str]:
    return list(words[2:] if len(words) > 1 and words[1] == "--" else words[1:])


def _run_file(name: str) -> None:
    main = ModuleType("__main__")
    main.__file__ = name
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    with open(name, "rb") as file:  # noqa: PTH123  # reason: the name as Python gives it to __file__
        code = compile(importlib.util.decode_source(file.read()), name, "exec", dont_inherit=True)
    exec(code, main.__dict__)  # noqa: S102  # reason: the user's program is what is to be run


def _program_part(trace: TracebackType | None) -> TracebackType | None:
    """Returns the traceback without the frames of Naiad and of runpy above those of the program."""
    while trace is not None and _is_launcher_frame(trace):
        trace = trace.tb_next
    return trace


def _is_launcher_frame(trace: TracebackType) -> bool:
    file = trace.tb_frame.f_code.co_filename
    return file in (__file__, runpy.__file__) or file.startswith("<frozen runpy")


def _exit_status(error: SystemExit) -> int:
    code: Any = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1
