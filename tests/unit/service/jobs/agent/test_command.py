import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.command import NaiadPrograms, program_command

ROOT = Path("/opt/ml")
PROGRAMS = NaiadPrograms(trainer="naiad.a_trainer", transform="naiad.a_transform")


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    (tmp_path / "ml" / "code").mkdir(parents=True)
    return tmp_path / "ml"


def request(
    image: str = "x/pytorch-training:2", *, hyperparameters: Mapping[str, str] | None = None, entry: Sequence[str] = ()
) -> dict[str, Any]:
    entry_point = {"ContainerEntrypoint": entry} if entry else {}
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File", **entry_point},
        "HyperParameters": hyperparameters or {},
    }


def script(quoted: bool) -> dict[str, str]:
    values = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://naiad/source.tar.gz",
        "lr": 0.5,
        "n": "a b",
    }
    return {name: json.dumps(value) if quoted else str(value) for name, value in values.items()}


def source(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return out.getvalue()


def test_the_trainer_of_naiad(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    command = program_command(spec_of(request("naiad/trainer")), blobs, PROGRAMS, ml=ml, root=ROOT)
    assert command.words == (sys.executable, "-m", "naiad.a_trainer")


@pytest.mark.parametrize("quoted", [True, False])
def test_a_script_with_its_hyperparameters(spec_of: Any, blobs: BlobStore, ml: Path, put: Any, *, quoted: bool) -> None:
    put({"source.tar.gz": source("train.py", "deep/helper.py")})
    command = program_command(spec_of(request(hyperparameters=script(quoted))), blobs, PROGRAMS, ml=ml, root=ROOT)
    assert command.words == ("python", "/opt/ml/code/train.py", "--lr", "0.5", "-n", "a b")
    assert (command.environment["SM_MODULE_NAME"], command.environment["SM_USER_ENTRY_POINT"]) == ("train", "train.py")
    assert (ml / "code" / "deep" / "helper.py").is_file()


def test_requirements_are_installed_first(spec_of: Any, blobs: BlobStore, ml: Path, put: Any) -> None:
    put({"source.tar.gz": source("train.py", "requirements.txt")})
    words = program_command(
        spec_of(request(hyperparameters=script(quoted=True))), blobs, PROGRAMS, ml=ml, root=ROOT
    ).words
    assert words[:2] == ("sh", "-c")
    assert "pip install" in words[2]
    assert words[4:6] == ("/opt/ml/code/requirements.txt", "python")


def test_a_shell_script(spec_of: Any, blobs: BlobStore, ml: Path, put: Any) -> None:
    put({"source.tar.gz": source("run.sh")})
    hyperparameters = {**script(quoted=False), "sagemaker_program": "run.sh"}
    assert program_command(spec_of(request(hyperparameters=hyperparameters)), blobs, PROGRAMS, ml=ml, root=ROOT).words[
        :2
    ] == (
        "bash",
        "/opt/ml/code/run.sh",
    )


def test_a_source_in_a_channel(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    code = ml / "input" / "data" / "code"
    code.mkdir(parents=True)
    (code / "train.py").touch()
    hyperparameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "/opt/ml/input/data/code"}
    assert (
        program_command(spec_of(request(hyperparameters=hyperparameters)), blobs, PROGRAMS, ml=ml, root=ROOT).words[1]
        == "/opt/ml/code/train.py"
    )


def test_a_program_in_a_channel_is_made_executable(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    program = ml / "input" / "data" / "code" / "train"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o600)
    job = request(entry=["/opt/ml/input/data/code/train", "--fast"])
    command = program_command(spec_of(job), blobs, PROGRAMS, ml=ml, root=ml)
    assert command.words == (str(program), "--fast")
    assert program.stat().st_mode & 0o111


def test_a_processing_job_runs_its_entry_point(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    job = {"AppSpecification": {"ImageUri": "x", "ContainerEntrypoint": ["python3", "-V"], "ContainerArguments": ["x"]}}
    spec = spec_of(job, kind=JobKind.PROCESSING)
    assert program_command(spec, blobs, PROGRAMS, ml=ml, root=ROOT).words == ("python3", "-V", "x")


@pytest.mark.parametrize(
    ("hyperparameters", "error", "message"),
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
            "not the folder of a channel",
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
def test_a_request_without_a_program_is_refused(
    spec_of: Any,
    blobs: BlobStore,
    ml: Path,
    put: Any,
    hyperparameters: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    put({"source.tar.gz": source("train.py")})
    with pytest.raises(error, match=message):
        program_command(spec_of(request(hyperparameters=hyperparameters)), blobs, PROGRAMS, ml=ml, root=ROOT)


def test_an_entry_point_that_does_not_exist(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    with pytest.raises(Invalid, match="does not exist; channels are below /opt/ml/input/data"):
        program_command(spec_of(request(entry=["/opt/ml/input/data/code/train"])), blobs, PROGRAMS, ml=ml, root=ROOT)


def test_an_entry_point_must_be_below_opt_ml(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    (ml.parent / "keys").touch(mode=0o600)
    with pytest.raises(Invalid, match="leads out of /opt/ml"):
        program_command(spec_of(request(entry=["/opt/ml/../keys"])), blobs, PROGRAMS, ml=ml, root=ROOT)
    assert (ml.parent / "keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("has_requirements", [True, False])
def test_a_transform_job(spec_of: Any, blobs: BlobStore, ml: Path, has_requirements: bool) -> None:
    if has_requirements:
        (ml / "model" / "code").mkdir(parents=True)
        (ml / "model" / "code" / "requirements.txt").touch()
    words = program_command(spec_of({}, kind=JobKind.TRANSFORM), blobs, PROGRAMS, ml=ml, root=ROOT).words
    assert words[-3:] == ("python", "-m", "naiad.a_transform")
    assert words[:1] == (("sh",) if has_requirements else ("python",))
