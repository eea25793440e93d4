"""The command that starts the processes of an MPI job on its instances, and the variables that any mpirun of a job needs."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from naiad.service.domain.errors import Invalid

_REMOTE_SHELL = "naiad.service.jobs.agent.mpi.remote_shell"
_NCCL_DEBUG = "--NCCL_DEBUG"
_PARAMETERS = {
    "btl_tcp_if_include": "lo",
    "oob_tcp_if_include": "lo",
    "if_base_do_not_resolve": "1",  # every host has the address 127.0.0.1, and is another one nevertheless
    "plm_rsh_no_tree_spawn": "1",
    "pml": "ob1",
    "btl": "^openib",
    "btl_vader_single_copy_mechanism": "none",
    "btl_vader_backing_directory": "/tmp",  # noqa: S108  # reason: the job's own; /dev/shm is everybody's
    "orte_abort_on_non_zero_status": "1",
    "plm_rsh_agent": f"python -m {_REMOTE_SHELL}",
}


@dataclass(frozen=True)
class MpiSettings:
    hosts: tuple[str, ...]
    processes_per_host: int = 1
    processes: int | None = None
    """The number of all processes; by default that of all hosts."""
    options: tuple[str, ...] = ()
    """Further options of mpirun."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "MpiSettings":
        values = json.loads(text)
        return cls(**values | {name: tuple(values[name]) for name in ("hosts", "options")})


def mpi_variables() -> dict[str, str]:
    """Returns Open MPI's parameters as variables, so that they hold for the mpirun of a user's own script, too."""
    return {f"OMPI_MCA_{name}": value for name, value in _PARAMETERS.items()}


def mpirun_command(settings: MpiSettings, words: Sequence[str]) -> list[str]:
    """Returns the command for Open MPI. Each instance's own variables stay, since its remote shell has them."""
    slots = [f"{host}:{settings.processes_per_host}" for host in settings.hosts]
    processes = settings.processes or settings.processes_per_host * len(settings.hosts)
    return [
        *("mpirun", "--host", ",".join(slots), "-np", str(processes), "--oversubscribe", "--allow-run-as-root"),
        *("--leave-session-attached", "--tag-output", "--bind-to", "none", "--map-by", "slot"),
        *settings.options,
        *words,
    ]


def parse_custom_options(text: str) -> tuple[str, ...]:
    """Returns the options of SDK 2's ``custom_mpi_options``, of which the toolkit takes NCCL_DEBUG for itself.

    Raises Invalid for a quote without its end, and for NCCL_DEBUG without a value.
    """
    try:
        words = iter(shlex.split(text))
    except ValueError as error:
        raise Invalid(f"custom_mpi_options {text!r} cannot be split into words: {error}") from error
    level, others = "WARN", []
    for word in words:
        name, equals, value = word.partition("=")
        if name != _NCCL_DEBUG:
            others.append(word)
            continue
        level = value if equals else next(words, "")
        if not level or level.startswith("-"):
            raise Invalid(f"custom_mpi_options {text!r} has {_NCCL_DEBUG} without a value: give one, like INFO")
    return ("-x", f"NCCL_DEBUG={level}", *others)
