"""The errors of a folder that cannot be written."""

import errno
import os
import subprocess
import sys
import textwrap

import pytest

from naiad.errors import DiskFailed, DiskFull, FolderError, InputError
from naiad.trainer.artifact import writing


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_the_partial_file_removed(tmp_path, code):
    partial = tmp_path / "a.partial"
    partial.write_bytes(b"half")
    with pytest.raises(DiskFull, match=f"the disk of {tmp_path}"), writing.remove_on_failure(partial):
        raise OSError(code, os.strerror(code))
    assert not partial.exists()


def test_a_disk_that_fails_is_no_fault_of_the_input(tmp_path):
    expected = pytest.raises(DiskFailed, match=f"the disk of {tmp_path} fails: input/output error")
    with expected as caught, writing.translate_errors(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert not isinstance(caught.value, InputError)
    assert "resume=True" in caught.value.hint


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, code):
    with pytest.raises(FolderError, match=str(tmp_path)), writing.translate_errors(tmp_path):
        raise OSError(code, os.strerror(code))


def test_other_errors_pass_and_a_partial_folder_is_removed(tmp_path):
    partial = tmp_path / "partial"
    partial.mkdir()
    (partial / "a").write_bytes(b"half")
    with pytest.raises(KeyboardInterrupt), writing.remove_on_failure(partial):
        raise KeyboardInterrupt
    assert not partial.exists()


def test_a_new_folder_is_left_empty(tmp_path):
    writing.ensure_writable(tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == []


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("long" * 100)):
        with pytest.raises(FolderError, match="cannot be written"):
            writing.ensure_writable(path)


FILL_A_SMALL_DISK = """
    import os, sys
    from pathlib import Path
    import numpy as np, safetensors.torch, torch
    from naiad.errors import DiskFull
    from naiad import durable
    from naiad.trainer.artifact import writing

    folder = Path(sys.argv[1])
    big = torch.zeros(1_000_000)
    durable.write_file(folder / "old", b"old")
    writers = {
        "bytes": lambda path: durable.write_file(path, big.numpy().tobytes()),
        "torch": lambda path: torch.save(big, path),
        "safetensors": lambda path: safetensors.torch.save_file({"big": big}, path),
    }
    for name, write in writers.items():
        partial = folder / "new.partial"
        try:
            with writing.remove_on_failure(partial):
                write(partial)
        except DiskFull as error:
            assert str(folder) in str(error)
            print(name, sorted(os.listdir(folder)))
"""


def test_a_really_full_disk_is_named(tmp_path):
    command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    outcome = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command, "sh", tmp_path, sys.executable, textwrap.dedent(FILL_A_SMALL_DISK)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if outcome.returncode and ("unshare" in outcome.stderr or "mount" in outcome.stderr):
        pytest.skip(f"no small disk can be mounted here: {outcome.stderr.strip()}")
    assert outcome.stdout.splitlines() == [f"{name} ['old']" for name in ("bytes", "torch", "safetensors")], (
        outcome.stderr
    )
