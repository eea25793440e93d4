"""The folder of a run: who may use it, what it was started with, and what is put into it.

    out/  run.json  checkpoints/  metrics.jsonl  events/  quarantine.csv  + the artifact's files

Without a folder everything stays in memory, behind the same names.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from naiad import durable
from naiad.errors import ArtifactError, DataError, FolderError, NetworkError, OptionError
from naiad.trainer.artifact import manifest
from naiad.trainer.data.dataset import Dataset, TensorSamples
from naiad.trainer.loop.checkpoint import Checkpoints, FolderCheckpoints, MemoryCheckpoints
from naiad.trainer.loop.events import EventLog, Events, NullEvents
from naiad.trainer.machine.processes import Group
from naiad.trainer.plan.plan import Plan

_RECORD = "run.json"


@dataclass(frozen=True)
class RunRecord:
    """What must be the same for a resumed run to end as the uninterrupted one would."""

    plan: Plan
    data: str
    """Digest of the training split."""
    network: str
    """Digest of the weights' names and shapes."""
    torch_version: str
    processes: int = 1

    @classmethod
    def of(cls, plan: Plan, dataset: Dataset, net: nn.Module, *, processes: int = 1) -> "RunRecord":
        return cls(plan, data_digest(dataset), network_digest(net), str(torch.__version__), processes)

    def check(
        self, dataset: Dataset, net: nn.Module, wishes: Mapping[str, Any], *, seed: int, processes: int = 1
    ) -> list[str]:
        """Raises InputError where the run would be another one; returns notes on what may change its last bits."""
        if self.data != data_digest(dataset):
            raise DataError(
                "the training data differs from what the run was started with",
                hint="resume with the same data and options, or start anew in another folder",
            )
        if self.network != network_digest(net):
            raise NetworkError(
                "the network differs from what the run was started with", hint="start anew in another folder"
            )
        given = {**wishes, "seed": seed}
        for name, value in given.items():
            recorded = getattr(self.plan, name)
            if value != recorded:
                raise OptionError(
                    f"{name} was {recorded} when the run was started, given {value}",
                    hint="leave it out to resume, or start anew in another folder",
                )
        notes = []
        if self.torch_version != str(torch.__version__):
            notes.append(
                f"the run was started with torch {self.torch_version}; with {torch.__version__} its last bits may differ"
            )
        if self.processes != processes:
            notes.append(
                f"the run was started by {_counted(self.processes)}; by {_counted(processes)} its last bits will differ"
            )
        return notes


@dataclass
class RunFolder:
    path: Path | None
    resuming: bool
    """There is a run in the folder, and it is to go on."""
    checkpoints: Checkpoints

    def record(self) -> RunRecord:
        """Raises ArtifactError when run.json is damaged."""
        assert self.path is not None
        try:
            run = manifest.unseal((self.path / _RECORD).read_bytes())
            plan = Plan.from_json(run["plan"])
            return RunRecord(plan, run["data"], run["network"], run["torch_version"], run.get("processes", 1))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactError(
                f"{self.path / _RECORD} is damaged: {error}", hint="start anew in another folder"
            ) from error

    def begin(self, record: RunRecord) -> None:
        """Creates the folder. Raises FolderError, DiskFull."""
        assert self.path is not None
        manifest.ensure_folder(self.path)
        run = {**vars(record), "plan": record.plan.to_json()}
        with manifest.saving(self.path / f"{_RECORD}{durable.PARTIAL}"):
            durable.write_file(self.path / _RECORD, manifest.seal(run))

    def unwritten(self) -> "RunFolder":
        """For the processes of a run that leave writing to the first one."""
        return RunFolder(None, self.resuming, MemoryCheckpoints())

    def events(self) -> Events:
        return EventLog.open(self.path) if self.path is not None else NullEvents()


def claim(out: str | Path | None, *, resume: bool) -> RunFolder:
    """Writes nothing. Raises FolderError when ``out`` cannot be used, OptionError when it holds another run."""
    if out is None:
        if resume:
            raise OptionError("resume needs the folder of the run", hint="name it: out=... or --out DIR")
        return RunFolder(None, resuming=False, checkpoints=MemoryCheckpoints())
    path = Path(out).expanduser()
    _check_writable(path)
    started = (path / _RECORD).exists()
    if path.is_dir() and any(path.iterdir()) and not resume:
        what = "holds a run already" if started else "is not empty"
        raise FolderError(f"the folder {path} {what}", hint="name another one, or go on with the run in it: --resume")
    return RunFolder(path, resuming=resume and started, checkpoints=FolderCheckpoints(path / "checkpoints"))


def _check_writable(path: Path) -> None:
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise FolderError(f"{path} cannot be a folder: {existing} is a file", hint="name another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise FolderError(
            f"the folder {existing} is not writable", hint="name another folder, or change its permissions"
        )


def check_alike(group: Group, dataset: Dataset, net: nn.Module) -> None:
    """Raises InputError, in all processes, where they were not given the same data or network."""
    if group.size == 1:
        return
    data, networks = zip(*group.gather((data_digest(dataset), network_digest(net))), strict=True)
    if len(set(data)) > 1:
        raise DataError(
            f"the training data of the {group.size} processes differs",
            hint="give each of them all of it (S3DataDistributionType FullyReplicated): they share it out by themselves",
        )
    if len(set(networks)) > 1:
        raise NetworkError(f"the network of the {group.size} processes differs", hint="give each of them the same one")


def _counted(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"


def data_digest(dataset: Dataset) -> str:
    """sha256 of the training split: its samples where they are in memory, else their names; and its targets."""
    digest = hashlib.sha256(f"{dataset.task} {len(dataset.train)} {tuple(dataset.schema.sample_shape)}".encode())
    samples = dataset.train.samples
    if isinstance(samples, TensorSamples):
        digest.update(_bytes(samples.tensor))
    else:
        digest.update("\n".join(map(str, dataset.train.names)).encode())
    if dataset.train.targets is not None:
        digest.update(_bytes(dataset.train.targets))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    """The tensor's memory; nothing is copied where it is contiguous."""
    return tensor.contiguous().numpy().data.cast("B")


def network_digest(net: nn.Module) -> str:
    shapes = sorted((name, tuple(value.shape)) for name, value in net.state_dict().items() if hasattr(value, "shape"))
    return hashlib.sha256(repr(shapes).encode()).hexdigest()
