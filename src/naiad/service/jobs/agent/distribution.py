"""The ``distribution`` of SageMaker's SDK: which launcher starts the processes of a script."""

from pathlib import Path
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.config_files import instance_groups
from naiad.service.jobs.agent.hyperparameters import framework_hyperparameters
from naiad.service.jobs.agent.mpi.mpirun import MpiSettings
from naiad.service.jobs.rendezvous import rendezvous_address
from naiad.service.jobs.script_request import is_on, mpi_options, process_count

_TORCHRUN_SETTINGS = ("sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled")
_MPI_LAUNCHER = "naiad.service.jobs.agent.mpi.launcher"


def launcher_words(spec: InstanceSpec, root: Path, *, is_python_file: bool) -> tuple[str, ...]:
    """Returns the words before the script in its command, of which the last is ``python``, or torchrun's options.

    Raises Invalid for a script that the launcher cannot start.
    """
    settings = framework_hyperparameters(spec)
    hosts = _hosts(spec, settings)
    if spec.instance.host not in hosts:
        return ("python",)
    if is_on(settings.get("sagemaker_mpi_enabled")):
        return ("python", "-m", _MPI_LAUNCHER, _mpi_settings(spec, settings, hosts, root).to_json(), "python")
    torchrun_settings = [name for name in _TORCHRUN_SETTINGS if is_on(settings.get(name))]
    if torchrun_settings and not is_python_file:
        raise Invalid(f"{torchrun_settings[0]} starts a Python file, and sagemaker_program is none")
    return ("python", *(_torchrun(spec, settings, hosts, root) if torchrun_settings else ()))


def _hosts(spec: InstanceSpec, settings: dict[str, Any]) -> tuple[str, ...]:
    """Returns the hosts of the groups that the distribution is for, by default all."""
    groups = instance_groups(spec)
    chosen = settings.get("sagemaker_distribution_instance_groups", [group["instance_group_name"] for group in groups])
    return tuple(host for group in groups if group["instance_group_name"] in chosen for host in group["hosts"])


def _processes_per_host(spec: InstanceSpec, settings: dict[str, Any]) -> int:
    return process_count(settings, "sagemaker_mpi_num_of_processes_per_host") or len(spec.gpus) or 1


def _mpi_settings(spec: InstanceSpec, settings: dict[str, Any], hosts: tuple[str, ...], root: Path) -> MpiSettings:
    if root != Path("/opt/ml") and len(hosts) > 1:
        raise Invalid("namespaces are not allowed here: MPI runs on one instance only; ask for one")
    return MpiSettings(
        hosts=hosts,
        processes_per_host=_processes_per_host(spec, settings),
        processes=process_count(settings, "sagemaker_mpi_num_processes"),
        options=mpi_options(settings),
    )


def _torchrun(spec: InstanceSpec, settings: dict[str, Any], hosts: tuple[str, ...], root: Path) -> tuple[str, ...]:
    """Returns the options with which torchrun starts the processes: as many as the request says, or one for each GPU, or one."""
    address, port = rendezvous_address(spec, root)
    options = {
        "nnodes": len(hosts),
        "node_rank": hosts.index(spec.instance.host),
        "nproc_per_node": _processes_per_host(spec, settings),
        "master_addr": address,
        "master_port": port,
    }
    return ("-m", "torch.distributed.run", *(f"--{name}={value}" for name, value in options.items()))
