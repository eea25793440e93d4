"""The unmodified SageMaker SDKs, each in a virtual environment of its own."""

import io
import shutil
import tarfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::000000000000:role/naiad"


def source(folder: Path, name: str, text: str) -> Path:
    folder.mkdir()
    (folder / name).write_text(textwrap.dedent(text))
    return folder


def test_sdk_2_trains_with_logs(server: Any, sdk2: Any, tmp_path: Path) -> None:
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
    """
    output = sdk2.run(server, program, str(code), ROLE)
    assert "rate 0.5 from /opt/ml/input/data/train" in output
    assert "model s3://naiad/sdk2/output/model.tar.gz" in output


@pytest.mark.usefixtures("sdk_port")
@pytest.mark.parametrize("instances", [1, 2])
def test_sdk_3_trains_with_torchrun(server: Any, sdk3: Any, tmp_path: Path, instances: int) -> None:
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
    output = sdk3.run(server, program, str(code), ROLE, str(instances))
    assert "status Completed" in output
    name = output.split("status Completed ")[1].split()[0]
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    events = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/", filterPattern="sum")["events"]
    total = sum(range(1, instances + 1))
    assert sorted(event["message"] for event in events) == [f"rank {rank} sum {total}.0" for rank in range(instances)]


def test_sdk_2_follows_stops_and_attaches(server: Any, sdk2: Any, tmp_path: Path) -> None:
    code = source(
        tmp_path / "code",
        "train.py",
        """
        import argparse, pathlib, time
        parser = argparse.ArgumentParser()
        parser.add_argument("--wait", type=int, default=0)
        state = pathlib.Path("/opt/ml/checkpoints/state")
        before = int(state.read_text()) if state.exists() else 0
        print("run", before + 1, flush=True)
        state.write_text(str(before + 1))
        for loss in (4, 2, 0):
            print("loss:", loss, flush=True)
        time.sleep(parser.parse_args().wait)
        """,
    )
    program = """
        import sys, time
        from sagemaker.pytorch import PyTorch
        from sagemaker.s3 import S3Downloader

        def start_job(name, **hyperparameters):
            made = PyTorch(
                entry_point="train.py", source_dir=sys.argv[1], role=sys.argv[2], instance_count=1, instance_type="ml.m5.large",
                framework_version="2.3.0", py_version="py311", metric_definitions=[{"Name": "loss", "Regex": "loss: ([0-9]+)"}],
                checkpoint_s3_uri="s3://naiad/checks", tags=[{"Key": "team", "Value": "moon"}], hyperparameters=hyperparameters,
            )
            made.fit(job_name=name, wait=False)
            return made

        first = start_job("first")
        first.latest_training_job.wait(logs=False)
        print("metrics", first.training_job_analytics.dataframe()[["metric_name", "value"]].values.tolist())
        attached = PyTorch.attach("first")
        print("attached", attached.model_data, attached.tags)
        second = start_job("second", wait=600)
        session = second.sagemaker_session
        while session.read_s3_file("naiad", "checks/state") != "2":
            time.sleep(0.1)
        second.latest_training_job.stop()
        second.latest_training_job.wait(logs=False)
        print("status", second.latest_training_job.describe()["TrainingJobStatus"])
        second.logs()
    """
    output = sdk2.run(server, program, str(code), ROLE)
    assert "metrics [['loss', 2.0]]" in output
    assert "attached s3://naiad/first/output/model.tar.gz [{'Key': 'team', 'Value': 'moon'}]" in output
    assert "status Stopped" in output
    assert "run 2" in output


def test_sdk_2_moves_files(server: Any, sdk2: Any, tmp_path: Path) -> None:
    folder = source(tmp_path / "things", "a.txt", "in a")
    program = """
        import pathlib, sys
        from sagemaker.s3 import S3Downloader, S3Uploader
        from sagemaker.session import Session
        print("up", S3Uploader.upload(sys.argv[1], "s3://naiad/up"))
        S3Uploader.upload_string_as_file_body("in b", "s3://naiad/up/deep/b.txt")
        print("list", sorted(S3Downloader.list("s3://naiad/up")))
        print("read", S3Downloader.read_file("s3://naiad/up/deep/b.txt"))
        S3Downloader.download("s3://naiad/up", "down")
        session = Session()
        print("data", session.upload_data(sys.argv[1], key_prefix="data2"), session.default_bucket())
        session.download_data("down2", "naiad", "data2")
        print(sorted(str(path) for folder in ("down", "down2") for path in pathlib.Path(folder).rglob("*.txt")))
    """
    output = sdk2.run(server, program, str(folder))
    assert "list ['s3://naiad/up/a.txt', 's3://naiad/up/deep/b.txt']" in output
    assert "read in b" in output
    assert "data s3://naiad/data2 naiad" in output
    assert "['down/a.txt', 'down/deep/b.txt', 'down2/a.txt']" in output


def test_sdk_3_lists_stops_and_has_a_session(server: Any, sdk3: Any, tmp_path: Path) -> None:
    code = source(tmp_path / "code", "train.py", "import time; print('started', flush=True); time.sleep(600)")
    program = """
        import sys, time
        from sagemaker.core.helper.session_helper import Session
        from sagemaker.core.resources import TrainingJob
        from sagemaker.train import ModelTrainer
        from sagemaker.train.configs import Compute, SourceCode
        trainer = ModelTrainer(
            training_image="naiad/python", role=sys.argv[2], base_job_name="long",
            source_code=SourceCode(source_dir=sys.argv[1], entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        )
        trainer.train(wait=False)
        job = trainer._latest_training_job
        while job.refresh().secondary_status != "Training":
            time.sleep(0.1)
        job.stop()
        while job.refresh().training_job_status not in ("Stopped", "Failed", "Completed"):
            time.sleep(0.1)
        listed = list(TrainingJob.get_all(status_equals="Stopped", name_contains="long"))
        print("listed", [each.training_job_name == job.training_job_name for each in listed])
        print("others", list(TrainingJob.get_all(status_equals="Failed")))
        session = Session()
        print("put", session.upload_string_as_file_body("abc", "naiad", "own/a.txt"))
        print("got", session.read_s3_file("naiad", "own/a.txt"), session.list_s3_files("naiad", "own"), session.default_bucket())
    """
    output = sdk3.run(server, program, str(code), ROLE)
    assert "listed [True]" in output
    assert "others []" in output
    assert "put s3://naiad/own/a.txt" in output
    assert "got abc ['own/a.txt'] naiad" in output


DDP_SCRIPT = """
import gc, hashlib, os, pathlib, torch
import torch.distributed as dist
from torch import nn
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(rank)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    x = torch.randn(16, 4) + rank
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), (x.sum(1) > 2 * rank).long()).backward()
    optimizer.step()
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("rank", rank, "of", dist.get_world_size(), "weights", hashlib.sha256(weights).hexdigest(), flush=True)
if rank == 0:
    torch.save(model.module.state_dict(), pathlib.Path(os.environ["SM_MODEL_DIR"], "model.pt"))
