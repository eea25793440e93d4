"""Kinds of model folders: an artifact of Naiad's, an executable, or a script."""

import os
from enum import StrEnum
from pathlib import Path

_EXECUTABLE = "serve"


class ModelKind(StrEnum):
    ARTIFACT = "artifact"  # a trainer wrote it; an engine runs it
    PROGRAM = "program"  # an executable serves it on a port
    SCRIPT = "script"  # functions of code/inference.py, or defaults for weights of torch


def model_kind(model_folder: Path) -> ModelKind:
    """Decides by the files of the folder."""
    if (model_folder / "naiad.json").is_file():
        return ModelKind.ARTIFACT
    return ModelKind.PROGRAM if find_program(model_folder) is not None else ModelKind.SCRIPT


def find_program(model_folder: Path) -> Path | None:
    """Returns the executable ``serve``, at the root or in ``code``."""
    for path in (model_folder / _EXECUTABLE, model_folder / "code" / _EXECUTABLE):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None
