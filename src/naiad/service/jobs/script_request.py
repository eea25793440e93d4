"""The script that a training request names, checked before the job is accepted."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from naiad.service.contract.request_checks import NOTHING_TO_RUN, Request, is_trainer_image
from naiad.service.contract.training_toolkit import decode_value
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.mpi.mpirun import parse_custom_options

_PROGRAM = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*")
"""The names that SageMaker's training toolkit takes: a path in the source that no shell reads as something else."""
_CHANNELS = "/opt/ml/input/data/"


_NOT_SERVED = {
    "sagemaker_distributed_dataparallel_enabled": "smdistributed's data parallelism",
    "sagemaker_parameter_server_enabled": "a parameter server",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "TensorFlow's MultiWorkerMirroredStrategy",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch/XLA",
}
"""Hyperparameters by which SDK 2 asks for launchers that do not exist here."""
NO_MPIRUN = (
    "MPI needs mpirun on the server's machine, and there is none: install Open MPI (apt install openmpi-bin), or use torchrun: "
    'distribution={"torch_distributed": {"enabled": True}} in SDK 2, Torchrun() in SDK 3'
)


@dataclass(frozen=True)
class Script:
    program: str
    """Its path in the source."""
    source: str
    """An s3:// URI, or a path of a channel."""


def is_script_mode(request: Request) -> bool:
    """Whether a training request has neither an entry point nor Naiad's own trainer."""
    algorithm = request.get("AlgorithmSpecification", {})
    return not algorithm.get("ContainerEntrypoint") and not is_trainer_image(algorithm.get("TrainingImage", ""))


def names_script(request: Request) -> bool:
    return bool(_program(request))


def script_of(request: Request) -> Script:
    """Returns the script of a request in script mode. Raises Invalid when there is none, or when it cannot run."""
    hyperparameters: Mapping[str, str] = request.get("HyperParameters", {})
    program = _program(request)
    source = _value(hyperparameters, "sagemaker_submit_directory")
    if not program:
        raise Invalid(NOTHING_TO_RUN)
    if not isinstance(program, str) or not isinstance(source, str | None):
        raise Invalid(f"sagemaker_program {program!r} and sagemaker_submit_directory {source!r} must be texts")
    if not _PROGRAM.fullmatch(program) or {".", ".."} & set(program.split("/")):
        raise Invalid(
            f"sagemaker_program is {program!r}: give a path in the source of letters, digits and . _ + - only, like bin/train.sh"
        )
    if not source:
        raise Invalid(
            "the hyperparameter sagemaker_submit_directory is missing: give the s3:// URI of the archive that holds "
            f"{program!r}, or the folder of a channel"
        )
    _check_channel(source, request.get("InputDataConfig", ()))
    return Script(program, source)


def check_distribution(hyperparameters: Mapping[str, str]) -> None:
    """Raises Invalid for a ``distribution`` of SDK 2 that cannot run here."""
    settings = {name: decode_value(text) for name, text in hyperparameters.items()}
    for name, what in _NOT_SERVED.items():
        if is_on(settings.get(name)):
            raise Invalid(
                f"the hyperparameter {name} asks for {what}, which is not served: use "
                'distribution={"torch_distributed": {"enabled": True}}'
            )
    for name in ("sagemaker_mpi_num_of_processes_per_host", "sagemaker_mpi_num_processes"):
        process_count(settings, name)
    mpi_options(settings)
    if is_on(settings.get("sagemaker_mpi_enabled")) and not has_mpirun():
        raise Invalid(NO_MPIRUN)


def process_count(settings: Mapping[str, Any], name: str) -> int | None:
    """Returns a number of processes of a ``distribution``, None where it is not given. Raises Invalid for anything else."""
    value = settings.get(name)
    if not value:
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise Invalid(f"the hyperparameter {name} is {value!r}: give a whole number, like 2")
    return int(text) or None


def mpi_options(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the further options of mpirun. Raises Invalid for a text that holds none."""
    text = settings.get("sagemaker_mpi_custom_mpi_options") or ""
    if not isinstance(text, str):
        raise Invalid(f"the hyperparameter sagemaker_mpi_custom_mpi_options is {text!r}: give a text, like -x LEVEL=1")
    return parse_custom_options(text)


def has_mpirun() -> bool:
    return shutil.which("mpirun") is not None


def is_on(value: object) -> bool:
    return str(value).lower() == "true"


def _program(request: Request) -> Any:
    """The variable is that of images which bring their script; the toolkit reads it before the hyperparameter."""
    name = request.get("Environment", {}).get("SAGEMAKER_PROGRAM")
    return name or _value(request.get("HyperParameters", {}), "sagemaker_program")


def _value(hyperparameters: Mapping[str, str], name: str) -> Any:
    return decode_value(hyperparameters[name]) if name in hyperparameters else None


def _check_channel(source: str, channels: list[dict[str, Any]]) -> None:
    """Raises Invalid for a path that no channel of the request brings."""
    if not source.startswith("/"):
        return
    names = [channel["ChannelName"] for channel in channels]
    name = source.removeprefix(_CHANNELS).partition("/")[0]
    if not source.startswith(_CHANNELS) or ".." in source.split("/") or name not in names:
        raise Invalid(
            f"sagemaker_submit_directory {source!r} is not the folder of a channel: give an s3:// URI, or "
            f"{_CHANNELS}NAME of a channel that the request has"
        )