dist.destroy_process_group()
del model  # ends the group's threads: torch aborts when one of them outlives the interpreter
gc.collect()
"""


@pytest.mark.usefixtures("sdk_port")
def test_sdk_3_trains_one_model_in_two_instances(server: Any, sdk3: Any, tmp_path: Path) -> None:
    code = source(tmp_path / "code", "train.py", DDP_SCRIPT)
    program = """
        import sys
        from sagemaker.train import ModelTrainer
        from sagemaker.train.configs import Compute, SourceCode
        from sagemaker.train.distributed import Torchrun
        trainer = ModelTrainer(
            training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu", role=sys.argv[2],
            source_code=SourceCode(source_dir=sys.argv[1], entry_script="train.py"), base_job_name="ddp",
            compute=Compute(instance_type="ml.m5.large", instance_count=2, volume_size_in_gb=1), distributed=Torchrun(),
        )
        trainer.train(wait=True, logs=False)
        job = trainer._latest_training_job
        print("model", job.model_artifacts.s3_model_artifacts, "of", job.training_job_name, "end")
    """
    output = sdk3.run(server, program, str(code), ROLE)
    name = output.split(" of ")[-1].split(" end")[0]
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    events = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/", filterPattern="weights")[
        "events"
    ]
    ranks, digests = zip(*sorted(event["message"].split(" weights ") for event in events), strict=True)
    assert ranks == ("rank 0 of 2", "rank 1 of 2")
    assert digests[0] == digests[1]
    key = output.split("model s3://naiad/")[1].split()[0]
    body = server.client("s3").get_object(Bucket="naiad", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert "model.pt" in tar.getnames()


@pytest.mark.usefixtures("sdk_port")
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no mpirun (apt install openmpi-bin)")
@pytest.mark.parametrize("instances", [1, 2])
def test_sdk_3_trains_with_mpi(server: Any, sdk3: Any, tmp_path: Path, instances: int) -> None:
    """Two processes on each instance, without sshd and paramiko."""
    code = source(
        tmp_path / "code",
        "train.py",
        """
        import os
        print("rank", os.environ["OMPI_COMM_WORLD_RANK"], "on", os.environ["SM_CURRENT_HOST"])
        """,
    )
    program = """
        import sys
        from sagemaker.train import ModelTrainer
        from sagemaker.train.configs import Compute, SourceCode
        from sagemaker.train.distributed import MPI
        trainer = ModelTrainer(
            training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu",
            source_code=SourceCode(source_dir=sys.argv[1], entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.large", instance_count=int(sys.argv[3]), volume_size_in_gb=1),
            distributed=MPI(process_count_per_node=2), role=sys.argv[2], base_job_name="mpi",
        )
        trainer.train(wait=True, logs=False)
        print("status", trainer._latest_training_job.training_job_status, trainer._latest_training_job.training_job_name)
    """
    output = sdk3.run(server, program, str(code), ROLE, str(instances))
    name = output.split("status Completed ")[1].split()[0]
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    events = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/", filterPattern="rank")["events"]
    lines = sorted(event["message"].partition("<stdout>:")[2].strip() for event in events)
    assert [line for line in lines if line] == [f"rank {rank} on algo-{rank // 2 + 1}" for rank in range(2 * instances)]
