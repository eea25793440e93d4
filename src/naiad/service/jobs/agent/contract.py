"""The container contract: the files under /opt/ml/input/config and the variables that a program finds."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.service.contract import packages
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.rendezvous import own_port

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def write_config(spec: InstanceSpec, ml: Path) -> None:
    packages.make_environment(ml)
    if spec.instance.kind is JobKind.PROCESSING:
        _put(ml / "config" / "processingjobconfig.json", {**spec.request, "ProcessingJobArn": spec.arn})
        _put(ml / "config" / "resourceconfig.json", _resources(spec))
        for name in ("code", "output"):
            (ml / name).mkdir(exist_ok=True)
        return
    if spec.instance.kind is JobKind.TRANSFORM:
        _put(ml / "config" / "transformjobconfig.json", spec.request)
        for name in ("code", "output", "transform/input", "transform/output"):
            (ml / name).mkdir(parents=True, exist_ok=True)
        return
    config = ml / "input" / "config"
    _put(config / "hyperparameters.json", dict(spec.request.get("HyperParameters", {})))
    _put(config / "inputdataconfig.json", _channels(spec))
    _put(config / "resourceconfig.json", _resources(spec))
    for name in ("model", "code", "output/data", "checkpoints", "input/data", "output/intermediate"):
        (ml / name).mkdir(parents=True, exist_ok=True)


def environment(spec: InstanceSpec, root: Path) -> dict[str, str]:
    """Clean: nothing of the server's own is in it. Raises Invalid for what no variable can be."""
    for name, value in spec.request.get("Environment", {}).items():
        _check_text(f"{name}{value}", at=f"Environment's {name!r}")
    values = {
        **packages.variables(root),
        **packages.of_pip(),
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
        **dict.fromkeys(_THREADS, str(len(spec.cpus))),
    }
    if spec.instance.kind is JobKind.TRAINING:
        values |= _training_variables(spec, root)
    elif spec.instance.kind is JobKind.TRANSFORM:
        values |= _transform_variables(spec, root)
    else:
        values |= {"PROCESSING_JOB_NAME": spec.instance.job_name, "PROCESSING_JOB_ARN": spec.arn}
    return {**values, **spec.request.get("Environment", {})}


def _transform_variables(spec: InstanceSpec, root: Path) -> dict[str, str]:
    """SageMaker's own of a batch, and the model's."""
    return {
        "NAIAD_ML": str(root),
        "SM_MODEL_DIR": str(root / "model"),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": spec.request.get("BatchStrategy", "MultiRecord"),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(spec.request.get("MaxPayloadInMB", 6)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(spec.request.get("MaxConcurrentTransforms", 1)),
        **spec.request["Container"].get("Environment", {}),
    }


def decoded(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Values as they are meant: SDK 2 writes them as JSON, others as plain text. Raises Invalid for what no argument can be."""
    values = {name: _value(text) for name, text in hyperparameters.items()}
    for name, value in values.items():
        _check_text(f"{name}{_text(value)}", at=f"the hyperparameter {name!r}")
    return values


def user_hyperparameters(spec: InstanceSpec) -> dict[str, Any]:
    given = decoded(spec.request.get("HyperParameters", {}))
    return {name: given[name] for name in sorted(given) if not name.startswith("sagemaker_")}


def framework_hyperparameters(spec: InstanceSpec) -> dict[str, Any]:
    """Those of SageMaker's own, which the script is not given as arguments."""
    given = decoded(spec.request.get("HyperParameters", {}))
    return {name: given[name] for name in sorted(given) if name.startswith("sagemaker_")}


def user_arguments(values: Mapping[str, Any]) -> list[str]:
    """``--name value`` each, as the toolkit gives them."""
    pairs = ((f"--{name}" if len(name) > 1 else f"-{name}", _text(value)) for name, value in values.items())
    return [part for pair in pairs for part in pair]


def _training_variables(spec: InstanceSpec, root: Path) -> dict[str, str]:
    values = user_hyperparameters(spec)
    channels = [channel["ChannelName"] for channel in spec.request.get("InputDataConfig", ())]
    resources = _resources(spec)
    master, port = meeting_place(spec, root)
    given = {
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
        "SM_HPS": json.dumps(values),
        "SM_USER_ARGS": json.dumps(user_arguments(values)),
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
        "SM_INPUT_DATA_CONFIG": json.dumps(_channels(spec)),
        "SM_TRAINING_ENV": json.dumps(_training_env(spec, root, channels)),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_FRAMEWORK_MODULE": "naiad",
        "SM_MASTER_ADDR": master,
        "SM_MASTER_PORT": port,
        "MASTER_ADDR": master,
        "MASTER_PORT": port,
        "PET_MASTER_PORT": port,  # torchrun's, where its command line names none
        **{f"SM_CHANNEL_{_variable(name)}": root / "input" / "data" / name for name in channels},
        **{f"SM_HP_{_variable(name)}": _text(value) for name, value in values.items()},
    }
    return {name: str(value) for name, value in given.items()}


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
        "resource_config": _resources(spec),
    }


def meeting_place(spec: InstanceSpec, root: Path) -> tuple[str, int]:
    """(address, port) of the first host, whose name is known only where ``root`` is /opt/ml, in namespaces."""
    return spec.hosts[0] if root == Path("/opt/ml") else "127.0.0.1", own_port(spec.instance.job_name)


def _resources(spec: InstanceSpec) -> dict[str, Any]:
    asked = spec.request.get("ResourceConfig") or spec.request.get("ProcessingResources", {}).get("ClusterConfig", {})
    kind = asked.get("InstanceType", "local")
    return {
        "current_host": spec.instance.host,
        "current_instance_type": kind,
        "current_group_name": "homogeneousCluster",
        "hosts": list(spec.hosts),
        "instance_groups": [
            {"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": list(spec.hosts)}
        ],
        "network_interface_name": "lo",
    }


def _channels(spec: InstanceSpec) -> dict[str, Any]:
    found = {}
    for channel in spec.request.get("InputDataConfig", ()):
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        found[channel["ChannelName"]] = {
            "TrainingInputMode": "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _check_text(text: str, *, at: str) -> None:
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise Invalid(f"{at} is no text that UTF-8 can say: {error.reason}") from error
    if "\0" in text:
        raise Invalid(f"{at} has a NUL character, which no program can be given")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)


def _variable(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()


def _put(path: Path, values: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, default=str), encoding="utf-8")
