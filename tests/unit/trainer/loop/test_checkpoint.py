"""One suite for both kinds of checkpoints, then the folder's own cases: damage, temporaries, a full disk, older formats."""

import json
import subprocess
import sys
import textwrap

import pytest
import torch

from naiad.errors import ArtifactError
from naiad.trainer.artifact import checksums
from naiad.trainer.loop.checkpoint import FolderCheckpoints, MemoryCheckpoints, Snapshot


def snapshot(step):
    tensors = {"net/weight": torch.full((3, 2), float(step)), "random/cpu": torch.arange(5, dtype=torch.uint8)}
    return Snapshot(step, tensors, {"epoch_loss_sum": 0.1 + step, "history": [{"epoch": 1}]})


@pytest.fixture(params=["memory", "folder"])
def checkpoints(request, tmp_path):
    return MemoryCheckpoints() if request.param == "memory" else FolderCheckpoints(tmp_path / "checkpoints")


def test_without_a_snapshot_there_is_no_latest(checkpoints):
    assert checkpoints.latest() is None


def test_a_snapshot_is_read_back(checkpoints):
    checkpoints.save(snapshot(7))
    latest = checkpoints.latest()
    assert latest.step == 7
    assert latest.values == snapshot(7).values
    assert all(torch.equal(latest.tensors[name], tensor) for name, tensor in snapshot(7).tensors.items())


def test_the_newest_regular_one_is_found(checkpoints):
    checkpoints.save(snapshot(5))
    checkpoints.save(snapshot(6), regular=False)
    assert checkpoints.latest().step == 6
    assert checkpoints.latest(regular=True).step == 5


def test_clear_after_removes_later_ones(checkpoints):
    checkpoints.save(snapshot(5))
    checkpoints.save(snapshot(6), regular=False)
    checkpoints.clear_after(5)
    assert checkpoints.latest().step == 5


def test_the_last_k_regular_ones_are_kept(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path, keep=2)
    for step in (10, 20, 30):
        checkpoints.save(snapshot(step))
        checkpoints.save(snapshot(step + 1), regular=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"step-{n:08d}" for n in (20, 21, 30, 31)]


def test_temporaries_of_killed_runs_are_removed(tmp_path):
    (tmp_path / ".partial-step-00000009").mkdir()
    FolderCheckpoints(tmp_path).save(snapshot(10))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]


def test_a_kill_while_an_old_one_is_removed_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def cut_short(path, **_):
        next(path.iterdir()).unlink()
        raise Killed

    checkpoints = FolderCheckpoints(tmp_path, keep=1)
    checkpoints.save(snapshot(1))
    with monkeypatch.context() as patch:
        patch.setattr("naiad.trainer.loop.checkpoint.shutil.rmtree", cut_short)
        with pytest.raises(Killed):
            checkpoints.save(snapshot(2))
    again = FolderCheckpoints(tmp_path, keep=1)
    assert again.latest().step == 2
    again.save(snapshot(3))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000003"]


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_flipped_bit_is_found(tmp_path, name):
    FolderCheckpoints(tmp_path).save(snapshot(3))
    path = tmp_path / "step-00000003" / name
    for position in range(0, len(path.read_bytes()), 17):
        data = bytearray(path.read_bytes())
        data[position] ^= 4
        path.write_bytes(data)
        with pytest.raises(ArtifactError, match=rf"{path} is damaged") as caught:
            FolderCheckpoints(tmp_path).latest()
        assert "start anew" in caught.value.hint
        data[position] ^= 4
        path.write_bytes(data)
    assert FolderCheckpoints(tmp_path).latest().step == 3


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", [flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_damaged_newest_one_gives_way_to_the_one_before(tmp_path, name, damage):
    checkpoints = FolderCheckpoints(tmp_path)
    for step in (10, 20, 30):
        checkpoints.save(snapshot(step))
    checkpoints.save(snapshot(35), regular=False)
    for step in (30, 35):
        damage(tmp_path / f"step-{step:08d}" / name)
    again = FolderCheckpoints(tmp_path)
    assert again.latest().step == 20
    notes = again.take_notes()
    assert [f"step-{step:08d}/{name} is" in note for step, note in zip((35, 30), notes, strict=True)] == [True, True]
    assert all(note.endswith("; the checkpoint before it is taken") for note in notes)
    assert again.take_notes() == []
    assert again.latest(regular=True).step == 20
    again.save(snapshot(40))
    again.save(snapshot(30))
    assert FolderCheckpoints(tmp_path).latest().step == 40


def test_where_all_are_damaged_the_newest_is_named(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path)
    for step in (10, 20):
        checkpoints.save(snapshot(step))
        flip(tmp_path / f"step-{step:08d}" / "state.json")
    with pytest.raises(ArtifactError, match=r"step-00000020/state.json is damaged") as caught:
        checkpoints.latest()
    assert "no checkpoint of the run is whole" in caught.value.hint
    assert checkpoints.take_notes() == []


def write_version(folder, version):
    state = json.loads((folder / "state.json").read_text()) | {"format_version": version}
    (folder / "state.json").write_text(json.dumps(state))
    digests = {name: checksums.file_sha256(folder / name) for name in ("tensors.safetensors", "state.json")}
    (folder / "manifest.json").write_text(json.dumps(digests))


def test_a_newer_format_is_refused(tmp_path):
    FolderCheckpoints(tmp_path).save(snapshot(3))
    write_version(tmp_path / "step-00000003", 99)
    with pytest.raises(ArtifactError, match="format 99"):
        FolderCheckpoints(tmp_path).latest()


def test_the_names_of_format_1_are_read(tmp_path):
    tensors = {"average/0.weight": torch.ones(2), "net/0.weight": torch.zeros(2)}
    values = {
        "turns": [],
        "halvings": [],
        "rate_scale": 0.1,
        "returns": 1,
        "loss_sum": 0.5,
        "loss_samples": 4,
        "history": [],
    }
    FolderCheckpoints(tmp_path).save(Snapshot(3, tensors, values))
    write_version(tmp_path / "step-00000003", 1)
    latest = FolderCheckpoints(tmp_path).latest()
    assert set(latest.tensors) == {"ema/0.weight", "net/0.weight"}
    assert latest.values == {
        "schedule_adjustments": [],
        "microbatch_history": [],
        "learning_rate_scale": 0.1,
        "rollbacks": 1,
        "epoch_loss_sum": 0.5,
        "epoch_samples": 4,
        "history": [],
    }


def test_a_full_disk_leaves_the_old_checkpoint_and_no_partial_file(tmp_path):
    program = textwrap.dedent("""
        import sys, pathlib, torch
        from naiad.errors import DiskFull
        from naiad.trainer.loop.checkpoint import FolderCheckpoints, Snapshot
        folder = pathlib.Path(sys.argv[1])
        checkpoints = FolderCheckpoints(folder)
        checkpoints.save(Snapshot(1, {"net/w": torch.zeros(50_000)}, {}))
        try:
            checkpoints.save(Snapshot(2, {"net/w": torch.zeros(500_000)}, {}))
        except DiskFull as error:
            print("full:", error)
        print("latest", checkpoints.latest().step, sorted(path.name for path in folder.iterdir()))
    """)
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount, program], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert "full: no room is left" in done.stdout, done.stderr
    assert "latest 1 ['step-00000001']" in done.stdout
