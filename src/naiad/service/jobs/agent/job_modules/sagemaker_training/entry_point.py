"""Runs a script of the folder ``code``, as containers of one's own do it with the toolkit."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import environment
from .errors import ClientError, ExecuteUserScriptError
from .files import download_and_extract


def run(  # noqa: PLR0917  # reason: the toolkit's signature
    uri: str,
    user_entry_point: str,
    args: Sequence[str],
    env_vars: Mapping[str, str] | None = None,
    wait: bool = True,  # noqa: FBT001, FBT002  # reason: the toolkit's signature
    capture_error: bool = False,  # noqa: FBT001, FBT002  # reason: the toolkit's signature
) -> "subprocess.Popen[Any]":
    """Fetches the source ``uri`` into the folder ``code``, if that is empty, and runs the script in it.

    Raises ExecuteUserScriptError when it ends with another status than 0.
    """
    folder = Path(environment.code_dir)
    download_and_extract(uri, str(folder))
    if not (folder / user_entry_point).is_file():
        raise ClientError(f"{folder} has no file {user_entry_point!r}")
    environment.write_env_vars(env_vars)
    words = _words(folder, user_entry_point, args)
    process = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE if capture_error else None, text=True)  # noqa: S603  # reason: the user's own script
    if wait:
        _, output = process.communicate()
        if process.returncode:
            raise ExecuteUserScriptError(" ".join(words), process.returncode, output)
    return process


def _words(folder: Path, name: str, args: Sequence[str]) -> list[str]:
    if name.endswith(".py") and not (folder / "setup.py").exists():
        return [sys.executable, "--", name, *args]
    if name.endswith(".py"):
        return [sys.executable, "-m", name.removesuffix(".py"), *args]
    (folder / name).chmod(0o777)
    return ["/bin/sh", "-c", f"./{shlex.quote(name)} {' '.join(map(shlex.quote, args))}"]
