"""The SageMaker SDKs, unmodified, each in an environment of its own; and a job in C++."""

import io
import json
import os
import subprocess
import sys
import tarfile
import textwrap
import venv
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
CPP = Path(__file__).parents[2] / "examples" / "cpp"
ROLE = "arn:aws:iam::000000000000:role/naiad"


def environment(folder: Path, requirement: str) -> Path:
    """The Python of a new virtual environment with the SDK."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return python


@pytest.fixture(scope="module")
def sdk2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("sdk2"), "sagemaker>=2.250,<3")


@pytest.fixture(scope="module")
def sdk3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("sdk3"), "sagemaker>=3.20,<4")


def run(server: Any, python: Path, program: str, *arguments: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-m", "naiad.cli", "env", "--json"],
        env={**os.environ, "NAIAD_STATE": str(server.state)},
        capture_output=True,
        text=True,
        check=True,
    )
    variables = {"PATH": os.environ["PATH"], "HOME": str(server.state.parent), **json.loads(shown.stdout)}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", textwrap.dedent(program), *arguments],
        env=variables,
        cwd=server.state.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout + done.stderr


def source(folder: Path, name: str, text: str) -> Path:
    folder.mkdir()
    (folder / name).write_text(textwrap.dedent(text))
    return folder


def test_sdk_2_trains_with_logs(server: Any, sdk2: Path, tmp_path: Path) -> None:
    code = source(
        tmp_path / "code",
        "train.py",
        """
        import argparse, os, pathlib
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        print("rate", parser.parse_args().lr, "from", os.environ["SM_CHANNEL_TRAIN"])
        pathlib.Path(os.environ["SM_MODEL_DIR"], "w").write_text("w")
        """,
    )
    program = """
        import sys
        from sagemaker.pytorch import PyTorch
        estimator = PyTorch(
            entry_point="train.py", source_dir=sys.argv[1], role=sys.argv[2], instance_count=1, instance_type="ml.m5.large",
            framework_version="2.3.0", py_version="py311", hyperparameters={"lr": 0.5},
        )
        estimator.fit({"train": "s3://naiad/data/"}, job_name="sdk2")
        print("model", estimator.model_data)
        from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
        tuner = HyperparameterTuner(estimator, "loss", {"lr": ContinuousParameter(0, 1)}, [{"Name": "loss", "Regex": "x"}])
        try:
            tuner.fit({"train": "s3://naiad/data/"}, wait=False)
        except Exception as error:
            print("tuning", error)
    """
    told = run(server, sdk2, program, str(code), ROLE)
    assert "rate 0.5 from /opt/ml/input/data/train" in told
    assert "model s3://naiad/sdk2/output/model.tar.gz" in told
    assert "UnknownOperationException" in told
    assert "CreateHyperParameterTuningJob is not served" in told


@pytest.mark.parametrize("instances", [1, 2])
def test_sdk_3_trains_with_torchrun(server: Any, sdk3: Path, tmp_path: Path, instances: int) -> None:
    code = source(
        tmp_path / "code",
        "train.py",
        """
        import torch
        import torch.distributed as dist
        dist.init_process_group("gloo")
        value = torch.tensor([float(dist.get_rank() + 1)])
        dist.all_reduce(value)
        print("rank", dist.get_rank(), "sum", value.item(), flush=True)
        dist.destroy_process_group()
        """,
    )
    program = """
        import sys
        from sagemaker.train import ModelTrainer
        from sagemaker.train.configs import Compute, SourceCode
        from sagemaker.train.distributed import Torchrun
        trainer = ModelTrainer(
            training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu",
            source_code=SourceCode(source_dir=sys.argv[1], entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.large", instance_count=int(sys.argv[3]), volume_size_in_gb=1),
            distributed=Torchrun(), role=sys.argv[2], base_job_name="sdk3",
        )
        trainer.train(wait=True, logs=False)
        print("status", trainer._latest_training_job.training_job_status, trainer._latest_training_job.training_job_name)
    """
    told = run(server, sdk3, program, str(code), ROLE, str(instances))
    assert "status Completed" in told
    name = told.split("status Completed ")[1].split()[0]
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    found = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/", filterPattern="sum")["events"]
    total = sum(range(1, instances + 1))
    assert sorted(event["message"] for event in found) == [f"rank {rank} sum {total}.0" for rank in range(instances)]


def test_a_program_in_cpp_trains(server: Any, tmp_path: Path) -> None:
    build = tmp_path / "build"
    for command in (
        ["cmake", "-S", str(CPP), "-B", str(build), f"-DPython3_EXECUTABLE={sys.executable}"],
        ["cmake", "--build", str(build)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    store = server.client("s3")
    store.upload_file(str(build / "train"), "naiad", "cpp/train")
    for name, content in small_images().items():
        store.put_object(Bucket="naiad", Key=f"idx/{name}", Body=content)
    channels = [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
            },
        }
        for name, uri in (("train", "s3://naiad/idx/"), ("program", "s3://naiad/cpp/train"))
    ]
    client = server.client("sagemaker")
    client.create_training_job(
        TrainingJobName="cpp",
        AlgorithmSpecification={
            "TrainingImage": "naiad/executable",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/opt/ml/input/data/program/train"],
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "test accuracy ([0-9.]+)"}],
        },
        RoleArn=ROLE,
        HyperParameters={"epochs": "8"},
        InputDataConfig=channels,
        OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    client.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="cpp", WaiterConfig={"Delay": 1, "MaxAttempts": 300}
    )
    job = client.describe_training_job(TrainingJobName="cpp")
    assert job["FinalMetricDataList"][0]["Value"] > 0.9
    body = store.get_object(Bucket="naiad", Key="out/cpp/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.getnames() == ["model.pt"]


def small_images() -> dict[str, bytes]:
    """Ten classes of 28×28, each with a bright row of its own, in IDX form."""
    import numpy as np  # noqa: PLC0415

    labels = np.arange(1280, dtype=np.uint8) % 10
    images = np.random.default_rng(0).integers(0, 60, (1280, 28, 28), dtype=np.uint8)
    images[np.arange(1280), 2 * labels + 4] = 255
    files = {}
    for part, chosen in (("train", slice(0, 1024)), ("t10k", slice(1024, 1280))):
        for kind, array in (("images-idx3", images[chosen]), ("labels-idx1", labels[chosen])):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
            files[f"{part}-{kind}-ubyte"] = header + array.tobytes()
    return files
