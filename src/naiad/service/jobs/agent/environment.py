"""The environment variables of a program, as SageMaker's container contract has them."""

import json
from pathlib import Path
from typing import Any

from naiad.service.contract import virtual_environment
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.config_files import input_data_config, resource_config
from naiad.service.jobs.agent.hyperparameters import (
    check_program_text,
    command_line_arguments,
    framework_hyperparameters,
    text_of,
    user_hyperparameters,
)
from naiad.service.jobs.rendezvous import rendezvous_address

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


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
    if spec.instance.kind is JobKind.TRAINING:
        variables |= _training_variables(spec, root)
    elif spec.instance.kind is JobKind.TRANSFORM:
        variables |= _transform_variables(spec, root)
    else:
        variables |= {"PROCESSING_JOB_NAME": spec.instance.job_name, "PROCESSING_JOB_ARN": spec.arn}
    return {**variables, **spec.request.get("Environment", {})}


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
    hyperparameters = user_hyperparameters(spec)
    channels = [channel["ChannelName"] for channel in spec.request.get("InputDataConfig", ())]
    resources = resource_config(spec)
    address, port = rendezvous_address(spec, root)
    variables = {
        "TRAINING_JOB_NAME": spec.instance.job_name,
        "TRAINING_JOB_ARN": spec.arn,
        "SM_MODEL_DIR": root / "model",
        "SM_INPUT_DIR": root / "input",
        "SM_INPUT_CONFIG_DIR": root / "input" / "config",
        "SM_OUTPUT_DIR": root / "output",
        "SM_OUTPUT_DATA_DIR": root / "output" / "data",
        "SM_OUTPUT_INTERMEDIATE_DIR": root / "output" / "intermediate",
        "SM_CHECKPOINT_DIR": root / "checkpoints",
        "SM_CHANNELS": json.dumps(channels),
        "SM_HPS": json.dumps(hyperparameters),
        "SM_USER_ARGS": json.dumps(command_line_arguments(hyperparameters)),
        "SM_HOSTS": json.dumps(spec.hosts),
        "SM_CURRENT_HOST": spec.instance.host,
        "SM_CURRENT_INSTANCE_TYPE": resources["current_instance_type"],
        "SM_CURRENT_INSTANCE_GROUP": resources["current_group_name"],
        "SM_FRAMEWORK_PARAMS": json.dumps(framework_hyperparameters(spec)),
        "SM_NUM_CPUS": len(spec.cpus),
        "SM_NUM_GPUS": len(spec.gpus),
        "SM_NUM_NEURONS": 0,
        "SM_LOG_LEVEL": 20,
        "SM_RESOURCE_CONFIG": json.dumps(resources),
        "SM_INPUT_DATA_CONFIG": json.dumps(input_data_config(spec)),
        "SM_TRAINING_ENV": json.dumps(_training_env(spec, root, channels)),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_FRAMEWORK_MODULE": "naiad",
        "SM_MASTER_ADDR": address,
        "SM_MASTER_PORT": port,
        "MASTER_ADDR": address,
        "MASTER_PORT": port,
        "PET_MASTER_PORT": port,  # torchrun uses it when its command line has no port
        **{f"SM_CHANNEL_{_variable_name(name)}": root / "input" / "data" / name for name in channels},
        **{f"SM_HP_{_variable_name(name)}": text_of(value) for name, value in hyperparameters.items()},
    }
    return {name: str(value) for name, value in variables.items()}


def _training_env(spec: InstanceSpec, root: Path, channels: list[str]) -> dict[str, Any]:
    return {
        "job_name": spec.instance.job_name,
        "hyperparameters": user_hyperparameters(spec),
        "channel_input_dirs": {name: str(root / "input" / "data" / name) for name in channels},
        "hosts": list(spec.hosts),
        "current_host": spec.instance.host,
        "model_dir": str(root / "model"),
        "output_data_dir": str(root / "output" / "data"),
        "num_cpus": len(spec.cpus),
        "num_gpus": len(spec.gpus),
        "resource_config": resource_config(spec),
    }


def _variable_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()
