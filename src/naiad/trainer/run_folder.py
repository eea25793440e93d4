"""The folder of a run: whether it may be used, what the run was started with, and where its files are written.

    out/  run.lock  run.json  checkpoints/  metrics.jsonl  events/  quarantine.csv  + the artifact's files

A run without a folder keeps everything in memory, behind the same methods.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from naiad import durable
from naiad.errors import ArtifactError, DataError, FolderError, FolderInUse, NetworkError, OptionError
from naiad.trainer.artifact import checksums, writing
from naiad.trainer.artifact.user_path import read_folder_path
from naiad.trainer.data.dataset import Dataset, TensorSamples, narrow_unless_lossy
from naiad.trainer.loop.checkpoint import Checkpoints, FolderCheckpoints, MemoryCheckpoints
from naiad.trainer.loop.events import EventFiles, EventWriter, NullEventWriter
from naiad.trainer.machine import folder_lock
from naiad.trainer.machine.processes import ProcessGroup
from naiad.trainer.plan.plan import Plan

_RECORD = "run.json"


@dataclass(frozen=True)
class RunRecord:
    """The inputs of a run. A resumed run ends like an uninterrupted one where all of them are the same."""

    plan: Plan
    data: str
    """Digest of the training split."""
    network: str
    """Digest of the weights' names and shapes."""
    torch_version: str
    processes: int = 1

    def check(
        self, dataset: Dataset, net: nn.Module, overrides: Mapping[str, Any], *, seed: int, processes: int = 1
    ) -> list[str]:
        """Returns notes on what may change the last bits. Raises InputError where the run would be another one."""
        if self.data != data_digest(dataset):
            raise DataError(
                "the training data differs from what the run was started with",
                hint="resume with the same data and options, or start anew in another folder",
            )
        if self.network != network_digest(net):
            raise NetworkError(
                "the network differs from what the run was started with", hint="start anew in another folder"
            )
        for name, value in {**overrides, "seed": seed}.items():
            recorded = getattr(self.plan, name)
            if value != recorded:
                raise OptionError(
                    f"{name} was {recorded} when the run was started, given {value}",
                    hint="leave it out to resume, or start anew in another folder",
                )
        notes = []
        if self.torch_version != str(torch.__version__):
            versions = f"torch {self.torch_version}; with {torch.__version__}"
            notes.append(f"the run was started with {versions} its last bits may differ")
        if self.processes != processes:
            counts = f"{_process_count(self.processes)}; by {_process_count(processes)}"
            notes.append(f"the run was started by {counts} its last bits will differ")
        return notes


@dataclass(frozen=True)
class RunFolder:
    """The place of a run's files; without arguments, memory only."""

    path: Path | None = None
    previous: RunRecord | None = None
    """The record of the run in the folder that is resumed; None for a new run."""
    checkpoints: Checkpoints = field(default_factory=MemoryCheckpoints)
    _made: list[Path] = field(default_factory=list, repr=False, compare=False)
    """Folders that ``lock`` has made."""
    _locked: list[Path] = field(default_factory=list, repr=False, compare=False)
    """The folder, while this run has its lock: another run of the same process may have it."""

    def write_record(self, plan: Plan, dataset: Dataset, net: nn.Module, *, processes: int) -> None:
        """Creates the folder and writes run.json. Raises FolderError, DiskFull."""
        if self.path is None:
            return
        writing.ensure_writable(self.path)
        record = RunRecord(plan, data_digest(dataset), network_digest(net), str(torch.__version__), processes)
        with writing.translate_errors(self.path):
            values = {**vars(record), "plan": plan.to_json()}
            durable.write_file(self.path / _RECORD, checksums.dumps_with_sha256(values))

    def lock(self) -> None:
        """Creates the folder and keeps other runs out of it until ``unlock``. Raises FolderInUse, FolderError, DiskFull."""
        if self.path is None:
            return
        self._made.extend(folder for folder in (self.path, *self.path.parents) if not folder.exists())
        with writing.translate_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            folder_lock.lock_folder(self.path)
        self._locked.append(self.path)
        has_run = (self.path / _RECORD).exists()
        if has_run and self.previous is None:  # a run began and ended since the folder was opened
            self.unlock()
            raise FolderInUse(f"the folder {self.path} holds a run already", hint="name another one")

    def unlock(self) -> None:
        """Removes the folder again where nothing was written; does nothing where this run has not locked it."""
        while self._locked:
            folder_lock.unlock_folder(self._locked.pop())
        with suppress(OSError):
            for folder in self._made:  # the deepest first; one that is not empty ends it
                folder.rmdir()

    def without_files(self) -> "RunFolder":
        """The same for the processes of a run that leave writing to rank 0."""
        return replace(self, path=None, checkpoints=MemoryCheckpoints())

    def open_event_writer(self) -> EventWriter:
        """Raises DiskFull, FolderError."""
        return EventFiles(self.path) if self.path is not None else NullEventWriter()


