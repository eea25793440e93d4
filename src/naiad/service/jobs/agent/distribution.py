"""The ``distribution`` of SageMaker's SDK: which launcher starts the processes of a script."""

from pathlib import Path

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.hyperparameters import framework_hyperparameters
from naiad.service.jobs.rendezvous import rendezvous_address

_TORCHRUN_SETTINGS = ("sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled")
_NOT_SERVED = {
    "sagemaker_mpi_enabled": "MPI",
    "sagemaker_distributed_dataparallel_enabled": "smdistributed's data parallelism",
    "sagemaker_parameter_server_enabled": "a parameter server",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "TensorFlow's MultiWorkerMirroredStrategy",
}


def launcher_words(spec: InstanceSpec, root: Path, *, is_python_file: bool) -> tuple[str, ...]:
    """Returns the words before the script in its command. Raises Invalid for a distribution that is not served."""
    settings = framework_hyperparameters(spec)
    for name, what in _NOT_SERVED.items():
        if _is_on(settings.get(name)):
            raise Invalid(
                f"the hyperparameter {name} asks for {what}, which is not served: use "
                'distribution={"torch_distributed": {"enabled": True}}'
            )
    torchrun_settings = [name for name in _TORCHRUN_SETTINGS if _is_on(settings.get(name))]
    if torchrun_settings and not is_python_file:
        raise Invalid(f"{torchrun_settings[0]} starts a Python file, and sagemaker_program is none")
    return ("python", *(_torchrun(spec, root) if torchrun_settings else ()))


def _torchrun(spec: InstanceSpec, root: Path) -> tuple[str, ...]:
    """Returns the options with which torchrun starts a process for each GPU, or one process."""
    address, port = rendezvous_address(spec, root)
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
