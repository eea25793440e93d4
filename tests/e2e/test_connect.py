"""``naiad.connect`` against a whole server: pre-flight, queue positions, and the files that stay of a job."""

import io
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

import naiad
from naiad.errors import DataError, NetworkError

NET = """
from torch import nn

class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear({inputs}, 2))

    def forward(self, images):
        return self.layers(images)
"""


def soon(value: Callable[[], Any], *, within_s: float = 60) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := value()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture
def pictures(shared_server: Any) -> str:
    """Uploads two classes of 130 images to S3: more files than a pre-flight takes."""
    random = np.random.default_rng(0)
    store = shared_server.client("s3")
    for number in range(260):
        kind, file = ("cat", "dog")[number % 2], io.BytesIO()
        pixels = (random.integers(0, 60, (8, 8)) + 150 * (number % 2)).astype(np.uint8)
        Image.fromarray(pixels).save(file, format="PNG")
        store.put_object(Bucket="naiad", Key=f"pictures/{kind}/{number}.png", Body=file.getvalue())
    return "s3://naiad/pictures/"


def write_net(folder: Path, *, inputs: int) -> str:
    (folder / "net.py").write_text(NET.format(inputs=inputs))
    return f"{folder}/net.py:Mine"


def test_a_network_of_a_wrong_shape_is_refused_before_it_is_queued(
    shared_server: Any, pictures: str, tmp_path: Path
) -> None:
    connection = naiad.connect(state=shared_server.state)
    with pytest.raises(NetworkError, match="65"):
        connection.fit(write_net(tmp_path, inputs=65), pictures, preflight=True, name="wrong-shape")
    assert "wrong-shape" not in job_names(shared_server)
    options = {"epochs": 2, "report": False, "plan": {"optimizer": "sgd", "measure_fraction": 0}}
    job = connection.fit(write_net(tmp_path, inputs=64), pictures, preflight=True, name="right-shape", **options)
    assert job.wait(timeout_s=120).status == "Completed"
    assert "right-shape" in job_names(shared_server)


def job_names(server: Any) -> list[str]:
    return [job["TrainingJobName"] for job in server.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]]


def test_an_unknown_column_is_refused_within_seconds(shared_server: Any, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("x,kind\n" + "\n".join(f"{n},{'ab'[n % 2]}" for n in range(500)) + "\n")
    connection = naiad.connect(state=shared_server.state)
    connection.fit("mlp", tmp_path / "table.csv", label="kind", epochs=1, preflight=True).stop()  # torch is loaded now
    begun = time.perf_counter()
    with pytest.raises(DataError, match="kindd"):
        connection.fit("mlp", tmp_path / "table.csv", label="kindd", preflight=True)
    assert time.perf_counter() - begun < 5


def shell(server: Any, name: str, script: str, *, cores: int = 1) -> None:
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/sh", "-c", script],
        },
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Tags=[{"Key": "naiad:cores", "Value": str(cores)}],
    )


def described(server: Any, name: str) -> dict[str, Any]:
    return dict(server.client("sagemaker").describe_training_job(TrainingJobName=name))


def message(server: Any, name: str) -> str:
    return str(described(server, name)["SecondaryStatusTransitions"][-1].get("StatusMessage", ""))


def test_waiting_jobs_show_their_position(shared_server: Any) -> None:
    server = shared_server
    cores = len(naiad_cores())
    for number in range(3):
        shell(server, f"job-{number}", "sleep 600", cores=cores)
    soon(lambda: described(server, "job-0")["SecondaryStatus"] == "Training")
    soon(lambda: message(server, "job-2") == "waits for cores and memory, 2 of 2 in the queue")
    assert message(server, "job-1").endswith("1 of 2 in the queue")
    for number in (1, 0, 2):
        server.client("sagemaker").stop_training_job(TrainingJobName=f"job-{number}")
    soon(lambda: described(server, "job-0")["TrainingJobStatus"] == "Stopped")


def naiad_cores() -> tuple[int, ...]:
    from naiad.service.contract.machine_resources import detect_machine_resources  # noqa: PLC0415  # reason: of the server's rooms

    return detect_machine_resources().cpus


def test_a_job_that_ended_keeps_its_log_and_a_deleted_one_nothing(server: Any) -> None:
    shell(
        server, "one", "echo told; ln -s / $SM_MODEL_DIR/away; head -c 1000000 /dev/zero > $SM_MODEL_DIR/large; sleep 1"
    )
    sagemaker, logs = server.client("sagemaker"), server.client("logs")
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.delete_training_job(TrainingJobName="one")
    soon(lambda: described(server, "one")["TrainingJobStatus"] == "Completed")
    folder = server.state / "jobs" / "training-job" / "one"
    instance = folder / "1" / "algo-1"
    soon(lambda: not any((instance / name).exists() for name in ("ml", "tmp", "work")))
    assert {path.name for path in instance.iterdir()} >= {"log", "status.json"}
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="one/")["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
    said = ["told", "naiad: not stored, because only regular files are: model/away"]
    assert [event["message"] for event in page["events"]] == said
    server.end(signal.SIGKILL)
    (instance / "ml" / "model").mkdir(parents=True)  # as if it had been killed before it tidied
    server.start()
    soon(lambda: not (instance / "ml").exists())
    sagemaker = server.client("sagemaker")
    sagemaker.delete_training_job(TrainingJobName="one")
    soon(lambda: not folder.exists() and not list((server.state / "deleted" / "training-job").iterdir()))
    with pytest.raises(ClientError, match="no training-job of the name one"):
        described(server, "one")
    shell(server, "one", "echo again")
    soon(lambda: described(server, "one")["TrainingJobStatus"] == "Completed")
    assert (instance / "log").read_text().split()[1:] == ["again"]
    body = server.client("s3").head_object(Bucket="naiad", Key="out/one/output/model.tar.gz")
    assert body["ContentLength"] > 0
