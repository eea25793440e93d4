"""A program that runs commands while optional packages are hidden, and prints their results as JSON.

``hide_packages.py FOLDER`` keeps the servers' states in FOLDER. A forked process runs the commands for each hidden package.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import naiad
from naiad.cli.main import main
from naiad.deploy_hook import run_deploy_hook
from naiad.extras import EXTRAS

CLIENT_COMMANDS = {
    "deploy": ["deploy", "model", "--name", "shoes"],
    "endpoints list": ["endpoints", "list"],
    "endpoints show": ["endpoints", "show", "shoes"],
    "endpoints invoke": ["endpoints", "invoke", "shoes", "a.png"],
    "endpoints logs": ["endpoints", "logs", "shoes"],
    "endpoints delete": ["endpoints", "delete", "shoes"],
    "bench-endpoint": ["bench-endpoint", "shoes"],
    "jobs list": ["jobs", "list"],
    "jobs show": ["jobs", "show", "job"],
    "jobs logs": ["jobs", "logs", "job"],
    "jobs stop": ["jobs", "stop", "job"],
    "jobs delete": ["jobs", "delete", "job"],
}


class HidingFinder:
    """A finder of modules that does not find some packages."""

    def __init__(self, finder: Any, packages: Collection[str]) -> None:
        self._finder, self._packages = finder, packages

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] in self._packages:
            return None
        spec: ModuleSpec | None = self._finder.find_spec(name, path, target)
        return spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def hide(packages: Collection[str]) -> None:
    loaded = [name for name in sys.modules if name.partition(".")[0] in packages]
    assert not loaded, f"loaded before they could be hidden: {loaded}"
    sys.meta_path[:] = [HidingFinder(finder, packages) for finder in sys.meta_path]


def run(words: list[str]) -> list[Any]:
    """Returns (exit status, stdout, stderr) of a command."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = main(words)
    return [status, out.getvalue(), errors.getvalue()]


def call(function: Callable[[], Any]) -> list[Any]:
    """Returns the type and the text of the error that the function raises."""
    try:
        function()
    except naiad.NaiadError as error:
        return [type(error).__name__, f"{error}\nhint: {error.hint}"]
    return ["nothing was raised", ""]


def in_fork(results: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Calls the function in a forked process, whose imports and hidden packages end with it."""
    with tempfile.TemporaryFile() as file:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                file.write(json.dumps(results()).encode())
                file.flush()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        file.seek(0)
        values: dict[str, Any] = json.load(file)
    return values


def results_without(package: str, folder: Path) -> dict[str, Any]:
    hide({package})
    state = ["--state", str(folder / f"state-{package}"), "--port", "0", "--no-warm"]
    if package == "psycopg":
        return {"serve": run(["serve", *state, "--database", "postgresql://nobody@127.0.0.1:1/nothing"])}
    results = {"serve": run(["serve", *state])}
    if package in ("boto3", "botocore"):
        results |= {name: run(words) for name, words in CLIENT_COMMANDS.items()}
        results["connect"] = call(lambda: naiad.connect())  # noqa: PLW0108  # reason: the name itself is what fails
        results["Model.deploy"] = call(lambda: run_deploy_hook(None, "shoes"))
    return results


def results_without_any(folder: Path) -> dict[str, Any]:
    hide([package for packages in EXTRAS.values() for package in packages])
    commands = {"--help": ["--help"], "keys list": ["keys", "list", "--state", str(folder / "keys")]}
    return {name: run(words) for name, words in commands.items()}


def main_program(folder: Path) -> dict[str, Any]:
    hidden = [*(package for package in EXTRAS["service"] if package != "onnxruntime"), *EXTRAS["postgres"]]
    results = {package: in_fork(lambda package=package: results_without(package, folder)) for package in hidden}
    return {**results, "all": results_without_any(folder)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main_program(Path(sys.argv[1]))))
