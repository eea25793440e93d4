"""One suite for both stores, then what only the folder has: damage, stale temporaries, a full disk."""

import json
import subprocess
import sys
import textwrap

import pytest
import torch

from naiad.errors import ArtifactError
from naiad.trainer.artifact import manifest
from naiad.trainer.loop.checkpoint import FolderCheckpoints, MemoryCheckpoints, Snapshot


def snapshot(step):
    tensors = {"net/weight": torch.full((3, 2), float(step)), "random/cpu": torch.arange(5, dtype=torch.uint8)}
    return Snapshot(step, tensors, {"loss_sum": 0.1 + step, "history": [{"epoch": 1}]})


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path):
    return MemoryCheckpoints() if request.param == "memory" else FolderCheckpoints(tmp_path / "checkpoints")


def test_an_empty_store_has_no_latest(store):
    assert store.latest() is None


def test_what_is_saved_comes_back(store):
    store.save(snapshot(7))
    found = store.latest()
    assert found.step == 7
    assert found.values == snapshot(7).values
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in snapshot(7).tensors.items())


def test_the_newest_regular_one_is_told_apart(store):
    store.save(snapshot(5))
    store.save(snapshot(6), regular=False)
    assert store.latest().step == 6
    assert store.latest(regular=True).step == 5


def test_clear_after_forgets_later_ones(store):
    store.save(snapshot(5))
    store.save(snapshot(6), regular=False)
    store.clear_after(5)
    assert store.latest().step == 5


def test_the_last_k_regular_ones_are_kept(tmp_path):
    store = FolderCheckpoints(tmp_path, keep=2)
    for step in (10, 20, 30):
        store.save(snapshot(step))
        store.save(snapshot(step + 1), regular=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"step-{n:08d}" for n in (20, 21, 30, 31)]


def test_stale_temporaries_are_swept(tmp_path):
    (tmp_path / ".partial-step-00000009").mkdir()
    FolderCheckpoints(tmp_path).save(snapshot(10))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]


def test_a_kill_while_an_old_one_is_removed_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def cut_short(path, **_):
        next(path.iterdir()).unlink()
        raise Killed

    store = FolderCheckpoints(tmp_path, keep=1)
    store.save(snapshot(1))
    with monkeypatch.context() as patch:
        patch.setattr("naiad.trainer.loop.checkpoint.shutil.rmtree", cut_short)
        with pytest.raises(Killed):
            store.save(snapshot(2))
    again = FolderCheckpoints(tmp_path, keep=1)
    assert again.latest().step == 2
    again.save(snapshot(3))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000003"]


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_flipped_bit_is_refused_and_the_file_named(tmp_path, name):
    FolderCheckpoints(tmp_path).save(snapshot(3))
    path = tmp_path / "step-00000003" / name
    for position in range(0, len(path.read_bytes()), 17):
        data = bytearray(path.read_bytes())
        data[position] ^= 4
        path.write_bytes(data)
        with pytest.raises(ArtifactError, match=r"damaged|missing"):
            FolderCheckpoints(tmp_path).latest()
        data[position] ^= 4
        path.write_bytes(data)
    assert FolderCheckpoints(tmp_path).latest().step == 3


def test_a_newer_format_is_refused(tmp_path):
    FolderCheckpoints(tmp_path).save(snapshot(3))
    folder = tmp_path / "step-00000003"
    state = json.loads((folder / "state.json").read_text()) | {"format_version": 99}
    (folder / "state.json").write_text(json.dumps(state))
    digests = {name: manifest.digest(folder / name) for name in ("tensors.safetensors", "state.json")}
    (folder / "manifest.json").write_text(json.dumps(digests))
    with pytest.raises(ArtifactError, match="format 99"):
        FolderCheckpoints(tmp_path).latest()


def test_a_full_disk_leaves_the_old_checkpoint_and_no_partial_file(tmp_path):
    program = textwrap.dedent("""
        import sys, pathlib, torch
        from naiad.errors import DiskFull
        from naiad.trainer.checkpoint import FolderCheckpoints, Snapshot
        folder = pathlib.Path(sys.argv[1])
        store = FolderCheckpoints(folder)
        store.save(Snapshot(1, {"net/w": torch.zeros(50_000)}, {}))
        try:
            store.save(Snapshot(2, {"net/w": torch.zeros(500_000)}, {}))
        except DiskFull as error:
            print("full:", error)
        print("latest", store.latest().step, sorted(path.name for path in folder.iterdir()))
    """)
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount, program], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert "full: no room is left" in done.stdout, done.stderr
    assert "latest 1 ['step-00000001']" in done.stdout
