"""An artifact's folder: written whole or not at all, checked when it is opened."""

import json
import subprocess
import sys
import textwrap

import pytest

from naiad import durable
from naiad.errors import ArtifactError, DiskFull, FolderError
from naiad.trainer.artifact import checksums
from naiad.trainer.artifact.folder import FORMAT_VERSION, add_files, commit, open_artifact_folder, replace_artifact


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write(folder, files, **values):
    with replace_artifact(folder) as partial:
        for name, text in files.items():
            durable.write_file(partial / name, text.encode())
        commit(folder, values)


def write_half(folder, error):
    with replace_artifact(folder) as partial:
        durable.write_file(partial / "a", b"two")
        raise error


def texts(folder):
    artifact = open_artifact_folder(folder)
    return {name: artifact.file_path(name).read_text() for name in artifact.values["files"]}


def test_files_are_read_back_with_their_sizes(tmp_path):
    write(tmp_path / "shoes", {"a": "one", "b": "two"}, task="x")
    artifact = open_artifact_folder(tmp_path / "shoes")
    assert artifact.values["task"] == "x"
    assert artifact.values["format_version"] == FORMAT_VERSION
    assert artifact.values["files"]["a"]["size"] == 3
    assert names_in(tmp_path / "shoes") == ["a", "b", "naiad.json"]


def test_a_new_artifact_removes_the_files_of_the_old_one_and_no_others(tmp_path):
    write(tmp_path, {"a": "one", "b": "two"})
    (tmp_path / "mine").write_text("kept")
    write(tmp_path, {"a": "three"})
    assert texts(tmp_path) == {"a": "three"}
    assert names_in(tmp_path) == ["a", "mine", "naiad.json"]


def test_a_save_that_fails_leaves_the_old_artifact_and_no_partial(tmp_path):
    write(tmp_path, {"a": "one"})
    for error, expected in (
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(28, "No space left on device"), DiskFull),
    ):
        with pytest.raises(expected):
            write_half(tmp_path, error)
    assert texts(tmp_path) == {"a": "one"}
    assert names_in(tmp_path) == ["a", "naiad.json"]


DIE_AT_A_CALL = """
    import os, sys
    from pathlib import Path
    from naiad import durable
    from naiad.trainer.artifact.folder import commit, replace_artifact

    folder, last = Path(sys.argv[1]), int(sys.argv[2])
    calls = 0

    def watch(event, arguments):
        global calls
        if event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "open") and str(folder) in str(arguments[0]):
            calls += 1
            if calls == last:
                os._exit(9)

    sys.addaudithook(watch)
    with replace_artifact(folder) as partial:
        for name in ("a", "b"):
            durable.write_file(partial / name, b"new")
        commit(folder, {})
"""


def test_after_a_kill_at_any_call_a_reader_finds_the_old_or_the_new_artifact(tmp_path):
    """Kills the writer at every fourth of the forty or so calls that touch the folder. The next save succeeds."""
    contents = []
    for last in range(1, 200, 4):
        folder = tmp_path / str(last)
        write(folder, {"a": "old", "c": "old"})
        program = textwrap.dedent(DIE_AT_A_CALL)
        outcome = subprocess.run([sys.executable, "-c", program, folder, str(last)], check=False)
        contents.append(texts(folder))
        write(folder, {"d": "third"})
        assert texts(folder) == {"d": "third"}
        assert names_in(folder) == ["d", "naiad.json"]
        if outcome.returncode == 0:
            break
    old, new = {"a": "old", "c": "old"}, {"a": "new", "b": "new"}
    switch = contents.index(new)
    assert contents == [old] * switch + [new] * (len(contents) - switch)
    assert 0 < switch < len(contents) - 1


def test_add_files_lists_files_and_folders(tmp_path):
    write(tmp_path, {"a": "one"})
    (tmp_path / "report").mkdir()
    for name in ("report.html", "report/curves.png"):
        (tmp_path / name).write_text(name)
    add_files(tmp_path, ["report.html", "report", "absent"])
    assert set(texts(tmp_path)) == {"a", "report.html", "report/curves.png"}
    (tmp_path / "report/curves.png").write_text("changed")
    with pytest.raises(ArtifactError, match=r"report/curves.png is damaged"):
        open_artifact_folder(tmp_path)


def test_a_folder_that_is_no_artifact_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match=r"is no artifact: it has no naiad\.json"):
        open_artifact_folder(tmp_path)
    with pytest.raises(ArtifactError, match="is no artifact: it does not exist"):
        open_artifact_folder(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="is no artifact: it is no folder"):
        open_artifact_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "naiad.json is damaged: it is no JSON"),
        ("[]", "naiad.json is damaged: it is no JSON"),
        ('{"format": "other"}', "naiad.json is not of an artifact, or damaged"),
        ('{"format": "naiad-artifact", "format_version": 1}', "naiad.json is damaged: it has no sha256 of its own"),
        (
            '{"format": "naiad-artifact", "format_version": 9}',
            r"artifact format 9 is newer than this naiad reads \(2\)",
        ),
    ],
)
def test_a_damaged_or_newer_record_is_refused(tmp_path, text, message):
    (tmp_path / "naiad.json").write_text(text)
    with pytest.raises(ArtifactError, match=message):
        open_artifact_folder(tmp_path)


def test_a_record_may_not_name_a_file_outside_of_the_folder(tmp_path):
    (tmp_path / "secret").write_text("kept")
    folder = tmp_path / "shoes"
    write(folder, {"a": "one"})
    record = json.loads((folder / "naiad.json").read_text())
    record.pop("sha256")
    record["files"]["../secret"] = {"sha256": "0" * 64, "size": 4}
    (folder / "naiad.json").write_bytes(checksums.dumps_with_sha256(record))
    with pytest.raises(ArtifactError, match="outside of the folder"):
        open_artifact_folder(folder)
    write(folder, {"a": "two"})
    assert (tmp_path / "secret").read_text() == "kept"


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError), replace_artifact(tmp_path / "file"):
        pass
