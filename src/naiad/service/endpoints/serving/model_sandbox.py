"""Programs that run with a model inside the sandbox: its replicas, the benchmark of its engines, pip."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from naiad.service.contract import virtual_environment
from naiad.service.domain.errors import Invalid
from naiad.service.walls.sandbox import Sandbox, make_sandbox

MODEL = "MODEL"
"""Placeholder in a command for the model's folder as the program sees it."""
_HOST = "model"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")


def make_model_sandbox(folder: Path, state_folder: Path) -> Sandbox:
    """folder: holds ``ml``, which a program sees at /opt/ml. state_folder: of the server; a program does not see it."""
    return make_sandbox(folder, state_folder, host=_HOST, hosts=(_HOST,))


def program_variables(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns a clean environment: from the server only what pip needs. environment: the model's own variables."""
    return {
        **virtual_environment.environment_variables(root),
        "HOME": "/tmp",  # noqa: S108  # reason: the program's own
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "SM_MODEL_DIR": str(root / "model"),
        **dict.fromkeys(_THREADS, "1"),
        **{name: os.environ[name] for name in _PIP if name in os.environ},
        **environment,
    }


def sandboxed_command(
    folder: Path, state_folder: Path, command: Sequence[str], environment: Mapping[str, str]
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Returns the command inside the sandbox, with MODEL replaced, and its variables."""
    sandbox = make_model_sandbox(folder, state_folder)
    model = str(sandbox.root / "model")
    words = [word.replace(MODEL, model) for word in command]
    return sandbox.wrap(words, program_variables(sandbox.root, environment))


def run_sandboxed(
    folder: Path,
    state_folder: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout_s: float,
    log: Callable[[str], None] | None = None,
) -> str:
    """Returns the program's stdout. log: also gets each line of its output. Raises Invalid when the program fails."""
    words, variables = sandboxed_command(folder, state_folder, command, environment)
    title = " ".join(command[:4])
    try:
        result = subprocess.run(  # noqa: S603  # reason: inside the sandbox
            words,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise Invalid(f"{title} took longer than {timeout_s:g} s") from error
    if log is not None:
        for line in (*result.stdout.splitlines(), *result.stderr.splitlines()):
            log(line)
    if result.returncode != 0:
        last_line = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()[-1]
        raise Invalid(f"{title} failed: {last_line[:500]}")
    return result.stdout
