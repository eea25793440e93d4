import io
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import Blobs
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.command import command_of, is_trainer

ROOT = Path("/opt/ml")


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    (tmp_path / "ml" / "code").mkdir(parents=True)
    return tmp_path / "ml"


def request(image: str = "x/pytorch-training:2", **parts: Any) -> dict[str, Any]:
    hyperparameters: Mapping[str, str] = parts.get("hyperparameters", {})
    entry = {"ContainerEntrypoint": parts["entry"]} if "entry" in parts else {}
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File", **entry},
        "HyperParameters": hyperparameters,
    }


def script(quoted: bool) -> dict[str, str]:
    given = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://naiad/source.tar.gz",
        "lr": 0.5,
        "n": "a b",
    }
    return {name: json.dumps(value) if quoted else str(value) for name, value in given.items()}


def source(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return out.getvalue()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("naiad/trainer", True),
        ("naiad/trainer:1", True),
        ("host:5000/naiad/trainer", True),
        ("host:5000/naiad/trainer:1", True),
        ("my-naiad/trainer", False),
        ("naiad/trainer/x", False),
        ("x", False),
    ],
)
def test_which_images_are_naiads_trainer(spec_of: Any, image: str, *, expected: bool) -> None:
    assert is_trainer(spec_of(request(image))) is expected


def test_naiads_trainer(spec_of: Any, blobs: Blobs, ml: Path) -> None:
    command = command_of(spec_of(request("naiad/trainer")), blobs, ml=ml, root=ROOT)
    assert command.words == (sys.executable, "-m", "naiad.trainer.job")


@pytest.mark.parametrize("quoted", [True, False])
def test_a_script_with_its_hyperparameters(spec_of: Any, blobs: Blobs, ml: Path, put: Any, *, quoted: bool) -> None:
    put({"source.tar.gz": source("train.py", "deep/helper.py")})
    command = command_of(spec_of(request(hyperparameters=script(quoted))), blobs, ml=ml, root=ROOT)
    assert command.words == ("python", "/opt/ml/code/train.py", "--lr", "0.5", "-n", "a b")
    assert (command.environment["SM_MODULE_NAME"], command.environment["SM_USER_ENTRY_POINT"]) == ("train", "train.py")
    assert (ml / "code" / "deep" / "helper.py").is_file()


def test_requirements_are_installed_first(spec_of: Any, blobs: Blobs, ml: Path, put: Any) -> None:
    put({"source.tar.gz": source("train.py", "requirements.txt")})
    words = command_of(spec_of(request(hyperparameters=script(quoted=True))), blobs, ml=ml, root=ROOT).words
    assert words[:2] == ("sh", "-c")
    assert "pip install" in words[2]
    assert words[4:6] == ("/opt/ml/code/requirements.txt", "python")


def test_a_shell_script(spec_of: Any, blobs: Blobs, ml: Path, put: Any) -> None:
    put({"source.tar.gz": source("run.sh")})
    given = {**script(quoted=False), "sagemaker_program": "run.sh"}
    assert command_of(spec_of(request(hyperparameters=given)), blobs, ml=ml, root=ROOT).words[:2] == (
        "bash",
        "/opt/ml/code/run.sh",
    )


def test_a_source_in_a_channel(spec_of: Any, blobs: Blobs, ml: Path) -> None:
    code = ml / "input" / "data" / "code"
    code.mkdir(parents=True)
    (code / "train.py").touch()
    given = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "/opt/ml/input/data/code"}
    assert (
        command_of(spec_of(request(hyperparameters=given)), blobs, ml=ml, root=ROOT).words[1] == "/opt/ml/code/train.py"
    )


def test_a_program_in_a_channel_is_made_executable(spec_of: Any, blobs: Blobs, ml: Path) -> None:
    program = ml / "input" / "data" / "code" / "train"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o600)
    given = request(entry=["/opt/ml/input/data/code/train", "--fast"])
    command = command_of(spec_of(given), blobs, ml=ml, root=ml)
    assert command.words == (str(program), "--fast")
    assert program.stat().st_mode & 0o111


def test_a_processing_job_runs_its_entry_point(spec_of: Any, blobs: Blobs, ml: Path) -> None:
    given = {
        "AppSpecification": {"ImageUri": "x", "ContainerEntrypoint": ["python3", "-V"], "ContainerArguments": ["x"]}
    }
    spec = spec_of(given, kind=JobKind.PROCESSING)
    assert command_of(spec, blobs, ml=ml, root=ROOT).words == ("python3", "-V", "x")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, Invalid, "nothing to run"),
        ({"sagemaker_program": "train.py"}, Invalid, "the hyperparameter sagemaker_submit_directory is missing"),
        (
            {"sagemaker_program": "other.py", "sagemaker_submit_directory": "s3://naiad/source.tar.gz"},
            Invalid,
            "'other.py'",
        ),
        ({"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://naiad/none"}, NotFound, "none"),
        (
            {"sagemaker_program": "train.py", "sagemaker_submit_directory": "/opt/ml/../../etc"},
            Invalid,
            "no folder of a channel",
        ),
        ({"sagemaker_program": "5"}, Invalid, "sagemaker_program 5 .* must be texts"),
        ({"sagemaker_program": "train.py", "sagemaker_submit_directory": "[1]"}, Invalid, "must be texts"),
        (
            {"sagemaker_program": "../sourcedir.tar.gz", "sagemaker_submit_directory": "s3://naiad/source.tar.gz"},
            Invalid,
            "no file '../sourcedir.tar.gz'",
        ),
    ],
)
def test_what_cannot_be_run_is_told(
    spec_of: Any, blobs: Blobs, ml: Path, put: Any, given: dict[str, str], error: type[Exception], message: str
) -> None:
    put({"source.tar.gz": source("train.py")})
    with pytest.raises(error, match=message):
        command_of(spec_of(request(hyperparameters=given)), blobs, ml=ml, root=ROOT)


def test_an_entry_point_that_is_not_there(spec_of: Any, blobs: Blobs, ml: Path) -> None:
    with pytest.raises(Invalid, match="is not there; channels lie below /opt/ml/input/data"):
        command_of(spec_of(request(entry=["/opt/ml/input/data/code/train"])), blobs, ml=ml, root=ROOT)


def test_an_entry_point_does_not_lead_out(spec_of: Any, blobs: Blobs, ml: Path) -> None:
    (ml.parent / "keys").touch(mode=0o600)
    with pytest.raises(Invalid, match="leads out of /opt/ml"):
        command_of(spec_of(request(entry=["/opt/ml/../keys"])), blobs, ml=ml, root=ROOT)
    assert (ml.parent / "keys").stat().st_mode & 0o777 == 0o600
