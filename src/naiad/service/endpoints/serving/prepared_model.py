"""Prepared model: a folder from which the replicas of a variant start, and what they have in common."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from naiad import durable
from naiad.service.endpoints.old_names import PREPARED_MODEL, with_current_names
from naiad.service.endpoints.worker.model_kind import ModelKind

_RECORD_FILE = "prepared.json"


@dataclass(frozen=True)
class PreparedModel:
    folder: Path
    """Its subfolder ``ml`` is what a replica sees at /opt/ml."""
    kind: str
    """A ``ModelKind``."""
    engine: str | None
    """Engine of an artifact."""
    max_batch_size: int
    environment: Mapping[str, str]
    has_requirements: bool
    """Whether it has a virtual environment of its own, with the packages of its requirements.txt."""
    replica_port: int | None = None
    """Port of the replicas' own, when the model's environment asks for one."""
    replicas_per_instance: int | None = None
    """Number that the model's environment sets."""
    engine_table_uri: str | None = None
    """Address of the object with its engine table."""

    @property
    def model_folder(self) -> Path:
        return self.folder / "ml" / "model"

    @property
    def is_program(self) -> bool:
        return self.kind == ModelKind.PROGRAM

    def save(self) -> None:
        """Writes the record into its folder. Raises OSError."""
        content = json.dumps({**asdict(self), "folder": ""}).encode()
        durable.write_file(self.folder / _RECORD_FILE, content)


def load_prepared_model(folder: Path) -> PreparedModel | None:
    """Returns the model that an earlier server has prepared in this folder; None when there is none. Raises OSError."""
    record = folder / _RECORD_FILE
    if not record.is_file():
        return None
    values = with_current_names(json.loads(record.read_text(encoding="utf-8")), PREPARED_MODEL)
    return replace(PreparedModel(**values), folder=folder)
