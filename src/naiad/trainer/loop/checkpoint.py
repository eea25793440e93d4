"""Checkpoints: the on-disk format, the atomic write, and which ones are kept.

A checkpoint is a folder ``step-00001200`` of three files: ``tensors.safetensors``, ``state.json`` and ``manifest.json`` with
the sha256 of the other two. It is written under a temporary name, every file and the folder synced, then renamed: a reader
sees a whole checkpoint or none. No pickle. Knows tensors and JSON; knows nothing of networks or training.
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
from naiad.trainer.artifact import manifest

FORMAT_VERSION = 1
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_PREFIX, _TEMPORARY = "step-", ".partial-"


@dataclass(frozen=True)
class Snapshot:
    """Everything that a run needs to go on from ``step`` updates done. Tensors are copies: training does not change them."""

    step: int
    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]
    """Plain JSON."""


class Checkpoints(Protocol):
    """Where snapshots go. A *regular* one is written at a step that the plan names, the others when a run is asked to stop."""

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        """Atomic. Raises DiskFull or FolderError; what was saved before stays."""

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        """The newest one, or the newest regular one. Raises ArtifactError when it is damaged."""

    def clear_after(self, step: int) -> None:
        """Forgets those past ``step``: the run went back."""


@dataclass
class MemoryCheckpoints:
    """For runs without a folder: holds the newest snapshot and the newest regular one."""

    _newest: Snapshot | None = None
    _newest_regular: Snapshot | None = None

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        self._newest = snapshot
        if regular:
            self._newest_regular = snapshot

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        return self._newest_regular if regular else self._newest

    def clear_after(self, step: int) -> None:
        if self._newest is not None and self._newest.step > step:
            self._newest = self._newest_regular


@dataclass
class FolderCheckpoints:
    """Keeps the last ``keep`` regular checkpoints and whatever is newer than they are."""

    folder: Path
    keep: int = 3
    """At least 1."""
    _swept: bool = field(default=False, repr=False)

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        manifest.ensure_folder(self.folder)
        self._sweep_temporaries()
        name = f"{_PREFIX}{snapshot.step:08d}"
        temporary = self.folder / f"{_TEMPORARY}{name}"
        with manifest.saving(temporary):
            self._write(temporary, snapshot, regular=regular)
            final = self.folder / name
            self._remove(final)  # the same step again, after a return: the newer one counts
            durable.rename(temporary, final)
        self._drop_old()

    def _write(self, temporary: Path, snapshot: Snapshot, *, regular: bool) -> None:
        temporary.mkdir()
        state = {"format_version": FORMAT_VERSION, "step": snapshot.step, "regular": regular, "values": snapshot.values}
        durable.write_file(temporary / _TENSORS, safetensors.torch.save(dict(snapshot.tensors)))
        durable.write_file(temporary / _STATE, json.dumps(state, separators=(",", ":")).encode())
        digests = {name: manifest.digest(temporary / name) for name in (_TENSORS, _STATE)}
        durable.write_file(temporary / _MANIFEST, json.dumps(digests, separators=(",", ":")).encode())

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        for path in reversed(self._paths()):
            state = _read_state(path)
            if regular and not state["regular"]:
                continue
            tensors = safetensors.torch.load((path / _TENSORS).read_bytes())
            return Snapshot(state["step"], tensors, state["values"])
        return None

    def clear_after(self, step: int) -> None:
        for path in self._paths():
            if _step_of(path) > step:
                self._remove(path)

    def _paths(self) -> list[Path]:
        """Oldest first."""
        return sorted(self.folder.glob(f"{_PREFIX}*")) if self.folder.is_dir() else []

    def _sweep_temporaries(self) -> None:
        if not self._swept:
            for stale in self.folder.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(stale, ignore_errors=True)
            self._swept = True

    def _drop_old(self) -> None:
        regular = [path for path in self._paths() if _is_regular(path)]
        if len(regular) > self.keep:
            oldest_kept = _step_of(regular[-self.keep])
            for path in self._paths():
                if _step_of(path) < oldest_kept:
                    self._remove(path)

    def _remove(self, path: Path) -> None:
        """Takes the name away first: a kill in the middle leaves a stale temporary, not half a checkpoint."""
        if path.exists():
            doomed = self.folder / f"{_TEMPORARY}old-{path.name}"
            path.rename(doomed)
            shutil.rmtree(doomed)


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix(_PREFIX))


def _is_regular(path: Path) -> bool:
    """Without a check of the files: that is for those who read them."""
    return bool(json.loads((path / _STATE).read_bytes())["regular"])


def _read_state(path: Path) -> dict[str, Any]:
    """Checks every file of the checkpoint first."""
    try:
        digests = json.loads((path / _MANIFEST).read_bytes())
        assert set(digests) == {_TENSORS, _STATE}
    except (OSError, ValueError, AssertionError, TypeError) as error:
        raise ArtifactError(
            f"checkpoint {path}: {_MANIFEST} is damaged or missing", hint=_how_to_go_on(path)
        ) from error
    try:
        manifest.check(path, digests)
    except ArtifactError as error:
        raise ArtifactError(str(error), hint=_how_to_go_on(path)) from error
    state: dict[str, Any] = json.loads((path / _STATE).read_bytes())
    if state["format_version"] > FORMAT_VERSION:
        given = state["format_version"]
        raise ArtifactError(
            f"checkpoint {path} has format {given}, newer than the {FORMAT_VERSION} that this naiad reads",
            hint="upgrade naiad: pip install --upgrade naiad",
        )
    return state


def _how_to_go_on(path: Path) -> str:
    return f"remove the folder {path} to go on from the checkpoint before it"
