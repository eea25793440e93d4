import json
from typing import Any

import pytest

from naiad.service.contract.training_toolkit import (
    command_line_arguments,
    decode_value,
    toolkit_variables,
    training_properties,
    variable_text,
)

RESOURCES = {
    "current_host": "algo-2",
    "current_instance_type": "ml.m5.large",
    "current_group_name": "workers",
    "hosts": ["algo-1", "algo-2"],
    "instance_groups": [
        {"instance_group_name": "first", "instance_type": "ml.m5.large", "hosts": ["algo-1"]},
        {"instance_group_name": "workers", "instance_type": "ml.m5.large", "hosts": ["algo-2"]},
    ],
    "network_interface_name": "lo",
}


def properties(values: dict[str, Any], **variables: str) -> dict[str, Any]:
    devices = {"num_cpus": 2, "num_gpus": 0}
    channels = {"train": {}, "my-test": {}}
    return training_properties(values, RESOURCES, channels, root="/opt/ml", devices=devices, variables=variables)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ('"1"', "1"),
        ("true", True),
        ("[1]", [1]),
        ("adam", "adam"),
        ("", ""),
        ("1e-3", 0.001),
        ("None", "None"),
    ],
)
def test_a_value_is_json_or_plain_text(text: str, value: object) -> None:
    assert decode_value(text) == value


@pytest.mark.parametrize(
    ("value", "argument", "variable"),
    [
        (True, "True", "true"),
        (None, "", ""),
        (1e-05, "1e-05", "1e-05"),
        (["a", 1], "['a', 1]", '["a",1]'),
        ({"b": 1, "a": None}, "a=None,b=1", '{"a":null,"b":1}'),
        ("ü b", "ü b", "ü b"),
        (["ü"], "['ü']", '["\\u00fc"]'),
    ],
)
def test_a_value_as_an_argument_and_as_a_variable(value: object, argument: str, variable: str) -> None:
    assert command_line_arguments({"x-y": value, "a": 1}) == ["-a", "1", "--x-y", argument]
    assert variable_text(value) == variable


def test_names_keep_their_letters() -> None:
    variables = toolkit_variables(properties({"learning-rate": 1, "a.b": 2}))
    assert (variables["SM_HP_LEARNING-RATE"], variables["SM_HP_A.B"]) == ("1", "2")
    assert variables["SM_CHANNEL_MY-TEST"] == "/opt/ml/input/data/my-test"
    assert variables["SM_CHANNELS"] == '["my-test","train"]'


def test_hyperparameters_of_the_toolkit_are_not_those_of_the_script() -> None:
    values = {"lr": 1, "sagemaker_program": "sub/train.py", "_tuning_objective_metric": "loss", "sagemaker_x": [1]}
    variables = toolkit_variables(properties(values))
    assert variables["SM_HPS"] == '{"lr":1}'
    assert variables["SM_FRAMEWORK_PARAMS"] == '{"sagemaker_x":[1]}'
    assert (variables["SM_MODULE_NAME"], variables["SM_USER_ENTRY_POINT"]) == ("sub/train", "sub/train.py")


def test_variables_of_the_image_come_before_hyperparameters() -> None:
    values = properties({"sagemaker_program": "a.py"}, SAGEMAKER_PROGRAM="b.py", SAGEMAKER_TRAINING_MODULE="m:main")
    assert (values["user_entry_point"], values["framework_module"]) == ("b.py", "m:main")


def test_groups_of_instances() -> None:
    variables = toolkit_variables(properties({}))
    assert variables["SM_CURRENT_INSTANCE_GROUP_HOSTS"] == '["algo-2"]'
    assert (variables["SM_INSTANCE_GROUPS"], variables["SM_IS_HETERO"]) == ('["first","workers"]', "true")
    env = json.loads(variables["SM_TRAINING_ENV"])
    assert (env["is_master"], env["master_hostname"], env["distribution_hosts"]) == (False, "algo-1", [])
    chosen = properties({"sagemaker_mpi_enabled": True})
    assert (chosen["is_master"], chosen["distribution_instance_groups"]) == (True, ["workers"])
