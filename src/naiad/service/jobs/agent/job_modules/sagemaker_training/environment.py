"""The environment of a training job: its folders, its configuration files, and all that follows from them."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from naiad.service.contract.training_toolkit import (
    command_line_arguments,
    decode_value,
    toolkit_variables,
    training_properties,
)

BASE_PATH_ENV = "SAGEMAKER_BASE_DIR"
SAGEMAKER_BASE_PATH = "/opt/ml"
_FOLDERS = {
    "base_dir": "",
    "code_dir": "code",
    "model_dir": "model",
    "input_dir": "input",
    "input_config_dir": "input/config",
    "output_dir": "output",
    "output_data_dir": "output/data",
    "output_intermediate_dir": "output/intermediate",
    "hyperparameters_file_dir": "input/config/hyperparameters.json",
    "resource_config_file_dir": "input/config/resourceconfig.json",
    "input_data_config_file_dir": "input/config/inputdataconfig.json",
}


def __getattr__(name: str) -> str:
    """Returns a path: ``environment.model_dir`` and the other names of ``_FOLDERS``."""
    if name not in _FOLDERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return os.path.join(_base_dir(), _FOLDERS[name]).rstrip("/")  # noqa: PTH118  # reason: the toolkit's values are texts


def read_hyperparameters() -> dict[str, Any]:
    return {name: decode_value(text) for name, text in _read_config("hyperparameters.json").items()}


def read_resource_config() -> dict[str, Any]:
    return _read_config("resourceconfig.json")


def read_input_data_config() -> dict[str, Any]:
    return _read_config("inputdataconfig.json")


def channel_path(channel: str) -> str:
    return f"{_base_dir()}/input/data/{channel}"


def num_cpus() -> int:
    return int(os.environ.get("SM_NUM_CPUS", os.cpu_count() or 1))


def num_gpus() -> int:
    return int(os.environ.get("SM_NUM_GPUS", "0"))


class Environment(Mapping[str, Any]):
    """The properties of the job as attributes and as items, such as ``Environment().hosts`` and ``Environment()["hosts"]``."""

    def __init__(
        self,
        resource_config: Mapping[str, Any] | None = None,
        input_data_config: Mapping[str, Any] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        values = hyperparameters or read_hyperparameters()
        self._s3_output = values.get("sagemaker_s3_output")
        self._properties = training_properties(
            values,
            resource_config or read_resource_config(),
            input_data_config or read_input_data_config(),
            root=_base_dir(),
            devices={"num_cpus": num_cpus(), "num_gpus": num_gpus()},
            variables=os.environ,
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._properties:
            raise AttributeError(f"the environment of a job has no {name!r}")
        return self._properties[name]

    def __getitem__(self, name: str) -> Any:
        return self._properties[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)

    def properties(self) -> list[str]:
        return list(self._properties)

    def sagemaker_s3_output(self) -> str | None:
        return self._s3_output

    def to_cmd_args(self) -> list[str]:
        return command_line_arguments(self._properties["hyperparameters"])

    def to_env_vars(self) -> dict[str, str]:
        return toolkit_variables(self._properties)


def write_env_vars(env_vars: Mapping[str, str] | None = None) -> None:
    """Sets variables of this process."""
    os.environ.update(env_vars or {})


def _base_dir() -> str:
    return os.environ.get(BASE_PATH_ENV, SAGEMAKER_BASE_PATH)


def _read_config(name: str) -> dict[str, Any]:
    with open(f"{_base_dir()}/input/config/{name}", encoding="utf-8") as file:  # noqa: PTH123  # reason: as above
        content: dict[str, Any] = json.load(file)
    return content
