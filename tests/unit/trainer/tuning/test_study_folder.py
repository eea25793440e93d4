"""The folder of a study: its journal survives a kill, and says what was trained twice."""

import json

import pytest

from naiad.errors import ArtifactError, FolderError, FolderInUse, OptionError
from naiad.trainer.tuning.study_folder import JOURNAL, open_study_folder
from naiad.trainer.tuning.trial import Trial, TrialState


def begin(path):
    folder = open_study_folder(path, resume=False)
    folder.lock()
    folder.write_settings({"seed": 0})
    return folder


def test_the_last_line_of_each_trial_counts(tmp_path):
    folder = begin(tmp_path / "study")
    folder.record(Trial(0))
    folder.record(Trial(1, {"lr": 0.1}))
    done = Trial(1, {"lr": 0.1}, TrialState.COMPLETE, 0.9, ((1, 0.5), (2, 0.9)), seconds=1.5, ended_s=3.0)
    folder.record(done)
    folder.close()
    again = open_study_folder(tmp_path / "study", resume=True)
    assert again.trials == {0: Trial(0), 1: done}
    assert again.settings["seed"] == 0


def test_an_incomplete_last_line_is_passed_over(tmp_path):
    begin(tmp_path / "study").close()
    journal = tmp_path / "study" / JOURNAL
    line = json.dumps(Trial(0).to_json())
    journal.write_text(f'{line}\n{{"number": 1, "val')
    again = open_study_folder(tmp_path / "study", resume=True)
    assert list(again.trials) == [0]
    again.record(Trial(1))
    again.close()
    assert list(open_study_folder(tmp_path / "study", resume=True).trials) == [0, 1]


def test_a_damaged_line_is_told(tmp_path):
    begin(tmp_path / "study").close()
    (tmp_path / "study" / JOURNAL).write_text("nonsense\n{}\n")
    with pytest.raises(ArtifactError, match="line 1 of"):
        open_study_folder(tmp_path / "study", resume=True)


def test_damaged_settings_are_told(tmp_path):
    begin(tmp_path / "study").close()
    file = tmp_path / "study" / "study.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ArtifactError, match=r"study\.json is damaged"):
        open_study_folder(tmp_path / "study", resume=True)


def test_a_folder_is_not_taken_twice(tmp_path):
    folder = begin(tmp_path / "study")
    with pytest.raises(FolderInUse, match="holds a search already"):
        open_study_folder(tmp_path / "study", resume=False)
    with pytest.raises(FolderInUse):
        open_study_folder(tmp_path / "study", resume=True).lock()
    folder.close()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(FolderError, match="not an empty folder"):
        open_study_folder(tmp_path / "other", resume=False)
    with pytest.raises(OptionError, match="resume needs the folder"):
        open_study_folder(None, resume=True)


def test_a_temporary_folder_goes():
    folder = open_study_folder(None, resume=False)
    folder.lock()
    assert folder.model_folder is None
    assert folder.path.is_dir()
    folder.close()
    assert not folder.path.exists()


def test_epochs_that_are_trained_again_are_counted(tmp_path):
    folder = begin(tmp_path / "study")
    for epoch in (1, 2):
        folder.count_epoch(0, epoch)
    folder.record(Trial(0, curve=((1, 0.1), (2, 0.2))))
    folder.close()
    again = open_study_folder(tmp_path / "study", resume=True)
    again.count_epoch(0, 2)
    again.count_epoch(0, 3)
    again.count_epoch(1, 1)
    assert again.trained_twice == 1


def test_a_search_that_runs_is_neither_read_nor_changed_by_one_that_would_resume_it(tmp_path):
    running = begin(tmp_path / "study")
    running.record(Trial(0))
    journal = tmp_path / "study" / JOURNAL
    with journal.open("a") as file:
        file.write('{"number": 1, ')  # it is being written
    before = journal.read_bytes()
    with pytest.raises(FolderInUse, match="is writing into the folder"):
        open_study_folder(tmp_path / "study", resume=True)
    assert journal.read_bytes() == before
    running.close()


def test_a_damaged_search_is_let_go(tmp_path):
    begin(tmp_path / "study").close()
    (tmp_path / "study" / JOURNAL).write_text("nonsense\n")
    for _ in range(2):
        with pytest.raises(ArtifactError):
            open_study_folder(tmp_path / "study", resume=True)


def test_a_folder_with_other_things_is_not_resumed(tmp_path):
    (tmp_path / "photo.png").touch()
    with pytest.raises(FolderError, match="there is no search in"):
        open_study_folder(tmp_path, resume=True)
    (tmp_path / "killed" / "trials").mkdir(parents=True)
    (tmp_path / "killed" / "run.lock").touch()
    assert open_study_folder(tmp_path / "killed", resume=True).settings is None


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="is a file"):
        open_study_folder(tmp_path / "file" / "study", resume=False)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(FolderError, match="not writable"):
        open_study_folder(tmp_path / "study", resume=False)


def test_what_is_left_of_a_trial_that_the_journal_does_not_have_is_removed(tmp_path):
    folder = begin(tmp_path / "study")
    plan = folder.trial_folder(3) / "plan.json"
    plan.parent.mkdir()
    plan.touch()
    folder.clear_trial(3)
    folder.clear_trial(4)
    assert not plan.parent.exists()
