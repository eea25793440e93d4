"""Which kind of model a folder holds, and what answers for one that is no artifact."""

import os
from collections.abc import Mapping
from pathlib import Path

from naiad.service.endpoints.worker.inference import BatchHandler, OneHandler

_SERVE = "serve"


def kind_of(model_folder: Path) -> str:
    """``artifact``, ``program`` or ``script``, by the files that it has."""
    if (model_folder / "naiad.json").is_file():
        return "artifact"
    return "program" if program_in(model_folder) is not None else "script"


def program_in(model_folder: Path) -> Path | None:
    """The executable ``serve``, at the root or in ``code``."""
    for path in (model_folder / _SERVE, model_folder / "code" / _SERVE):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def open_user_handler(model_folder: Path, environment: Mapping[str, str]) -> BatchHandler | OneHandler:
    """Raises Unfit, or what the user's code raises."""
    program = program_in(model_folder)
    if program is not None:
        from naiad.service.endpoints.worker.program_handler import ProgramHandler  # noqa: PLC0415  # reason: one kind a worker

        return ProgramHandler(program, environment)
    from naiad.service.endpoints.worker.script_handler import ScriptHandler  # noqa: PLC0415  # reason: as above

    return ScriptHandler(model_folder, environment)
