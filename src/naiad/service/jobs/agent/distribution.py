"""What SageMaker's SDK calls a job's ``distribution``: who starts the processes of a script."""

from pathlib import Path

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.contract import framework_hyperparameters, meeting_place

_BY_TORCHRUN = ("sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled")
_NOT_SERVED = {
    "sagemaker_mpi_enabled": "MPI",
    "sagemaker_distributed_dataparallel_enabled": "smdistributed's data parallelism",
    "sagemaker_parameter_server_enabled": "a parameter server",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "TensorFlow's MultiWorkerMirroredStrategy",
}


def start_of(program: str, spec: InstanceSpec, root: Path) -> tuple[str, ...]:
    """What stands before the script. Raises Invalid for a distribution that nobody starts here."""
    given = framework_hyperparameters(spec)
    for name, what in _NOT_SERVED.items():
        if _is_on(given.get(name)):
            raise Invalid(
                f"the hyperparameter {name} asks for {what}, which is not served: take "
                'distribution={"torch_distributed": {"enabled": True}}'
            )
    by_torchrun = [name for name in _BY_TORCHRUN if _is_on(given.get(name))]
    if program.endswith(".sh"):
        if by_torchrun:
            raise Invalid(f"{by_torchrun[0]} starts a Python script, and sagemaker_program is {program!r}")
        return ("bash",)
    return ("python", *(_torchrun(spec, root) if by_torchrun else ()))


def _torchrun(spec: InstanceSpec, root: Path) -> tuple[str, ...]:
    """A process for each GPU, or one."""
    address, port = meeting_place(spec, root)
    options = {
        "nnodes": len(spec.hosts),
        "node_rank": spec.instance.index,
        "nproc_per_node": max(len(spec.gpus), 1),
        "master_addr": address,
        "master_port": port,
    }
    return ("-m", "torch.distributed.run", *(f"--{name}={value}" for name, value in options.items()))


def _is_on(value: object) -> bool:
    return str(value).lower() == "true"
