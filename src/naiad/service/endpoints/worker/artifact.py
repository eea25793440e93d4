"""A Naiad artifact as a worker uses it: checked, described, and without torch.

Its program.pt2 is code of whoever wrote it. A worker runs it behind the walls of a replica, where this machine's key has signed
it, or where the one who deploys the model trusts it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import safetensors.numpy

from naiad.service.endpoints.worker.engines.port import Scores
from naiad.trainer.artifact.folder import TRUST_VARIABLE, ArtifactFolder, open_artifact_folder

ONNX, PROGRAM, SAMPLES = "model.onnx", "program.pt2", "samples.safetensors"
_ROOT_BEHIND_WALLS = Path("/opt/ml")
"""Folder that a program has behind walls, and that is elsewhere where the machine allows none."""


@dataclass(frozen=True)
class ServedArtifact:
    files: ArtifactFolder
    digest: str
    """Digest of the digests that naiad.json has of every file."""
    may_evaluate: bool
    """Whether its program.pt2 may run in this process."""

    @property
    def folder(self) -> Path:
        return self.files.folder

    @property
    def values(self) -> Mapping[str, Any]:
        """Content of naiad.json."""
        return self.files.values

    def has(self, name: str) -> bool:
        return self.files.has_file(name)

    def path(self, name: str) -> Path:
        return self.files.file_path(name)

    def samples(self) -> tuple[npt.NDArray[Any], Scores] | None:
        """Returns (raw inputs, reference scores), or None for an artifact that keeps none."""
        if not self.has(SAMPLES):
            return None
        tensors = safetensors.numpy.load(self.path(SAMPLES).read_bytes())
        return tensors["raw"], tensors["scores"].reshape(len(tensors["raw"]), -1)


def open_artifact(folder: Path) -> ServedArtifact:
    """Checks every file. Raises ArtifactError that names the one that is missing or damaged."""
    files = open_artifact_folder(folder)
    digests = json.dumps({name: entry["sha256"] for name, entry in files.values["files"].items()}, sort_keys=True)
    return ServedArtifact(files, hashlib.sha256(digests.encode()).hexdigest(), _may_evaluate(files))


def _may_evaluate(files: ArtifactFolder) -> bool:
    is_behind_walls = files.folder.absolute().is_relative_to(_ROOT_BEHIND_WALLS)
    return is_behind_walls or os.environ.get(TRUST_VARIABLE) == "1" or files.is_signed_here
