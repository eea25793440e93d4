import json
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.contract import decoded, environment, user_arguments, write_config

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


def test_the_files_under_input_config(spec_of: Any, tmp_path: Path) -> None:
    write_config(spec_of(REQUEST, index=1, instances=2), tmp_path)
    read = {path.name: json.loads(path.read_text()) for path in (tmp_path / "input" / "config").iterdir()}
    assert read["hyperparameters.json"] == REQUEST["HyperParameters"]
    assert read["inputdataconfig.json"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert read["resourceconfig.json"]["current_host"] == "algo-2"
    assert read["resourceconfig.json"]["hosts"] == ["algo-1", "algo-2"]
    assert all((tmp_path / name).is_dir() for name in ("model", "code", "output/data", "checkpoints", "input/data"))


def test_the_variables_of_a_training_job(spec_of: Any) -> None:
    found = environment(spec_of(REQUEST, index=1, instances=2), ROOT)
    assert found["SM_MODEL_DIR"] == "/opt/ml/model"
    assert found["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert found["SM_CHANNEL_MY_TEST"] == "/opt/ml/input/data/my-test"
    assert json.loads(found["SM_HPS"]) == {"layers": [1, 2], "lr": 0.5, "name": "a b"}
    assert json.loads(found["SM_USER_ARGS"]) == ["--layers", "[1, 2]", "--lr", "0.5", "--name", "a b"]
    assert (found["SM_CURRENT_HOST"], found["MASTER_ADDR"], found["SM_NUM_CPUS"]) == ("algo-2", "algo-1", "2")
    assert found["SM_MASTER_ADDR"] == "algo-1"
    assert (found["SM_CURRENT_INSTANCE_TYPE"], found["SM_CURRENT_INSTANCE_GROUP"]) == (
        "ml.m5.large",
        "homogeneousCluster",
    )
    assert json.loads(found["SM_FRAMEWORK_PARAMS"]) == {"sagemaker_program": "train.py"}
    assert found["MASTER_PORT"] == found["SM_MASTER_PORT"] == found["PET_MASTER_PORT"] != "7777"
    assert (found["OMP_NUM_THREADS"], found["CUDA_VISIBLE_DEVICES"], found["MINE"]) == ("2", "", "1")
    assert json.loads(found["SM_TRAINING_ENV"])["channel_input_dirs"]["train"] == "/opt/ml/input/data/train"
    assert all(isinstance(value, str) for value in found.values())


def test_without_namespaces_the_names_of_hosts_lead_nowhere(spec_of: Any, tmp_path: Path) -> None:
    found = environment(spec_of(REQUEST, index=1, instances=2), tmp_path)
    assert found["MASTER_ADDR"] == found["SM_MASTER_ADDR"] == "127.0.0.1"
    assert json.loads(found["SM_HOSTS"]) == ["algo-1", "algo-2"]


def test_nothing_of_the_servers_is_in_it(spec_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example")
    monkeypatch.setenv("PIP_CERT", "/etc/roots.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy")
    found = environment(spec_of(REQUEST), ROOT)
    assert "DATABASE_PASSWORD" not in found
    assert "HTTPS_PROXY" not in found
    assert found["PIP_CERT"] == "/etc/roots.pem"
    assert found["PIP_INDEX_URL"] == "https://packages.example"  # or nothing could be installed


def test_a_processing_job_has_its_own(spec_of: Any, tmp_path: Path) -> None:
    request = {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}}, "ProcessingJobName": "one"}
    spec = spec_of(request, kind=JobKind.PROCESSING)
    write_config(spec, tmp_path)
    assert json.loads((tmp_path / "config" / "processingjobconfig.json").read_text())["ProcessingJobName"] == "one"
    found = environment(spec, ROOT)
    assert found["PROCESSING_JOB_NAME"] == "one"
    assert not any(name.startswith("SM_") for name in found)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ('"1"', "1"), ("true", True), ("[1]", [1]), ("adam", "adam"), ("", ""), ("1e-3", 0.001)],
)
def test_values_are_json_or_else_text(text: str, value: object) -> None:
    assert decoded({"x": text}) == {"x": value}


def test_arguments() -> None:
    assert user_arguments({"b": 1, "long": "x y", "list": [1]}) == ["-b", "1", "--long", "x y", "--list", "[1]"]


@pytest.mark.parametrize("given", [{"lr": '"a\\u0000b"'}, {"lr": "a\0b"}, {"a\0b": "1"}, {"lr": '"\\ud800"'}])
def test_what_no_argument_can_be_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="the hyperparameter"):
        decoded(given)


def test_what_no_variable_can_be_is_refused(spec_of: Any) -> None:
    with pytest.raises(Invalid, match="Environment's 'A'"):
        environment(spec_of({"Environment": {"A": "\ud800"}}), Path("/opt/ml"))


def test_text_that_only_begins_as_json_is_text() -> None:
    assert decoded({"a": "[" * 2000, "b": "{", "c": "1e", "d": "null"}) == {
        "a": "[" * 2000,
        "b": "{",
        "c": "1e",
        "d": None,
    }
