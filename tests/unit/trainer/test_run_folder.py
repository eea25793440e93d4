"""Run folders: which may be used, and when a run may be resumed."""

import json
import os
from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import ArtifactError, DataError, FolderError, FolderInUse, NetworkError, OptionError
from naiad.trainer.machine.processes import SingleProcess
from naiad.trainer.run_folder import check_same_inputs, data_digest, network_digest, open_run_folder


def make_net(width=3):
    return nn.Linear(5, width)


@pytest.fixture
def run(tmp_path, blobs, plan):
    """The folder of a run that was run."""
    open_run_folder(tmp_path / "run", resume=False).write_record(plan(), blobs, make_net(), processes=1)
    return tmp_path / "run"


def test_opening_a_folder_writes_nothing(tmp_path):
    open_run_folder(tmp_path / "a" / "b", resume=False)
    assert not list(tmp_path.iterdir())


def test_a_run_is_read_back(run, blobs, plan):
    folder = open_run_folder(run, resume=True)
    assert (folder.previous.plan, folder.previous.data) == (plan(), data_digest(blobs))
    assert folder.previous.check(blobs, make_net(), {"epochs": 4}, seed=0) == []


def test_a_folder_with_a_run_is_not_overwritten(run):
    with pytest.raises(FolderInUse, match="holds a run already"):
        open_run_folder(run, resume=False)


def test_a_folder_with_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FolderError, match="is not empty"):
        open_run_folder(tmp_path, resume=False)


def test_resuming_in_an_empty_folder_starts_a_run(tmp_path):
    assert open_run_folder(tmp_path / "new", resume=True).previous is None


def test_resume_needs_a_folder():
    with pytest.raises(OptionError, match="resume needs the folder"):
        open_run_folder(None, resume=True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="is a file"):
        open_run_folder(tmp_path / "file" / "run", resume=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FolderError, match="not writable"):
        open_run_folder(tmp_path / "run", resume=False)


def test_another_run_is_refused(run, blobs):
    record = open_run_folder(run, resume=True).previous
    changed = replace(blobs, train=replace(blobs.train, targets=blobs.train.targets.flip(0)))
    with pytest.raises(DataError, match="training data differs"):
        record.check(changed, make_net(), {}, seed=0)
    with pytest.raises(NetworkError, match="network differs"):
        record.check(blobs, make_net(4), {}, seed=0)
    with pytest.raises(OptionError, match=r"batch_size was 10 when the run was started, given 20"):
        record.check(blobs, make_net(), {"batch_size": 20}, seed=0)
    with pytest.raises(OptionError, match="seed was 0"):
        record.check(blobs, make_net(), {}, seed=1)


def test_another_version_of_torch_is_noted(run, blobs):
    record = replace(open_run_folder(run, resume=True).previous, torch_version="2.10.0")
    assert "started with torch 2.10.0" in record.check(blobs, make_net(), {}, seed=0)[0]


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_a_damaged_record_is_refused(run, damage):
    content = bytearray((run / "run.json").read_bytes())
    content[len(content) // 2] ^= 1
    (run / "run.json").write_bytes(content if damage == "flip" else content[:-9])
    with pytest.raises(ArtifactError, match="damaged"):
        open_run_folder(run, resume=True)


def test_the_record_is_plain_json(run):
    assert json.loads((run / "run.json").read_text())


def test_digests_follow_the_content(blobs):
    changed = blobs.train.samples.tensor.clone()
    changed[0, 0] += 1
    other = replace(blobs, train=replace(blobs.train, samples=type(blobs.train.samples)(changed)))
    assert data_digest(blobs) == data_digest(blobs)
    assert data_digest(blobs) != data_digest(other)
    torch.manual_seed(1)
    assert network_digest(make_net()) == network_digest(make_net())
    assert network_digest(make_net()) != network_digest(make_net(4))


class TwoProcesses(SingleProcess):
    """A group of two processes; the other one sends ``other_value``."""

    def __init__(self, other_value):
        super().__init__(0, 2)
        self.__dict__["other_value"] = other_value

    def all_gather(self, value):
        return [value, self.other_value]


def test_processes_must_have_the_same_data_and_network(blobs):
    data, network = data_digest(blobs), network_digest(make_net())
    check_same_inputs(SingleProcess(), blobs, make_net())
    check_same_inputs(TwoProcesses((data, network)), blobs, make_net())
    with pytest.raises(DataError, match="training data of the 2 processes differs"):
        check_same_inputs(TwoProcesses(("other", network)), blobs, make_net())
    with pytest.raises(NetworkError, match="network of the 2 processes differs"):
        check_same_inputs(TwoProcesses((data, "other")), blobs, make_net())


def test_another_number_of_processes_is_noted(run, blobs):
    record = open_run_folder(run, resume=True).previous
    assert record.processes == 1
    note = record.check(blobs, make_net(), {}, seed=0, processes=3)[0]
    assert note == "the run was started by 1 process; by 3 processes its last bits will differ"


def test_a_process_that_does_not_write_has_no_path(run):
    folder = open_run_folder(run, resume=True).without_files()
    assert (folder.path, folder.checkpoints.latest()) == (None, None)
    assert folder.previous is not None


def test_a_folder_is_locked_for_one_run(tmp_path):
    first, second = (open_run_folder(tmp_path / "run", resume=False) for _ in range(2))
    first.lock()
    try:
        with pytest.raises(FolderInUse, match="a run is writing into the folder"):
            second.lock()
        second.unlock()
        with pytest.raises(FolderInUse):
            second.lock()
    finally:
        first.unlock()
    assert not list(tmp_path.iterdir())


def test_a_run_that_began_and_ended_meanwhile_is_not_overwritten(tmp_path, blobs, plan):
    late = open_run_folder(tmp_path / "run", resume=False)
    early = open_run_folder(tmp_path / "run", resume=True)
    early.lock()
    early.write_record(plan(), blobs, make_net(), processes=1)
    early.unlock()
    with pytest.raises(FolderInUse, match="holds a run already"):
        late.lock()
    again = open_run_folder(tmp_path / "run", resume=True)
    again.lock()
    again.unlock()


def test_a_lock_that_a_killed_run_left_is_no_content(tmp_path):
    (tmp_path / "run.lock").touch()
    folder = open_run_folder(tmp_path, resume=False)
    folder.lock()
    folder.unlock()


@pytest.mark.parametrize("out", ["a\0b", "x" * 5_000, os.fsdecode(b"caf\xe9"), "~nobody-of-this-name/run"])
def test_what_can_be_no_folder_is_refused(out):
    with pytest.raises(FolderError, match="cannot be a folder"):
        open_run_folder(out, resume=False)


@pytest.mark.parametrize("out", [3, b"run", ["run"], True])
def test_what_is_no_path_is_refused(out):
    with pytest.raises(OptionError, match="out takes a folder"):
        open_run_folder(out, resume=False)


def test_folders_that_were_made_for_a_lock_vanish_with_it(tmp_path):
    folder = open_run_folder(tmp_path / "runs" / "one", resume=False)
    folder.lock()
    assert (tmp_path / "runs" / "one").is_dir()
    folder.unlock()
    assert not list(tmp_path.iterdir())
    (tmp_path / "two").mkdir()
    folder = open_run_folder(tmp_path / "two", resume=False)
    folder.lock()
    folder.unlock()
    assert (tmp_path / "two").is_dir()
