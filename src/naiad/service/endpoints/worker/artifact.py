"""A Naiad artifact as a worker uses it: checked, described, and without torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import safetensors.numpy

from naiad.service.endpoints.worker.engines.port import Scores
from naiad.trainer.artifact.folder import ArtifactFolder, open_artifact_folder

ONNX, PROGRAM, SAMPLES = "model.onnx", "program.pt2", "samples.safetensors"


@dataclass(frozen=True)
class ServedArtifact:
    files: ArtifactFolder
    digest: str
    """Digest of the digests that naiad.json has of every file."""

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
    return ServedArtifact(files, hashlib.sha256(digests.encode()).hexdigest())
