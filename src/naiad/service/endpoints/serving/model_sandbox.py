"""Programs that run with a model inside the sandbox: its replicas, the benchmark of its engines, pip."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from naiad.service.contract import virtual_environment
from naiad.service.domain.errors import Invalid
from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.network import OwnNetwork
from naiad.service.walls.program_settings import DEFAULT_PROGRAMS, ProgramNetwork, ProgramSettings
from naiad.service.walls.sandbox import Sandbox, SandboxOptions, make_sandbox
from naiad.service.walls.start import start_program

MODEL = "MODEL"
"""Placeholder in a command for the model's folder as the program sees it."""
_HOST = "model"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")


@dataclass(frozen=True)
class ModelSandbox:
    """Makes the sandboxes of models, and runs programs in them."""

    state_folder: Path
    """Folder of the server; a program does not see it."""
    programs: ProgramSettings = DEFAULT_PROGRAMS

    def make(self, folder: Path) -> Sandbox:
        """folder: holds ``ml``, which a program sees at /opt/ml."""
        options = SandboxOptions(_HOST, (_HOST,), self.programs.run_as_root)
        return make_sandbox(folder, self.state_folder, options)

    def replica_network(self, port: int | None) -> OwnNetwork | None:
        """Returns the network of a replica; None shares the machine's, which one with a port of its own needs."""
        return OwnNetwork(0) if port is None and self.programs.network == ProgramNetwork.NONE else None

    def request(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> LaunchRequest:
        """Returns the request to start the command in the sandbox, with MODEL replaced."""
        sandbox = self.make(folder)
        model = str(sandbox.root / "model")
        words = [word.replace(MODEL, model) for word in command]
        return sandbox.request(words, program_variables(sandbox.root, environment))

    def run(
        self,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout_s: float,
        log: Callable[[str], None] | None = None,
    ) -> str:
        """Returns the program's stdout. log: also gets each line of its output. Raises Invalid when the program fails."""
        title = " ".join(command[:4])
        process = start_program(
            self.request(folder, command, environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            stdout, stderr = (part.decode(errors="replace") for part in process.communicate(timeout=timeout_s))
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise Invalid(f"{title} took longer than {timeout_s:g} s") from error
        if log is not None:
            for line in (*stdout.splitlines(), *stderr.splitlines()):
                log(line)
        if process.returncode != 0:
            last_line = (stderr.strip() or stdout.strip() or "no output").splitlines()[-1]
            raise Invalid(f"{title} failed: {last_line[:500]}")
        return stdout


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
