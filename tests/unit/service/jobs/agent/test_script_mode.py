import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.jobs.agent.script_mode import script_command

ROOT = Path("/opt/ml")


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    (tmp_path / "ml" / "code").mkdir(parents=True)
    return tmp_path / "ml"


@pytest.fixture
def words_of(spec_of: Any, blobs: BlobStore, ml: Path, put: Any) -> Any:
    """Returns the command of a script: ``words_of(program, *files of its source, **hyperparameters)``."""

    def command(program: str, *names: str, **hyperparameters: str) -> tuple[str, ...]:
        put({"source.tar.gz": source(program, *names)})
        values = {"sagemaker_program": program, "sagemaker_submit_directory": "s3://naiad/source.tar.gz"}
        spec = spec_of({"HyperParameters": values | hyperparameters})
        made = script_command(spec, blobs, ml=ml, root=ROOT)
        return (*(made.install.words if made.install is not None else ()), *made.words)

    return command


def source(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return out.getvalue()


@pytest.mark.parametrize("quoted", [True, False])
def test_a_python_file(words_of: Any, ml: Path, *, quoted: bool) -> None:
    """SDK 2 quotes the values, SDK 3 does not."""
    values = {name: json.dumps(value) if quoted else str(value) for name, value in {"lr": 0.5, "n": "a b"}.items()}
    assert words_of("train.py", "deep/helper.py", **values) == ("python", "--", "train.py", "--lr", "0.5", "-n", "a b")
    assert (ml / "code" / "deep" / "helper.py").is_file()


def test_a_python_package_is_installed_and_run_as_a_module(words_of: Any) -> None:
    words = words_of("train.py", "setup.py", "requirements.txt", lr="1")
    assert words[-8:] == (".", "-r", "requirements.txt", "python", "-m", "train", "--lr", "1")


def test_requirements_are_installed_first(words_of: Any) -> None:
    words = words_of("train.py", "requirements.txt")
    assert words[-5:] == ("-r", "requirements.txt", "python", "--", "train.py")


def test_a_shell_script_installs_what_it_needs_itself(words_of: Any, ml: Path) -> None:
    words = words_of("bin/run.sh", "requirements.txt", "setup.py", name="a'b")
    assert words == ("/bin/sh", "-c", """exec ./bin/run.sh --name 'a'"'"'b'""")
    assert (ml / "code" / "bin" / "run.sh").stat().st_mode & 0o777 == 0o777


def test_any_other_program(words_of: Any) -> None:
    assert words_of("solver", epochs="2") == ("/bin/sh", "-c", "exec ./solver --epochs 2")


@pytest.mark.parametrize("name", ["", "/sourcedir.tar.gz", "/train.py"])
def test_a_source_in_a_channel(spec_of: Any, blobs: BlobStore, ml: Path, name: str) -> None:
    """A folder, an archive, or the file itself."""
    code = ml / "input" / "data" / "code"
    code.mkdir(parents=True)
    (code / "train.py").touch()
    (code / "sourcedir.tar.gz").write_bytes(source("train.py"))
    values = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"/opt/ml/input/data/code{name}"}
    spec = spec_of({"HyperParameters": values, "InputDataConfig": [{"ChannelName": "code", "DataSource": {}}]})
    assert script_command(spec, blobs, ml=ml, root=ROOT).words == ("python", "--", "train.py")
    assert (ml / "code" / "train.py").is_file()


def test_a_source_that_is_not_there(spec_of: Any, blobs: BlobStore, ml: Path, words_of: Any) -> None:
    absent = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://naiad/none"}
    with pytest.raises(NotFound, match="none"):
        script_command(spec_of({"HyperParameters": absent}), blobs, ml=ml, root=ROOT)
    other = {"sagemaker_program": '"other.py"'}
    with pytest.raises(Invalid, match=r"the source has no file 'other\.py'"):
        words_of("train.py", **other)
