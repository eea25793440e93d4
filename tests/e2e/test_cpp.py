"""A training job whose program is written in C++: built, put on S3, trained, and its model fetched."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
CPP = Path(__file__).parents[2] / "examples" / "cpp"
ROLE = "arn:aws:iam::000000000000:role/naiad"


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
