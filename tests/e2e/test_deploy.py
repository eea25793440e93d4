"""Tests of deployments from the command line, a connection and a model: an endpoint answers as the model does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import naiad
from naiad.cli.main import main
from naiad.client.connection import Connection
from naiad.client.job import JobHandle
from naiad.errors import InputError, NaiadError
from naiad.trainer.loop.progress import SilentProgress

DOUBLES = """
import json, os

def model_fn(folder):
    return float(os.environ["FACTOR"])

def transform_fn(model, body, content_type, accept):
    return json.dumps([model * value for value in json.loads(body)])
"""
BROKEN = "def model_fn(folder):\n    raise OSError('no weights')\n"


@pytest.fixture(scope="module")
def connection(shared_server: Any) -> Connection:
    return naiad.connect(state=shared_server.state)


@pytest.fixture
def server_address(shared_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the command line find the shared server."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NAIAD_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(shared_server.state))


@pytest.fixture(scope="module")
def home(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``photos`` and ``run``. Deployments write engines.json into ``run``, and nothing else."""
    return Path(shutil.copytree(_trained, tmp_path_factory.mktemp("deployed") / "home"))


@pytest.fixture(scope="module")
def photos(connection: Connection, home: Path) -> str:
    connection.deploy(home / "run", "photos", tags={"team": "vision"})
    return "photos"


def script(folder: Path, text: str) -> Path:
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "inference.py").write_text(text)
    return folder


def assert_same(predictions: Any, expected: naiad.Predictions) -> None:
    if expected.labels.dtype.kind == "f":
        np.testing.assert_allclose(predictions.labels, expected.labels, rtol=1e-3, atol=1e-4)
    else:
        assert predictions.labels.tolist() == expected.labels.tolist()
    assert predictions.labels.dtype == expected.labels.dtype
    assert (predictions.scores.shape, predictions.scores.dtype) == (expected.scores.shape, expected.scores.dtype)
    np.testing.assert_allclose(predictions.scores, expected.scores, rtol=1e-3, atol=1e-4)


def test_images_in_every_form_are_predicted_as_by_the_model(connection: Connection, photos: str, home: Path) -> None:
    model, endpoint = naiad.load(home / "run"), connection.endpoint(photos)
    pixels_NCHW = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
    files = [home / "photos" / "cat" / "1.png", str(home / "photos" / "dog" / "2.png")]
    pictures = [Image.fromarray(pixels_NCHW[0, 0]), files[0], pixels_NCHW[1]]
    for inputs in (pixels_NCHW, pixels_NCHW[0], pixels_NCHW[:, 0] / 255, files, files[0], pictures, model.samples):
        assert_same(endpoint.predict(inputs), model.predict(inputs))


def test_input_that_does_not_fit_is_refused_with_the_servers_message(connection: Connection, photos: str) -> None:
    with pytest.raises(InputError, match=r"the shape \(2, 3\); this model takes \(N, 1, 8, 8\)"):
        connection.endpoint(photos).predict(np.zeros((2, 3), dtype=np.uint8))


