"""SageMaker's training toolkit without its processes: the values, arguments and variables of a job's configuration.

The rules are those of ``sagemaker-training`` on PyPI, and ``tests/wire/compare_toolkit.py`` compares both. Pure functions: the
agent calls them with the request, and the module ``sagemaker_training`` in a job with the files below /opt/ml.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

SAGEMAKER_PREFIX = "sagemaker_"
"""Beginning of the hyperparameters that are for the toolkit, and not for the script."""
TOOLKIT_NAMES = (
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "default_user_module_name",
    "_tuning_objective_metric",
    "sagemaker_s3_output",
)
"""Hyperparameters that the toolkit reads itself. Others with its prefix are the framework's."""
_DISTRIBUTIONS = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    "sagemaker_torch_distributed_enabled",
)
_LOG_LEVEL_INFO = 20


def decode_value(text: str) -> Any:
    """Returns the value of a hyperparameter: SDK 2 writes it as JSON, other clients as plain text."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def user_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the hyperparameters of the script."""
    return {name: value for name, value in values.items() if not _is_for_toolkit(name)}


def framework_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns SageMaker's hyperparameters for a framework, such as those of a distribution."""
    return {name: value for name, value in values.items() if _is_for_toolkit(name) and name not in TOOLKIT_NAMES}


def command_line_arguments(values: Mapping[str, Any]) -> list[str]:
    """Returns ``--name value`` for each value, sorted by name. A mapping becomes ``key=value,key=value``, and None nothing."""
    return [word for name in sorted(values) for word in (_option(name), argument_text(values[name]))]


def argument_text(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)


def variable_text(value: Any) -> str:
    """Returns a text as it is, nothing for None, and JSON without blanks for everything else."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def training_properties(
    values: Mapping[str, Any],
    resources: Mapping[str, Any],
    channels: Mapping[str, Any],
    *,
    root: str,
    devices: Mapping[str, int],
    variables: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the properties of the toolkit's ``Environment``, sorted by name.

    ``resources`` and ``channels`` are the contents of resourceconfig.json and inputdataconfig.json. ``devices`` has ``num_cpus``
    and ``num_gpus``. ``variables`` are those of the toolkit's own process.
    """
    program = variables.get("SAGEMAKER_PROGRAM") or values.get("sagemaker_program")
    mp_parameters = variables.get("SM_HP_MP_PARAMETERS")
    properties = {
        "additional_framework_parameters": framework_values(values),
        "channel_input_dirs": {name: f"{root}/input/data/{name}" for name in channels},
        "current_host": resources["current_host"],
        "current_instance_type": resources.get("current_instance_type", "local"),
        "framework_module": variables.get("SAGEMAKER_TRAINING_MODULE"),
        "hosts": list(resources["hosts"]),
        "hyperparameters": user_values(values),
        "input_config_dir": f"{root}/input/config",
        "input_data_config": dict(channels),
        "input_dir": f"{root}/input",
        "is_modelparallel_enabled": mp_parameters and mp_parameters != "{}",
        "is_smddpmprun_installed": False,
        "is_smddprun_installed": False,
        "job_name": variables.get("TRAINING_JOB_NAME"),
        "log_level": values.get("sagemaker_container_log_level", _LOG_LEVEL_INFO),
        "model_dir": f"{root}/model",
        "module_dir": str(values.get("sagemaker_submit_directory", f"{root}/code")),
        "module_name": None if program is None else str(program).removesuffix(".py"),
        "network_interface_name": resources.get("network_interface_name", "eth0"),
        "num_neurons": 0,
        "output_data_dir": f"{root}/output/data",
        "output_dir": f"{root}/output",
        "output_intermediate_dir": f"{root}/output/intermediate",
        "resource_config": dict(resources),
        "topology": resources.get("topology", []),
        "user_entry_point": program,
        **devices,
        **_groups(resources, framework_values(values)),
    }
    return dict(sorted(properties.items()))


def toolkit_variables(properties: Mapping[str, Any]) -> dict[str, str]:
    """Returns the variables that the toolkit sets for a script: ``SM_`` and the name in capitals, whatever its letters are."""
    own = ("additional_framework_parameters", "channel_input_dirs", "hyperparameters", "topology")
    not_set = ("distribution_hosts", "is_master", "job_name", "master_hostname")
    values = {
        name: value
        for name, value in properties.items()
        if name not in (*own, *not_set) and not name.startswith(("is_smdd", "is_modelparallel"))
    }
    values |= {
        "channels": sorted(properties["channel_input_dirs"]),
        "framework_params": properties["additional_framework_parameters"],
        "hps": properties["hyperparameters"],
        "training_env": dict(properties),
        "user_args": command_line_arguments(properties["hyperparameters"]),
        **({"topology": properties["topology"]} if properties["topology"] else {}),
        **{f"channel_{name}": path for name, path in properties["channel_input_dirs"].items()},
        **{f"hp_{name}": value for name, value in properties["hyperparameters"].items()},
    }
    return {f"SM_{name.upper()}": variable_text(value) for name, value in values.items()}


def _is_for_toolkit(name: str) -> bool:
    return name.startswith(SAGEMAKER_PREFIX) or name in TOOLKIT_NAMES


def _option(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}" if name else ""


def _groups(resources: Mapping[str, Any], framework: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the properties about groups of instances, and the first host among those of the distribution."""
    current = resources.get("current_group_name", "homogeneousCluster")
    groups: Sequence[Mapping[str, Any]] = resources.get("instance_groups", [])
    is_distributed = any(framework.get(name, False) for name in _DISTRIBUTIONS)
    chosen = framework.get("sagemaker_distribution_instance_groups", [current] if is_distributed else [])
    hosts_of = {group["instance_group_name"]: list(group["hosts"]) for group in groups}
    hosts = [host for name, members in hosts_of.items() if name in chosen for host in members]
    hosts = hosts if groups else list(resources["hosts"])
    first = (hosts or resources["hosts"])[0]
    return {
        "current_instance_group": current,
        "current_instance_group_hosts": hosts_of.get(current, []),
        "distribution_hosts": hosts,
        "distribution_instance_groups": chosen,
        "instance_groups": list(hosts_of),
        "instance_groups_dict": {group["instance_group_name"]: dict(group) for group in groups},
        "is_hetero": len(hosts_of) > 1,
        "is_master": resources["current_host"] == first,
        "master_hostname": first,
    }
