"""The environment variables of a program, as SageMaker's container contract has them."""

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

from naiad.service.contract import virtual_environment
from naiad.service.contract.request_checks import check_program_text
from naiad.service.contract.training_toolkit import toolkit_variables, training_properties
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.config_files import input_data_config, resource_config
from naiad.service.jobs.agent.hyperparameters import all_hyperparameters
from naiad.service.jobs.agent.mpi.mpirun import mpi_variables
from naiad.service.jobs.rendezvous import rendezvous_address
from naiad.service.jobs.script_request import has_mpirun, is_script_mode

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


_JOB_MODULES = Path(__file__).parent / "job_modules"
"""The folder of the modules that a job finds when neither the server nor the job has them: ``sagemaker_training``."""


def module_path(spec: InstanceSpec, root: Path) -> str:
    """Returns PYTHONPATH: the source, what the request adds, the job's own packages, and what stands in for the toolkit.

    An entry point has that of the request, if there is one.
    """
    own = virtual_environment.environment_variables(root)["PYTHONPATH"]
    added: str = spec.request.get("Environment", {}).get("PYTHONPATH", "")
    if spec.instance.kind is not JobKind.TRAINING:
        return added or own
    has_toolkit = importlib.util.find_spec("sagemaker_training") is not None
    paths: tuple[str, ...] = (own, "" if has_toolkit else str(_JOB_MODULES))
    if is_script_mode(spec.request):
        paths = (str(root / "code"), added, *paths)
    elif added:
        return added
    return ":".join(filter(None, paths))


def program_environment(spec: InstanceSpec, root: Path) -> dict[str, str]:
    """Returns all variables of the program; none of the server's own is among them. ``root`` is where it sees /opt/ml.

    Raises Invalid for a text that cannot be a variable.
    """
    for name, value in spec.request.get("Environment", {}).items():
        check_program_text(f"{name}{value}", at=f"Environment's {name!r}")
    variables = {
        **virtual_environment.environment_variables(root),
        **virtual_environment.pip_settings(),
        "HOME": "/tmp",  # noqa: S108  # reason: the program's own
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "AWS_ENDPOINT_URL": spec.endpoint_url,
        "AWS_ACCESS_KEY_ID": spec.access_key,
        "AWS_SECRET_ACCESS_KEY": spec.secret_key,
        "AWS_REGION": spec.region,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, spec.gpus)),
        **dict.fromkeys(_THREAD_VARIABLES, str(len(spec.cpus))),
    }
    toolkit: dict[str, str] = {}
    if spec.instance.kind is JobKind.TRAINING:
        toolkit = _toolkit_variables(spec, root)
        variables |= _training_variables(spec, root) | toolkit
    elif spec.instance.kind is JobKind.TRANSFORM:
        variables |= _transform_variables(spec, root)
    else:
        variables |= {"PROCESSING_JOB_NAME": spec.instance.job_name, "PROCESSING_JOB_ARN": spec.arn}
    variables |= spec.request.get("Environment", {})
    if spec.instance.kind is JobKind.TRAINING and is_script_mode(spec.request):
        variables |= toolkit
    return variables | {"PYTHONPATH": module_path(spec, root)}


def _transform_variables(spec: InstanceSpec, root: Path) -> dict[str, str]:
    """Returns SageMaker's variables of a transform job, and those of the model's container definition."""
    return {
        "NAIAD_ML": str(root),
        "SM_MODEL_DIR": str(root / "model"),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": spec.request.get("BatchStrategy", "MultiRecord"),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(spec.request.get("MaxPayloadInMB", 6)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(spec.request.get("MaxConcurrentTransforms", 1)),
        **spec.request["Container"].get("Environment", {}),
    }


def _training_variables(spec: InstanceSpec, root: Path) -> dict[str, str]:
    address, port = (str(part) for part in rendezvous_address(spec, root))
    return {
        "TRAINING_JOB_NAME": spec.instance.job_name,
        "TRAINING_JOB_ARN": spec.arn,
        "SM_CHECKPOINT_DIR": str(root / "checkpoints"),
        "SM_MASTER_ADDR": address,
        "SM_MASTER_PORT": port,
        "MASTER_ADDR": address,
        "MASTER_PORT": port,
        "PET_MASTER_PORT": port,  # torchrun uses it when its command line has no port
        **(mpi_variables() if has_mpirun() else {}),
    }


def _toolkit_variables(spec: InstanceSpec, root: Path) -> dict[str, str]:
    """Returns the variables of SageMaker's training toolkit. It sets them over those of the request."""
    values = all_hyperparameters(spec)
    properties = training_properties(
        values,
        resource_config(spec),
        input_data_config(spec),
        root=str(root),
        devices={"num_cpus": len(spec.cpus), "num_gpus": len(spec.gpus)},
        variables={**spec.request.get("Environment", {}), "TRAINING_JOB_NAME": spec.instance.job_name},
    )
    variables = {
        **toolkit_variables(properties),
        "CURRENT_HOST": spec.instance.host,
        "SAGEMAKER_JOB_NAME": str(values.get("sagemaker_job_name", "")),
        "SAGEMAKER_REGION": str(values.get("sagemaker_region", spec.region)),
    }
    return _names_for_shells(variables) | {name: text for name, text in variables.items() if "=" not in name}


def _names_for_shells(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns variables such as SM_HP_LEARNING-RATE once more under a name that a shell can read, as SDK 3 has them."""
    return {re.sub(r"\W", "_", name): text for name, text in variables.items() if name.isascii()}