def test_a_table_with_texts_dates_and_missing_cells(connection: Connection, tmp_path: Path) -> None:
    """The task is regression, so labels are values."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": random.normal(size=120),
            "kind": random.choice(["a", "b", "c"], 120),
            "built": pd.date_range("2001-01-01", periods=120, freq="17D"),
        }
    )
    price = table["size"] * 3 + (table["kind"] == "a")
    table.loc[5, "size"] = np.nan
    table.assign(price=price).to_csv(tmp_path / "houses.csv", index=False)
    model = naiad.fit(
        "mlp",
        tmp_path / "houses.csv",
        label="price",
        epochs=1,
        out=tmp_path / "run",
        report=False,
        progress=SilentProgress(),
    )
    endpoint = connection.deploy(model, "houses")
    head = table.head(8)
    head.to_csv(tmp_path / "head.csv", index=False)
    expected = model.predict(head)
    for inputs in (head, head.to_dict(orient="records"), head.to_dict(orient="list"), tmp_path / "head.csv"):
        assert_same(endpoint.predict(inputs), expected)


@pytest.mark.usefixtures("server_address")
def test_a_model_deploys_itself(home: Path) -> None:
    endpoint = naiad.load(home / "run").deploy("itself", min_replicas=0, max_replicas=2)
    (variant,) = endpoint.describe()["ProductionVariants"]
    assert variant["ManagedInstanceScaling"] == {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    assert any("engine chosen" in line for line in endpoint.logs())
    endpoint.delete()


def test_an_artifacts_folder_gets_the_engine_table_and_stays_the_same_artifact(
    connection: Connection, home: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(home / "run", tmp_path / "run", ignore=shutil.ignore_patterns("engines.json"))

    def archive() -> str:
        endpoint = connection.deploy(run, "noted")
        sagemaker = connection.client("sagemaker")
        (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint.describe()["EndpointConfigName"])[
            "ProductionVariants"
        ]
        return str(sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]["ModelDataUrl"])

    first = archive()
    table = json.loads((run / "engines.json").read_text())
    assert table["chosen"] in [row["engine"] for row in table["rows"] if row["agrees"]]
    assert_same(
        naiad.load(run).predict(naiad.load(run).samples), naiad.load(home / "run").predict(naiad.load(run).samples)
    )
    assert archive() == first
    connection.endpoint("noted").delete()


def test_a_script_is_updated_and_a_broken_update_is_rolled_back(connection: Connection, tmp_path: Path) -> None:
    code = script(tmp_path / "doubles", DOUBLES)
    endpoint = connection.deploy(code, "doubles", environment={"FACTOR": "2"})
    assert json.loads(endpoint.invoke(b"[1, 2]")) == [2, 4]
    connection.deploy(code, "doubles", environment={"FACTOR": "3"})
    assert json.loads(endpoint.invoke(b"[1, 2]")) == [3, 6]
    with pytest.raises(NaiadError, match="was taken back: OSError: no weights"):
        connection.deploy(script(tmp_path / "broken", BROKEN), "doubles")
    assert json.loads(endpoint.invoke(b"[1, 2]")) == [3, 6]
    assert connection.deploy(code, "doubles", environment={"FACTOR": "4"}).status == "InService"
    (tmp_path / "numbers.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="answers in a form of its own"):
        endpoint.predict(tmp_path / "numbers.json")


def test_an_endpoint_that_never_started_can_be_deployed_again(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(NaiadError, match="endpoint repaired is Failed: OSError: no weights"):
        connection.deploy(script(tmp_path / "broken", BROKEN), "repaired")
    repaired = connection.deploy(script(tmp_path / "repaired", DOUBLES), "repaired", environment={"FACTOR": "1"})
    assert json.loads(repaired.invoke(b"[7]")) == [7]


def run_job_with_model(connection: Connection, name: str, artifact: Path) -> JobHandle:
    """Runs a job whose program copies the artifact into the model's folder, and loads no torch to train one."""
    store = connection.client("s3")
    for file in (path for path in artifact.rglob("*") if path.is_file()):
        store.upload_file(str(file), "naiad", f"{name}/artifact/{file.relative_to(artifact)}")
    program = {"ContainerEntrypoint": ["sh", "-c", "cp -r $SM_CHANNEL_ARTIFACT/. $SM_MODEL_DIR"]}
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://naiad/{name}/artifact/"}
    connection.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": "any", "TrainingInputMode": "File", **program},
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        InputDataConfig=[{"ChannelName": "artifact", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://naiad/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    return connection.job(name).wait(timeout_s=300)


def test_the_model_of_a_job(connection: Connection, home: Path) -> None:
    """tests/e2e/test_service.py has a job that trains its model."""
    job = run_job_with_model(connection, "trained-there", home / "run")
    by_name = connection.deploy("trained-there", "from-a-job")
    model = job.model()
    images = [home / "photos" / "cat" / "1.png", home / "photos" / "dog" / "2.png"]
    assert_same(by_name.predict(images), model.predict(images))
    sagemaker = connection.client("sagemaker")
    before = by_name.describe()["EndpointConfigName"]
    assert connection.deploy(job, "from-a-job", wait=False).wait().describe()["EndpointConfigName"] == before
    assert len([one for one in sagemaker.list_models()["Models"] if "from-a-job" in one["ModelName"]]) == 1


@pytest.mark.usefixtures("server_address")
def test_from_the_command_line(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def out(*arguments: str, status: int = 0) -> str:
        assert main(list(arguments)) == status, capsys.readouterr().err
        return capsys.readouterr().out

    assert out("deploy", str(home / "run"), "--name", "typed").startswith("typed is InService at http://")
    description = out("endpoints", "show", "typed")
    assert "1 of 1" in description
    assert "engine chosen: " in description
    images = [str(home / "photos" / name) for name in ("cat/0.png", "dog/0.png")]
    lines = [line.split("\t") for line in out("endpoints", "invoke", "typed", *images).splitlines()]
    assert [line[:2] for line in lines] == [[images[0], "cat"], [images[1], "dog"]]
    (answer,) = json.loads(out("endpoints", "invoke", "typed", images[1], "--json"))
    assert answer["answer"]["labels"] == ["dog"]
    loads = json.loads(out("bench-endpoint", "typed", "--duration", "0.5", "--connections", "1,4", "--json"))
    assert [load["connections"] for load in loads] == [1, 4]
    assert all(load["rate"] > 0 and load["failed"] == 0 for load in loads)
    (tmp_path / "wrong.json").write_text("[1, 2]")
    assert main(["bench-endpoint", "typed", "--body", str(tmp_path / "wrong.json")]) == 1
    assert "this model takes (N, 1, 8, 8)" in capsys.readouterr().err
    out("endpoints", "delete", "typed")


@pytest.mark.slow
@pytest.mark.usefixtures("server_address")
def test_the_example(shared_server: Any, tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "deploy.py"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, example],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    by_handle, by_boto3 = [line for line in done.stdout.splitlines() if line.startswith(("labels", "boto3"))]
    assert by_handle.split("] of")[0].removeprefix("labels ") + "]" == by_boto3.removeprefix("boto3  ")
    assert not list(tmp_path.iterdir())
