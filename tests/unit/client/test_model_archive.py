import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from naiad.client.model_archive import pack_model
from naiad.errors import ArtifactError, InputError


def packed(folder: Path) -> bytes:
    archive = io.BytesIO()
    pack_model(folder, archive)
    return archive.getvalue()


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {member.name: member for member in tar}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a model in SageMaker's script convention."""
    model = tmp_path / "model"
    (model / "code").mkdir(parents=True)
    (model / "code" / "inference.py").write_text("def model_fn(folder): ...\n")
    (model / "weights.bin").write_bytes(b"w" * 1000)
    return model


def test_the_same_files_give_the_same_bytes(folder: Path) -> None:
    before = packed(folder)
    os.utime(folder / "weights.bin", (1, 1))
    assert packed(folder) == before
    (folder / "weights.bin").write_bytes(b"v" * 1000)
    assert packed(folder) != before


def test_owners_and_times_are_left_out_and_a_program_stays_executable(folder: Path) -> None:
    (folder / "serve").write_text("#!/bin/sh\n")
    (folder / "serve").chmod(0o700)
    files = members(packed(folder))
    assert files["serve"].mode == 0o755
    assert files["weights.bin"].mode == 0o644
    assert {(one.mtime, one.uid, one.gid, one.uname, one.gname) for one in files.values()} == {(0, 0, 0, "", "")}


def test_hidden_and_compiled_files_are_left_out(folder: Path) -> None:
    for name in (".git/config", "code/__pycache__/inference.pyc", ".env", "code/.secret"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no")
    assert sorted(members(packed(folder))) == ["code/inference.py", "weights.bin"]


def test_links_are_packed_as_files(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(b"large")
    (folder / "linked.bin").symlink_to(tmp_path / "large.bin")
    (folder / "again.bin").hardlink_to(folder / "weights.bin")
    files = members(packed(folder))
    assert all(one.isfile() for one in files.values())
    assert (files["linked.bin"].size, files["again.bin"].size) == (5, 1000)


def test_only_the_files_of_its_manifest_are_packed_of_an_artifact(tmp_path: Path) -> None:
    for name in ("model.onnx", "report.html", "checkpoints/step-1/model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "naiad.json").write_text(json.dumps({"files": {"model.onnx": {}}}))
    assert sorted(members(packed(tmp_path))) == ["model.onnx", "naiad.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"files": 3}', "{}"])
def test_a_damaged_artifact_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "naiad.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"naiad\.json is damaged"):
        packed(tmp_path)


def test_an_artifact_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "naiad.json").write_text(json.dumps({"files": {"model.onnx": {}}}))
    with pytest.raises(ArtifactError, match=r"is not complete: model\.onnx is missing"):
        packed(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "link", "/etc/hostname"])
def test_an_artifact_takes_no_file_of_the_readers_with_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "run" / "naiad.json").write_text(json.dumps({"files": {name: {}}}))
    with pytest.raises(ArtifactError, match="which is outside of the folder"):
        packed(tmp_path / "run")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an empty folder"):
        packed(tmp_path)
