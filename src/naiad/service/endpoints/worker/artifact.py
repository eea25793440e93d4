"""A Naiad artifact as a worker sees it: checked, described, and without torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from naiad.trainer.artifact.folder import Opened, open_folder

RECORD, ONNX, PROGRAM, SAMPLES = "naiad.json", "model.onnx", "program.pt2", "samples.safetensors"


@dataclass(frozen=True)
class ServedArtifact:
    opened: Opened
    digest: str
    """Of its naiad.json, which has the digests of all other files."""

    @property
    def folder(self) -> Path:
        return self.opened.folder

    @property
    def values(self) -> Mapping[str, Any]:
        """What naiad.json says."""
        return self.opened.values

    def has(self, name: str) -> bool:
        return self.opened.has(name)

    def path(self, name: str) -> Path:
        return self.opened.path(name)

    def samples(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]] | None:
        """(raw, the program's scores for them); None for an artifact that keeps none."""
        if not self.has(SAMPLES):
            return None
        tensors = safetensors.numpy.load(self.path(SAMPLES).read_bytes())
        return tensors["raw"], tensors["scores"].reshape(len(tensors["raw"]), -1).astype(np.float32)


def open_artifact(folder: Path) -> ServedArtifact:
    """Checks every file. Raises ArtifactError that names the one that is missing or damaged."""
    opened = open_folder(folder)
    digests = json.dumps({name: entry["sha256"] for name, entry in opened.values["files"].items()}, sort_keys=True)
    return ServedArtifact(opened, hashlib.sha256(digests.encode()).hexdigest())
