"""Who may use a folder, and what makes a resumed run another run."""

import json
import os
from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import ArtifactError, DataError, FolderError, NetworkError, OptionError
from naiad.trainer.machine.processes import Alone
from naiad.trainer.run_folder import RunRecord, check_alike, claim, data_digest, network_digest


def net(width=3):
    return nn.Linear(5, width)


@pytest.fixture
def started(tmp_path, blobs, plan):
    claim(tmp_path / "run", resume=False).begin(RunRecord.of(plan(), blobs, net()))
    return tmp_path / "run"


def test_claiming_writes_nothing(tmp_path):
    claim(tmp_path / "a" / "b", resume=False)
    assert not list(tmp_path.iterdir())


def test_a_run_is_read_back(started, blobs, plan):
    folder = claim(started, resume=True)
    assert folder.resuming
    assert folder.record() == RunRecord.of(plan(), blobs, net())
    assert folder.record().check(blobs, net(), {"epochs": 4}, seed=0) == []


def test_a_folder_with_a_run_is_not_overwritten(started):
    with pytest.raises(FolderError, match="holds a run already"):
        claim(started, resume=False)


def test_a_folder_with_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FolderError, match="is not empty"):
        claim(tmp_path, resume=False)


def test_resuming_where_nothing_was_started_starts(tmp_path):
    assert not claim(tmp_path / "new", resume=True).resuming


def test_resume_needs_a_folder():
    with pytest.raises(OptionError, match="resume needs the folder"):
        claim(None, resume=True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="is a file"):
        claim(tmp_path / "file" / "run", resume=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FolderError, match="not writable"):
        claim(tmp_path / "run", resume=False)


def test_another_run_is_refused(started, blobs):
    record = claim(started, resume=True).record()
    changed = replace(blobs, train=replace(blobs.train, targets=blobs.train.targets.flip(0)))
    with pytest.raises(DataError, match="training data differs"):
        record.check(changed, net(), {}, seed=0)
    with pytest.raises(NetworkError, match="network differs"):
        record.check(blobs, net(4), {}, seed=0)
    with pytest.raises(OptionError, match=r"batch_size was 10 when the run was started, given 20"):
        record.check(blobs, net(), {"batch_size": 20}, seed=0)
    with pytest.raises(OptionError, match="seed was 0"):
        record.check(blobs, net(), {}, seed=1)


def test_another_torch_is_told(started, blobs):
    record = replace(claim(started, resume=True).record(), torch_version="2.10.0")
    assert "started with torch 2.10.0" in record.check(blobs, net(), {}, seed=0)[0]


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_record_is_told(started, damage):
    file = started / "run.json"
    content = bytearray(file.read_bytes())
    if damage == "gone":
        folder = claim(started, resume=True)
        file.unlink()
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes(content if damage == "flip" else content[:-9])
        folder = claim(started, resume=True)
    with pytest.raises(ArtifactError, match="damaged"):
        folder.record()


def test_the_record_is_plain_json(started):
    assert json.loads((started / "run.json").read_text())


def test_digests_follow_the_content(blobs):
    changed = blobs.train.samples.tensor.clone()
    changed[0, 0] += 1
    other = replace(blobs, train=replace(blobs.train, samples=type(blobs.train.samples)(changed)))
    assert data_digest(blobs) == data_digest(blobs)
    assert data_digest(blobs) != data_digest(other)
    torch.manual_seed(1)
    assert network_digest(net()) == network_digest(net())
    assert network_digest(net()) != network_digest(net(4))


class Group(Alone):
    """Of two processes, the other of which answers ``theirs``."""

    def __init__(self, theirs):
        super().__init__(0, 2)
        self.__dict__["theirs"] = theirs

    def gather(self, value):
        return [value, self.theirs]


def test_processes_must_have_the_same_data_and_network(blobs):
    data, network = data_digest(blobs), network_digest(net())
    check_alike(Alone(), blobs, net())
    check_alike(Group((data, network)), blobs, net())
    with pytest.raises(DataError, match="training data of the 2 processes differs"):
        check_alike(Group(("other", network)), blobs, net())
    with pytest.raises(NetworkError, match="network of the 2 processes differs"):
        check_alike(Group((data, "other")), blobs, net())


def test_another_number_of_processes_is_told(started, blobs):
    record = claim(started, resume=True).record()
    assert record.processes == 1
    note = record.check(blobs, net(), {}, seed=0, processes=3)[0]
    assert note == "the run was started by 1 process; by 3 processes its last bits will differ"


def test_a_process_that_does_not_write_has_no_folder(started):
    folder = claim(started, resume=True).unwritten()
    assert (folder.path, folder.resuming, folder.checkpoints.latest()) == (None, True, None)
