"""Programs that run with a model inside the sandbox: its replicas, the benchmark of its engines, pip."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from naiad.service.contract import virtual_environment
from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving.model_program import ModelProgram
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.network import OwnNetwork
from naiad.service.walls.program_settings import DEFAULT_PROGRAMS, ProgramNetwork, ProgramSettings
from naiad.service.walls.resource_guard import ResourceGuard, ResourceLimits, group_name, open_guard
from naiad.service.walls.sandbox import Sandbox, SandboxOptions, make_sandbox
from naiad.service.walls.user_files import give_to_program

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

    def make(self, folder: Path, limits: ResourceLimits) -> Sandbox:
        """folder: holds ``ml``, which a program sees at /opt/ml."""
        memory_bytes, tasks = limits.memory_bytes or 0, limits.tasks or 0
        options = SandboxOptions(_HOST, (_HOST,), self.programs.run_as_root, memory_bytes, tasks)
        return make_sandbox(folder, self.state_folder, options)

    def open_guard(self, folder: Path, limits: ResourceLimits) -> ResourceGuard:
        """Returns the guard of a program that is about to start there. A folder has one program at a time."""
        return open_guard(group_name("model", self.state_folder, folder), [folder], limits)

    def remove_control_groups(self) -> None:
        """Removes what replicas of this server, or of an earlier one that was killed, have left. For when none runs."""
        ControlGroup.find(f"{group_name('model', self.state_folder)}-*").remove()

    def replica_network(self) -> OwnNetwork | None:
        """Returns the network of a replica; None shares the machine's. Its sockets come from the server, and work in either."""
        return OwnNetwork(0) if self.programs.network == ProgramNetwork.NONE else None

    def prepare_start(
        self, folder: Path, command: Sequence[str], environment: Mapping[str, str], limits: ResourceLimits
    ) -> Callable[[], ModelProgram]:
        """Returns what starts the command in the sandbox, with MODEL replaced. It starts in the thread that calls that."""
        sandbox = self.make(folder, limits)
        model = str(sandbox.root / "model")
        words = [word.replace(MODEL, model) for word in command]
        guard = self.open_guard(folder, limits)
        request = sandbox.request(words, program_variables(sandbox.root, environment), group=guard.group)
        give_to_program(request.walls)

        def start() -> ModelProgram:
            try:
                return ModelProgram(request, guard)
            except OSError:
                guard.close()
                raise

        return start

    def run(
        self,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        limits: ResourceLimits,
        *,
        timeout_s: float,
        log: Callable[[str], None] = lambda _: None,
    ) -> str:
        """Returns the end of the program's stdout. log: gets the lines of its output. Raises Invalid when it fails."""
        try:
            output = self.prepare_start(folder, command, environment, limits)().wait(timeout_s, log)
        except Invalid as error:
            log(str(error))
            raise
        if output.status != 0:
            last_line = (output.stderr.strip() or output.stdout.strip() or "no output").splitlines()[-1]
            raise Invalid(f"{' '.join(command[:4])} failed: {last_line[:500]}")
        return output.stdout


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