def open_run_folder(out: str | Path | None, *, resume: bool) -> RunFolder:
    """The run folder at ``out``; writes nothing. out: None keeps the run in memory.

    Raises FolderInUse when it holds a run, FolderError when it cannot be used or holds something else, OptionError when there
    is no folder to resume in, ArtifactError when its run.json is damaged.
    """
    if out is None:
        if resume:
            raise OptionError("resume needs the folder of the run", hint="name it with out=")
        return RunFolder()
    path = _folder_path(out)
    check_writable(path)
    has_run = (path / _RECORD).exists()
    if not resume and path.is_dir() and any(child.name != folder_lock.FILE_NAME for child in path.iterdir()):
        if has_run:
            hint = "name another one, or go on with the run in it: resume=True"
            raise FolderInUse(f"the folder {path} holds a run already", hint=hint)
        raise FolderError(f"the folder {path} is not empty", hint="name another one")
    previous = _read_record(path / _RECORD) if resume and has_run else None
    return RunFolder(path, previous, FolderCheckpoints(path / "checkpoints"))


def _folder_path(out: str | Path) -> Path:
    """Raises OptionError, FolderError for what can be the name of no folder."""
    path = read_folder_path(out, name="out", error=FolderError)
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # TensorBoard's files have no such names
        raise FolderError(f"{out!r} cannot be a folder: its name is not UTF-8", hint="name another folder") from error
    return path


def _read_record(file: Path) -> RunRecord:
    try:
        run = checksums.loads_with_sha256(file.read_bytes())
        plan = Plan.from_json(run["plan"])
        return RunRecord(plan, run["data"], run["network"], run["torch_version"], run.get("processes", 1))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{file} is damaged: {error}", hint="start anew in another folder") from error


def check_writable(path: Path) -> None:
    """Raises FolderError where the folder is a file, or cannot be made or written; writes nothing."""
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise FolderError(f"{path} cannot be a folder: {existing} is a file", hint="name another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise FolderError(
            f"the folder {existing} is not writable", hint="name another folder, or change its permissions"
        )


def check_same_inputs(group: ProcessGroup, dataset: Dataset, net: nn.Module) -> None:
    """Raises InputError in all processes where they were not given the same data and network."""
    if group.size == 1:
        return
    data, networks = zip(*group.all_gather((data_digest(dataset), network_digest(net))), strict=True)
    if len(set(data)) > 1:
        raise DataError(
            f"the training data of the {group.size} processes differs",
            hint="give each of them all of it (S3DataDistributionType FullyReplicated): they share it out by themselves",
        )
    if len(set(networks)) > 1:
        raise NetworkError(f"the network of the {group.size} processes differs", hint="give each of them the same one")


def data_digest(dataset: Dataset) -> str:
    """sha256 of the training split: of its samples where they are in memory, else of their names; and of its targets."""
    digest = hashlib.sha256(f"{dataset.task} {len(dataset.train)} {tuple(dataset.schema.sample_shape)}".encode())
    samples = dataset.train.samples
    if isinstance(samples, TensorSamples):
        digest.update(_memory(samples.tensor))
    else:
        digest.update("\n".join(map(str, dataset.train.names)).encode(errors="backslashreplace"))
    if dataset.train.targets is not None:
        digest.update(_memory(narrow_unless_lossy(dataset.train.targets)))
    if dataset.train.weights is not None:
        digest.update(_memory(dataset.train.weights))
    return digest.hexdigest()


def network_digest(net: nn.Module) -> str:
    """sha256 of the names and shapes of the network's state."""
    shapes = sorted((name, tuple(value.shape)) for name, value in net.state_dict().items() if hasattr(value, "shape"))
    return hashlib.sha256(repr(shapes).encode()).hexdigest()


def _memory(tensor: Tensor) -> memoryview:
    """The tensor's bytes, without a copy where it is contiguous."""
    return tensor.contiguous().numpy().data.cast("B")


def _process_count(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"
