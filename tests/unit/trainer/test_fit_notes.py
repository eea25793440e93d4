"""``fit`` says what is not as one may expect, and refuses what it cannot do."""

import shutil
from dataclasses import replace

import pytest
from digits_runs import digit_splits, same, train

from naiad.errors import FolderInUse, OptionError
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture(scope="module")
def digits():
    return digit_splits()


class Notes(SilentProgress):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


def notes_of(data, **options):
    notes = Notes()
    train(data, progress=notes, **options)
    return notes.texts


def test_a_run_that_had_nothing_to_resume_says_so(digits, tmp_path):
    assert any("there is no run to resume" in text for text in notes_of(digits, out=tmp_path / "run", resume=True))
    assert not any("no run to resume" in text for text in notes_of(digits, out=tmp_path / "run", resume=True))


def test_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before(digits, tmp_path):
    model = train(digits, out=tmp_path / "run", plan={"checkpoint_steps": 5})
    *_, before, newest = sorted((tmp_path / "run" / "checkpoints").iterdir())
    (newest / "tensors.safetensors").write_bytes(b"cut")
    notes = Notes()
    again = train(digits, out=tmp_path / "run", resume=True, plan={"checkpoint_steps": 5}, progress=notes)
    first, second = notes.texts[:2]
    assert f"{newest}/tensors.safetensors is damaged" in first
    assert second == f"going on from the checkpoint at step {int(before.name.removeprefix('step-'))}"
    assert same(model, again)


def test_a_run_whose_checkpoints_are_gone_says_so(digits, tmp_path):
    model = train(digits, out=tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    notes = Notes()
    again = train(digits, out=tmp_path / "run", resume=True, progress=notes)
    assert any("no checkpoint of the run is left" in text for text in notes.texts)
    assert same(model, again)


def test_a_refused_second_run_leaves_the_first_ones_lock(digits, tmp_path):
    refused = []

    class Second(SilentProgress):
        def end_epoch(self, record):
            with pytest.raises(FolderInUse) as caught:
                train(digits, out=tmp_path / "run", resume=True)
            refused.append(str(caught.value))

    train(digits, out=tmp_path / "run", progress=Second())
    assert len(refused) == 2
    assert "this process" in refused[1]


def test_a_plan_that_is_followed_on_less_data_says_so(digits):
    plan = train(digits).plan
    less = {"train": tuple(part[:100] for part in digits["train"]), "test": digits["test"]}
    assert notes_of(digits, plan=plan, epochs=None) == []
    assert any("of these data" in text for text in notes_of(less, plan=plan, epochs=None))


def test_a_time_limit_that_cannot_be_kept_says_so(digits):
    assert any("longer than its limit" in text for text in notes_of(digits, time_limit_s=1e-3, epochs=None))


@pytest.mark.parametrize("device", ["cuda:99", "foo"])
def test_a_device_that_is_not_there_is_refused(digits, tmp_path, device):
    with pytest.raises(OptionError, match="cannot be used here"):
        train(digits, plan={"device": device}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(OptionError, match="cannot be used here"):
        train(digits, plan=replace(train(digits).plan, device=device), epochs=None)


def test_choices_that_contradict_each_other_are_refused(digits):
    with pytest.raises(OptionError, match="epochs is given twice"):
        train(digits, epochs=1, plan={"epochs": 2})
    with pytest.raises(OptionError, match="microbatch_size 4096 is larger than batch_size"):
        train(digits, plan={"microbatch_size": 4096})
