import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.command import program_command
from naiad.service.jobs.agent.programs import NaiadPrograms

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


def test_the_trainer_of_naiad(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    command = program_command(spec_of(request("naiad/trainer")), blobs, PROGRAMS, ml=ml, root=ROOT)
    assert command.words == (sys.executable, "-m", "naiad.a_trainer")


def test_a_program_in_a_channel_is_made_executable(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    program = ml / "input" / "data" / "code" / "train"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o600)
    job = request(entry=["/opt/ml/input/data/code/train", "--fast"])
    command = program_command(spec_of(job), blobs, PROGRAMS, ml=ml, root=ml)
    assert command.words == (str(program), "--fast")
    assert program.stat().st_mode & 0o111


@pytest.mark.parametrize("place", ["input/data/data/train", "input/data/code/code/train"])
def test_the_program_of_a_bring_your_own_image(spec_of: Any, blobs: BlobStore, ml: Path, place: str) -> None:
    (ml / place).parent.mkdir(parents=True)
    (ml / place).touch(mode=0o600)
    channels = [{"ChannelName": name, "DataSource": {}} for name in ("data", "code")]
    spec = spec_of({**request("me/own:1"), "InputDataConfig": channels})
    assert program_command(spec, blobs, PROGRAMS, ml=ml, root=ROOT).words == (f"/opt/ml/{place}",)
    assert (ml / place).stat().st_mode & 0o111


def test_a_processing_job_runs_its_entry_point(spec_of: Any, blobs: BlobStore, ml: Path) -> None:
    job = {"AppSpecification": {"ImageUri": "x", "ContainerEntrypoint": ["python3", "-V"], "ContainerArguments": ["x"]}}
    spec = spec_of(job, kind=JobKind.PROCESSING)
    assert program_command(spec, blobs, PROGRAMS, ml=ml, root=ROOT).words == ("python3", "-V", "x")


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
    command = program_command(spec_of({}, kind=JobKind.TRANSFORM), blobs, PROGRAMS, ml=ml, root=ROOT)
    assert command.words == ("python", "-m", "naiad.a_transform")
    assert (command.install is not None) is has_requirements
    assert command.install is None or command.install.words[-1] == "/opt/ml/model/code/requirements.txt"
