"""Checkpoints: their format on disk, the atomic write, and which ones are kept.

A checkpoint is a folder ``step-00001200`` of three files: ``tensors.safetensors``, ``state.json`` and ``manifest.json`` with
the sha256 of the other two and of itself. It is written under a temporary name, every file and the folder synced, then renamed:
a reader sees a whole checkpoint or none. One that was damaged later is passed over. No pickle. Knows tensors and JSON; knows
nothing of networks or training.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
from torch import Tensor

from naiad import durable
from naiad.errors import ArtifactError
from naiad.trainer.artifact import checksums, writing
from naiad.trainer.loop import old_names

FORMAT_VERSION = 2
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_PREFIX, _TEMPORARY = "step-", ".partial-"


@dataclass(frozen=True)
class Snapshot:
    """The state of a run after ``step`` updates: all that it needs to go on."""

    step: int
    tensors: Mapping[str, Tensor]
    """Copies that training does not change, named ``<group>/<name>``."""
    values: Mapping[str, Any]
    """Plain JSON."""


class Checkpoints(Protocol):
    """Keeps snapshots. A *regular* one is saved at a step that the plan names, the others when the run is stopped."""

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        """Saves the whole snapshot or nothing. Raises DiskFull or FolderError; earlier snapshots stay."""

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        """The newest snapshot, or the newest regular one, that is whole. Raises ArtifactError where all are damaged."""

    def take_notes(self) -> list[str]:
        """Returns what ``latest`` has to say since the last call: the damaged checkpoints that it has passed over."""

    def clear_after(self, step: int) -> None:
        """Removes the snapshots of later steps, after a rollback."""


@dataclass
class MemoryCheckpoints:
    """Holds the newest snapshot and the newest regular one, for runs without a folder."""

    _newest: Snapshot | None = None
    _newest_regular: Snapshot | None = None

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        self._newest = snapshot
        if regular:
            self._newest_regular = snapshot

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        return self._newest_regular if regular else self._newest

    def take_notes(self) -> list[str]:
        return []

    def clear_after(self, step: int) -> None:
        if self._newest is not None and self._newest.step > step:
            self._newest = self._newest_regular


@dataclass
class FolderCheckpoints:
    """Keeps the last ``keep`` regular checkpoints and all that are newer."""

    folder: Path
    keep: int = 3
    """Number of regular checkpoints, 1 or more."""
    _temporaries_removed: bool = field(default=False, repr=False)
    _notes: list[str] = field(default_factory=list, repr=False)

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        writing.ensure_writable(self.folder)
        self._remove_temporaries()
        name = f"{_PREFIX}{snapshot.step:08d}"
        temporary = self.folder / f"{_TEMPORARY}{name}"
        with writing.remove_on_failure(temporary):
            _write(temporary, snapshot, regular=regular)
            final = self.folder / name
            self._remove(final)  # after a rollback the same step is saved again, and the newer one counts
            durable.rename(temporary, final)
        self._remove_old()

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        newest_error = None
        for path in reversed(self._paths()):
            try:
                state = _read_state(path)
            except _DamagedCheckpoint as error:
                newest_error = newest_error or error
                self._notes.append(f"{error}; the checkpoint before it is taken")
                continue
            if not regular or state["regular"]:
                return _snapshot(state, safetensors.torch.load((path / _TENSORS).read_bytes()))
        if newest_error is not None:
            self._notes.clear()
            raise newest_error
        return None

    def take_notes(self) -> list[str]:
        notes = list(self._notes)
        self._notes.clear()
        return notes

    def clear_after(self, step: int) -> None:
        for path in self._paths():
            if _step_of(path) > step:
                self._remove(path)

    def _paths(self) -> list[Path]:
        """Folders of the checkpoints, oldest first."""
        return sorted(self.folder.glob(f"{_PREFIX}*")) if self.folder.is_dir() else []

    def _remove_temporaries(self) -> None:
        """Removes what killed runs have left, once."""
        if not self._temporaries_removed:
            for path in self.folder.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(path, ignore_errors=True)
            self._temporaries_removed = True

    def _remove_old(self) -> None:
        regular = [path for path in self._paths() if _is_regular(path)]
        if len(regular) > self.keep:
            oldest_step = _step_of(regular[-self.keep])
            for path in self._paths():
                if _step_of(path) < oldest_step:
                    self._remove(path)

    def _remove(self, path: Path) -> None:
        """Renames it first: a kill in the middle leaves a temporary folder, not half a checkpoint."""
        if path.exists():
            temporary = self.folder / f"{_TEMPORARY}old-{path.name}"
            path.rename(temporary)
            shutil.rmtree(temporary)


def _write(folder: Path, snapshot: Snapshot, *, regular: bool) -> None:
    folder.mkdir()
    state = {"format_version": FORMAT_VERSION, "step": snapshot.step, "regular": regular, "values": snapshot.values}
    durable.write_file(folder / _TENSORS, safetensors.torch.save(dict(snapshot.tensors)))
    durable.write_file(folder / _STATE, json.dumps(state, separators=(",", ":")).encode())
    digests = {name: checksums.file_sha256(folder / name) for name in (_TENSORS, _STATE)}
    durable.write_file(folder / _MANIFEST, checksums.dumps_with_sha256(digests))


def _snapshot(state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Snapshot:
    values = state["values"]
    if state["format_version"] == 1:
        tensors, values = old_names.rename_tensors(tensors), old_names.rename_values(values)
    return Snapshot(state["step"], tensors, values)


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix(_PREFIX))


def _is_regular(path: Path) -> bool:
    """Reads the state without a check of the files: ``latest`` checks them. One that cannot be read does not count."""
    try:
        return bool(json.loads((path / _STATE).read_bytes())["regular"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


class _DamagedCheckpoint(ArtifactError):
    """A file of a checkpoint is missing, cannot be read, or is not as it was written. The message names it."""


def _read_state(path: Path) -> dict[str, Any]:
    """Checks every file of the checkpoint, then reads its state. Raises _DamagedCheckpoint, ArtifactError for a newer format."""
    hint = "start anew in another folder: no checkpoint of the run is whole"
    try:
        digests = _read_digests(path)
    except FileNotFoundError as error:
        raise _DamagedCheckpoint(f"{path / _MANIFEST} is missing", hint=hint) from error
    except OSError as error:
        raise _DamagedCheckpoint(f"{path / _MANIFEST} cannot be read: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise _DamagedCheckpoint(f"{path / _MANIFEST} is damaged: {error}", hint=hint) from error
    try:
        checksums.check_files(path, digests)
    except ArtifactError as error:
        raise _DamagedCheckpoint(str(error), hint=hint) from error
    state: dict[str, Any] = json.loads((path / _STATE).read_bytes())
    version = state["format_version"]
    if version > FORMAT_VERSION:
        raise ArtifactError(
            f"checkpoint {path} has format {version}, newer than the {FORMAT_VERSION} that this naiad reads",
            hint="upgrade Naiad: git pull in its clone",
        )
    return state


def _read_digests(path: Path) -> dict[str, str]:
    """Raises OSError; ValueError when it is not as it was written. Those of older versions have no sha256 of their own."""
    data = (path / _MANIFEST).read_bytes()
    digests = checksums.loads_object(data)
    if set(digests) != {_TENSORS, _STATE}:
        digests = checksums.loads_with_sha256(data)
    if set(digests) != {_TENSORS, _STATE}:
        raise ValueError(f"it names {', '.join(sorted(digests))}")
    return digests
