"""The folder of a search: what it was started with, and a journal of its trials. A kill at any moment loses no trial.

    out/  run.lock  study.json  trials.jsonl  trials/0000/  …  model/  report.html  report/

``trials.jsonl`` has a line for each change of a trial; the last one of each number counts. An incomplete last line, which a kill
may leave, is passed over. A trial that was running at a kill goes on from its last checkpoint.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.errors import ArtifactError, FolderError, FolderInUse, OptionError
from naiad.trainer.artifact import checksums, writing
from naiad.trainer.artifact.user_path import read_folder_path
from naiad.trainer.machine import folder_lock
from naiad.trainer.run_folder import check_writable
from naiad.trainer.tuning.trial import Trial

STUDY_FILE, JOURNAL, TRIALS, MODEL = "study.json", "trials.jsonl", "trials", "model"
_FORMAT = 1


@dataclass
class StudyFolder:
    """Made by ``open_study_folder``; ``lock`` comes first, ``close`` last."""

    path: Path
    is_temporary: bool
    """Whether it is removed by ``close``."""
    settings: Mapping[str, Any] | None
    """The settings that the search in the folder was started with; None for a new one."""
    trials: dict[int, Trial] = field(default_factory=dict)
    """Trials of the journal, by number."""
    trained_twice: int = 0
    """Epochs that were trained again after a crash."""
    _epochs: set[tuple[int, int]] = field(default_factory=set)
    _locked: bool = False

    @property
    def trials_folder(self) -> Path:
        return self.path / TRIALS

    def trial_folder(self, number: int) -> Path:
        return trial_folder(self.trials_folder, number)

    @property
    def model_folder(self) -> Path | None:
        """Folder of the chosen model's artifact; None where nothing is kept."""
        return None if self.is_temporary else self.path / MODEL

    def lock(self) -> None:
        """Makes the folder and keeps other searches out of it; one that is resumed is locked already.

        Raises FolderInUse, FolderError, DiskFull.
        """
        with writing.translate_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.is_temporary and not self._locked:
                folder_lock.lock_folder(self.path)
                self._locked = True
            if self.settings is None and (self.path / STUDY_FILE).exists():  # another search began and ended meanwhile
                self.close()
                raise FolderInUse(f"the folder {self.path} holds a search already", hint="name another one")
            self.trials_folder.mkdir(exist_ok=True)

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        with writing.translate_errors(self.path):
            values = {"format_version": _FORMAT, **settings}
            durable.write_file(self.path / STUDY_FILE, checksums.dumps_with_sha256(values))

    def record(self, trial: Trial, *, is_durable: bool = True) -> None:
        """Adds a trial as it is now. is_durable: synced, so that it survives a loss of power. Raises DiskFull, FolderError."""
        self.trials[trial.number] = trial
        line = json.dumps(trial.to_json(), separators=(",", ":")) + "\n"
        with writing.translate_errors(self.path), (self.path / JOURNAL).open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            if is_durable:
                os.fsync(file.fileno())

    def clear_trial(self, number: int) -> None:
        """Removes what is left of a trial that the journal does not have, as after a loss of power."""
        shutil.rmtree(self.trial_folder(number), ignore_errors=True)

    def count_epoch(self, number: int, epoch: int) -> None:
        """Counts an epoch that was trained, and whether it was trained before."""
        self.trained_twice += (number, epoch) in self._epochs
        self._epochs.add((number, epoch))

    def close(self) -> None:
        """Lets other searches in, and removes a temporary folder. May be called twice."""
        if self._locked:
            folder_lock.unlock_folder(self.path)
            self._locked = False
        if self.is_temporary:
            shutil.rmtree(self.path, ignore_errors=True)

    def _read_journal(self) -> None:
        file = self.path / JOURNAL
        if not file.exists():
            return
        data = file.read_bytes()
        whole, newline, rest = data.rpartition(b"\n")
        for number, line in enumerate(whole.split(b"\n") if whole else (), start=1):
            try:
                trial = Trial.from_json(json.loads(line))
            except (ValueError, OptionError) as error:
                raise ArtifactError(
                    f"line {number} of {file} is damaged: {error}", hint="start anew in another folder"
                ) from error
            self.trials[trial.number] = trial
        if rest:
            durable.write_file(file, whole + newline)
        self._epochs = {(trial.number, epoch) for trial in self.trials.values() for epoch, _ in trial.curve}


def trial_folder(trials: Path, number: int) -> Path:
    return trials / f"{number:04d}"


def open_study_folder(out: str | Path | None, *, resume: bool) -> StudyFolder:
    """Returns the folder of a new search, which is not made yet, or that of the one that is resumed, locked and read.

    Raises OptionError, FolderInUse, FolderError, ArtifactError for a damaged journal.
    """
    if out is None:
        if resume:
            raise OptionError("resume needs the folder of the search", hint="name it with out=")
        return StudyFolder(Path(tempfile.mkdtemp(prefix="naiad-tune-")), is_temporary=True, settings=None)
    path = read_folder_path(out, name="out", error=FolderError)
    check_writable(path)
    if not resume or not (path / STUDY_FILE).exists():
        _check_free(path, is_resumed=resume)
        return StudyFolder(path, is_temporary=False, settings=None)
    folder = StudyFolder(path, is_temporary=False, settings={})
    folder.lock()  # before it is read: another search may write into it
    try:
        folder.settings = _read_settings(path / STUDY_FILE)
        folder._read_journal()
    except BaseException:
        folder.close()
        raise
    return folder


def _check_free(path: Path, *, is_resumed: bool) -> None:
    """Raises FolderInUse, FolderError for a folder in which no search can begin. A kill may have left an empty one."""
    left_by_a_kill = {folder_lock.FILE_NAME, TRIALS}
    if not path.exists() or all(one.name in left_by_a_kill for one in path.iterdir()):
        return
    if is_resumed:
        raise FolderError(f"there is no search in {path}, and it is not empty", hint="name the folder of the search")
    if (path / STUDY_FILE).exists():
        raise FolderInUse(
            f"the folder {path} holds a search already", hint="name another one, or go on with it: resume=True"
        )
    raise FolderError(f"{path} is not an empty folder", hint="name another one")


def _read_settings(file: Path) -> Mapping[str, Any]:
    try:
        settings = checksums.loads_with_sha256(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{file} is damaged: {error}", hint="start anew in another folder") from error
    if settings.get("format_version", 0) > _FORMAT:
        raise ArtifactError(f"{file} is of a newer Naiad", hint="upgrade Naiad: git pull in its clone")
    return settings
