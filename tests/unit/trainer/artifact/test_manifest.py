import errno
import os
import subprocess
import sys
import textwrap

import pytest

from naiad import durable
from naiad.errors import ArtifactError, DiskFull, FolderError
from naiad.trainer.artifact import manifest


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_check_names_the_file(tmp_path):
    for name in ("a", "b"):
        durable.write_file(tmp_path / name, name.encode())
    digests = {name: manifest.digest(tmp_path / name) for name in ("a", "b")}
    manifest.check(tmp_path, digests)
    (tmp_path / "b").write_bytes(flipped(b"b", 3))
    with pytest.raises(ArtifactError, match=r"b is damaged: its sha256 is \w{12}, recorded was \w{12}"):
        manifest.check(tmp_path, digests)
    (tmp_path / "b").unlink()
    with pytest.raises(ArtifactError, match="b is missing"):
        manifest.check(tmp_path, digests)


def test_check_file_tells_the_sizes(tmp_path):
    durable.write_file(tmp_path / "a", b"short")
    with pytest.raises(ArtifactError, match="5 bytes for 1,000"):
        manifest.check_file(tmp_path / "a", "0" * 64, size=1000)


def test_seal_gives_back_what_it_was_given():
    values = {"name": "sälj", "files": {"a": {"sha256": "0" * 64}}, "list": [1, 2.5, None]}
    assert manifest.unseal(manifest.seal(values)) == values


def test_no_bit_of_sealed_json_may_change():
    sealed = manifest.seal({"rate": 1e-05, "files": {"a": {"sha256": "ab" * 32}}, "nested": {"sha256": "x"}})
    for bit in range(8 * len(sealed)):
        with pytest.raises(ValueError):  # noqa: PT011  # reason: json's own errors are ValueErrors
            manifest.unseal(flipped(sealed, bit))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_saving_tells_of_a_full_disk_and_removes_the_partial_file(tmp_path, code):
    partial = tmp_path / "a.partial"
    partial.write_bytes(b"half")
    with pytest.raises(DiskFull, match=f"the disk of {tmp_path}"), manifest.saving(partial):
        raise OSError(code, os.strerror(code))
    assert not partial.exists()


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_saving_tells_of_a_folder_that_cannot_be_written(tmp_path, code):
    with pytest.raises(FolderError, match=str(tmp_path)), manifest.saving(tmp_path / "a.partial"):
        raise OSError(code, os.strerror(code))


def test_saving_passes_other_errors_on_and_removes_a_partial_folder(tmp_path):
    partial = tmp_path / "partial"
    partial.mkdir()
    (partial / "a").write_bytes(b"half")
    with pytest.raises(KeyboardInterrupt), manifest.saving(partial):
        raise KeyboardInterrupt
    assert not partial.exists()


def test_ensure_folder_makes_one_and_leaves_it_empty(tmp_path):
    manifest.ensure_folder(tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == []


def test_ensure_folder_refuses_what_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("long" * 100)):
        with pytest.raises(FolderError, match="cannot be written"):
            manifest.ensure_folder(path)


FILL_A_SMALL_DISK = """
    import os, sys
    from pathlib import Path
    import numpy as np, safetensors.torch, torch
    from naiad.errors import DiskFull
    from naiad import durable
    from naiad.trainer.artifact import manifest

    folder = Path(sys.argv[1])
    big = torch.zeros(1_000_000)
    durable.write_file(folder / "old", b"old")
    ways = {
        "bytes": lambda path: durable.write_file(path, big.numpy().tobytes()),
        "torch": lambda path: torch.save(big, path),
        "safetensors": lambda path: safetensors.torch.save_file({"big": big}, path),
    }
    for way, write in ways.items():
        partial = folder / "new.partial"
        try:
            with manifest.saving(partial):
                write(partial)
        except DiskFull as error:
            assert str(folder) in str(error)
            print(way, sorted(os.listdir(folder)))
"""


def test_a_disk_that_is_really_full(tmp_path):
    command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    outcome = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command, "sh", tmp_path, sys.executable, textwrap.dedent(FILL_A_SMALL_DISK)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if outcome.returncode and ("unshare" in outcome.stderr or "mount" in outcome.stderr):
        pytest.skip(f"no small disk can be mounted here: {outcome.stderr.strip()}")
    assert outcome.stdout.splitlines() == [f"{way} ['old']" for way in ("bytes", "torch", "safetensors")], (
        outcome.stderr
    )
