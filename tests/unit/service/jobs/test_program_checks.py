"""Programs that would not start are refused at the door, and the others are let through."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import BlobStore
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.jobs import program_checks
from naiad.service.jobs.program_checks import check_program

SCRIPT = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://data/source.tar.gz"}


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    store = open_blobs(str(tmp_path / "blobs"))
    store.create_bucket("data")
    for key, content in {
        "source.tar.gz": b"",
        "code/train": b"#!/bin/sh",
        "deep/code/train": b"#!/bin/sh",
        "file/train": b"#!/bin/sh",
        "values/trainer.csv": b"",
        "mpi/sm_train.sh": b"$SM_PYTHON_CMD /opt/ml/input/data/sm_drivers/distributed_drivers/mpi_driver.py",
        "torchrun/sm_train.sh": b"$SM_PYTHON_CMD /opt/ml/input/data/sm_drivers/distributed_drivers/torchrun_driver.py",
    }.items():
        store.put("data", key, io.BytesIO(content))
    return store


def channel(name: str, prefix: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://data/{prefix}"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def training(*words: str, channels: tuple[dict[str, Any], ...] = (), **changed: Any) -> dict[str, Any]:
    entry = {"ContainerEntrypoint": list(words)} if words else {}
    algorithm = {"TrainingImage": "me/own:1", **entry, **changed.pop("algorithm", {})}
    return {"AlgorithmSpecification": algorithm, "InputDataConfig": list(channels), **changed}


def processing(*words: str, inputs: tuple[str, ...] = (), **changed: Any) -> dict[str, Any]:
    entry = {"ContainerEntrypoint": list(words)} if words else {}
    own = [{"InputName": "code", "S3Input": {"LocalPath": path, "S3Uri": "s3://data/code"}} for path in inputs]
    return {"AppSpecification": {"ImageUri": "me/own:1", **entry, **changed}, "ProcessingInputs": own}


@pytest.mark.parametrize(
    "request_",
    [
        training(HyperParameters=SCRIPT),
        training("python3", "-c", "1"),
        training("/bin/sh"),
        training("mine", Environment={"PATH": "/opt/ml/code/bin"}),
        training("bin/mine"),
        training("/opt/ml/input/data/code/train", channels=(channel("code", "code"),)),
        training(channels=(channel("data", "values/"), channel("code", "code/"))),
        training(channels=(channel("code", "code"),)),
        training(channels=(channel("any", "deep"),)),
        training(channels=(channel("any", "file/train"),)),
        training("/bin/bash", channels=(channel("sm_drivers", "torchrun/"),)),
    ],
)
def test_a_training_program_that_can_start(blobs: BlobStore, request_: dict[str, Any]) -> None:
    check_program(JobKind.TRAINING, blobs, request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            training(HyperParameters=SCRIPT | {"sagemaker_submit_directory": "s3://data/none"}),
            "no such object: upload it first",
        ),
        (
            training(),
            "there is nothing to run: .* a channel with a program called train.*inside 'me/own:1' is not known",
        ),
        (training(channels=(channel("data", "values/"),)), "there is nothing to run"),
        (training("/opt/conda/bin/python"), "'/opt/conda/bin/python' is no program of this machine, .*such as python3"),
        (training("dockerd-entrypoint.py"), "is no program of this machine"),
        (training("/opt/ml/input/data/code/train"), "must be below the folder of a channel; there is none"),
        (training("/opt/ml/code/train", channels=(channel("code", "code"),)), "must be below the folder of a channel"),
        (training("/opt/ml/input/data/code/../x", channels=(channel("code", "code"),)), "give it without '..'"),
        (
            training(HyperParameters=SCRIPT, algorithm={"ContainerArguments": ["x"]}),
            "ContainerArguments needs ContainerEntrypoint",
        ),
    ],
)
def test_a_training_program_that_cannot_start(blobs: BlobStore, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        check_program(JobKind.TRAINING, blobs, request_)


def test_processing_programs(blobs: BlobStore) -> None:
    code = "/opt/ml/processing/input/code"
    check_program(JobKind.PROCESSING, blobs, processing("python3", f"{code}/a.py"))
    check_program(JobKind.PROCESSING, blobs, processing(f"{code}/run.sh", inputs=(code,)))
    for request, message in (
        (processing(), "there is nothing to run: .*the entry point of 'me/own:1' is not known"),
        (processing(ContainerArguments=["x"]), "ContainerArguments needs ContainerEntrypoint"),
        (processing("spark-submit-of-an-image"), "is no program of this machine"),
        (processing(f"{code}/run.sh"), "must be below an input's LocalPath; there is none"),
    ):
        with pytest.raises(Invalid, match=message):
            check_program(JobKind.PROCESSING, blobs, request)


@pytest.mark.parametrize(
    "request_",
    [
        training("/bin/bash", channels=(channel("sm_drivers", "mpi/"),)),
        training("/bin/bash", channels=(channel("sm_drivers", "mpi"),)),
        training(
            "/bin/bash",
            channels=(channel("sagemaker_remote_function_bootstrap", "code"),),
            algorithm={"ContainerArguments": ["--distribution", "mpirun"]},
        ),
    ],
)
@pytest.mark.parametrize("has_mpirun", [True, False])
def test_mpi_needs_mpirun(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any], *, has_mpirun: bool
) -> None:
    which = shutil.which
    found = "/usr/bin/mpirun" if has_mpirun else None
    monkeypatch.setattr(shutil, "which", lambda name, **more: found if name == "mpirun" else which(name, **more))
    assert program_checks.has_mpirun() is has_mpirun
    if has_mpirun:
        check_program(JobKind.TRAINING, blobs, request_)
        return
    with pytest.raises(Invalid, match=r"install Open MPI \(apt install openmpi-bin\), or use torchrun"):
        check_program(JobKind.TRAINING, blobs, request_)
