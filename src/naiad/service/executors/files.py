"""What an instance's folder holds for the server and the agent to read of each other: the order, the agent, the report."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.service.domain.errors import StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec

SPEC, AGENT, STATUS, LOG = "spec.json", "agent.json", "status.json", "log"
ENVIRONMENT = "environment.json"
"""The server's, on its way to an agent that did not inherit it."""
ML, TMP, WORK = "ml", "tmp", "work"


def write_spec(spec: InstanceSpec) -> None:
    values = {**asdict(spec), "cache_folder": str(spec.cache_folder)}
    values["instance"]["folder"] = str(spec.instance.folder)
    write_json(spec.instance.folder / SPEC, values)


def read_spec(folder: Path) -> InstanceSpec:
    values = json.loads((folder / SPEC).read_text(encoding="utf-8"))
    of = values.pop("instance")
    instance = Instance(JobKind(of["kind"]), of["job_name"], of["attempt"], of["index"], Path(of["folder"]))
    values |= {name: tuple(values[name]) for name in ("hosts", "cpus", "gpus")}
    return InstanceSpec(instance=instance, cache_folder=Path(values.pop("cache_folder")), **values)


def take_environment(folder: Path) -> dict[str, str]:
    """Once: nobody else is to find it."""
    file = folder / ENVIRONMENT
    values: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return values


def write_report(folder: Path, report: InstanceReport) -> None:
    write_json(folder / STATUS, asdict(report))


def read_report(folder: Path, *, alive: bool) -> InstanceReport | None:
    """None before the agent's first word."""
    try:
        values = json.loads((folder / STATUS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return InstanceReport(**{**values, "phase": Phase(values["phase"]), "alive": alive})


def write_json(path: Path, values: dict[str, Any]) -> None:
    """For the owner only; whole or not there, also after a loss of power. Raises StorageFull."""
    with room_for(path.name):
        durable.write_file(path, json.dumps(values).encode(), mode=0o600)


@contextlib.contextmanager
def room_for(what: str) -> Iterator[None]:
    """Raises StorageFull where a disk says that it is full."""
    try:
        yield
    except OSError as error:
        if not durable.is_disk_full(error):
            raise
        raise StorageFull(f"no room is left on the disk for {what}; free some, or use a larger one") from error
