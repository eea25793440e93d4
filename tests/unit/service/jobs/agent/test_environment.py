import json
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.environment import program_environment

ROOT = Path("/opt/ml")
REQUEST = {
    "HyperParameters": {"sagemaker_program": '"train.py"', "lr": "0.5", "layers": "[1, 2]", "name": '"a b"'},
    "InputDataConfig": [
        {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3Uri": "s3://naiad/x"}}},
        {"ChannelName": "my-test", "DataSource": {"S3DataSource": {"S3DataDistributionType": "ShardedByS3Key"}}},
    ],
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
    "Environment": {"MINE": "1"},
}


def test_the_variables_of_a_training_job(spec_of: Any) -> None:
    variables = program_environment(spec_of(REQUEST, index=1, instances=2), ROOT)
    assert variables["SM_MODEL_DIR"] == "/opt/ml/model"
    assert variables["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert variables["SM_CHANNEL_MY-TEST"] == variables["SM_CHANNEL_MY_TEST"] == "/opt/ml/input/data/my-test"
    assert json.loads(variables["SM_HPS"]) == {"layers": [1, 2], "lr": 0.5, "name": "a b"}
    assert json.loads(variables["SM_USER_ARGS"]) == ["--layers", "[1, 2]", "--lr", "0.5", "--name", "a b"]
    assert (variables["SM_CURRENT_HOST"], variables["MASTER_ADDR"], variables["SM_NUM_CPUS"]) == (
        "algo-2",
        "algo-1",
        "2",
    )
    assert variables["SM_MASTER_ADDR"] == "algo-1"
    assert (variables["SM_CURRENT_INSTANCE_TYPE"], variables["SM_CURRENT_INSTANCE_GROUP"]) == (
        "ml.m5.large",
        "homogeneousCluster",
    )
    assert (variables["SM_USER_ENTRY_POINT"], variables["SM_MODULE_NAME"]) == ("train.py", "train")
    assert variables["MASTER_PORT"] == variables["SM_MASTER_PORT"] == variables["PET_MASTER_PORT"] != "7777"
    assert (variables["OMP_NUM_THREADS"], variables["CUDA_VISIBLE_DEVICES"], variables["MINE"]) == ("2", "", "1")
    assert json.loads(variables["SM_TRAINING_ENV"])["channel_input_dirs"]["train"] == "/opt/ml/input/data/train"
    assert all(isinstance(value, str) for value in variables.values())


def test_the_request_does_not_change_what_the_toolkit_sets(spec_of: Any) -> None:
    own = {"SM_MODEL_DIR": "/elsewhere", "MASTER_PORT": "1", "PYTHONPATH": "/opt/ml/input/data/code"}
    script = program_environment(spec_of({**REQUEST, "Environment": own}), ROOT)
    assert (script["SM_MODEL_DIR"], script["MASTER_PORT"]) == ("/opt/ml/model", "1")
    assert script["PYTHONPATH"].split(":")[:2] == ["/opt/ml/code", "/opt/ml/input/data/code"]
    image = {"TrainingImage": "any/image", "ContainerEntrypoint": ["true"]}
    entry_point = program_environment(spec_of({"AlgorithmSpecification": image, "Environment": own}), ROOT)
    assert entry_point.items() >= own.items()


def test_a_name_that_no_variable_can_have_is_only_an_argument(spec_of: Any) -> None:
    variables = program_environment(spec_of({"HyperParameters": {"a=b": "1", "c.d-e": "2"}}), ROOT)
    assert (variables["SM_HP_A_B"], variables["SM_HP_C.D-E"], variables["SM_HP_C_D_E"]) == ("1", "2", "2")
    assert not any("=" in name for name in variables)


def test_without_namespaces_the_address_is_the_loopback(spec_of: Any, tmp_path: Path) -> None:
    variables = program_environment(spec_of(REQUEST, index=1, instances=2), tmp_path)
    assert variables["MASTER_ADDR"] == variables["SM_MASTER_ADDR"] == "127.0.0.1"
    assert json.loads(variables["SM_HOSTS"]) == ["algo-1", "algo-2"]


def test_no_variable_of_the_server_is_passed_on(spec_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example")
    monkeypatch.setenv("PIP_CERT", "/etc/roots.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy")
    variables = program_environment(spec_of(REQUEST), ROOT)
    assert "DATABASE_PASSWORD" not in variables
    assert "HTTPS_PROXY" not in variables
    assert variables["PIP_CERT"] == "/etc/roots.pem"
    assert variables["PIP_INDEX_URL"] == "https://packages.example"  # otherwise nothing could be installed


def test_the_variables_of_a_processing_job(spec_of: Any) -> None:
    request = {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}}, "ProcessingJobName": "one"}
    spec = spec_of(request, kind=JobKind.PROCESSING)
    variables = program_environment(spec, ROOT)
    assert variables["PROCESSING_JOB_NAME"] == "one"
    assert not any(name.startswith("SM_") for name in variables)


def test_a_text_that_cannot_be_a_variable_is_refused(spec_of: Any) -> None:
    with pytest.raises(Invalid, match="Environment's 'A'"):
        program_environment(spec_of({"Environment": {"A": "\ud800"}}), Path("/opt/ml"))
