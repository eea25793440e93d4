"""The files in an instance's folder through which the server and the agent talk: the spec, the agent's identity, the report.

An agent outlives its server, so what an older version has written must stay readable.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.service.domain.errors import StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.scope import Creator
from naiad.service.domain.status import Phase
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.executors.process import Process

SPEC_FILE, REPORT_FILE = "spec.json", "status.json"
AGENT_FILE, PROGRAM_FILE = "agent.json", "program.json"
"""The identities of the agent's process and of its program's."""
LOG_FILE, AGENT_LOG_FILE = "log", "agent.log"
"""The log of the program, and that of the agent itself."""
_ENVIRONMENT_FILE = "environment.json"
ML_FOLDER, TMP_FOLDER, WORK_FOLDER = "ml", "tmp", "work"


def write_spec(spec: InstanceSpec) -> None:
    values = {**asdict(spec), "cache_folder": str(spec.cache_folder)}
    values["instance"]["folder"] = str(spec.instance.folder)
    values["creator"] = None if spec.creator is None else spec.creator.to_json()
    write_json(spec.instance.folder / SPEC_FILE, values)


def read_spec(folder: Path) -> InstanceSpec:
    values = _read_json(folder / SPEC_FILE)
    fields = values.pop("instance")
    instance = Instance(
        JobKind(fields["kind"]), fields["job_name"], fields["attempt"], fields["index"], Path(fields["folder"])
    )
    values |= {name: tuple(values.get(name, ())) for name in ("hosts", "cpus", "gpus", "node_hosts")}
    creator = values.pop("creator", None)
    return InstanceSpec(
        instance=instance,
        cache_folder=Path(values.pop("cache_folder")),
        creator=None if creator is None else Creator.from_json(creator),
        **values,
    )


def write_environment(folder: Path, environment: Mapping[str, str]) -> None:
    """Leaves the server's environment for an agent that does not inherit it: it needs the keys of the store. Raises OSError."""
    descriptor = os.open(folder / _ENVIRONMENT_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(environment), file)


def take_environment(folder: Path) -> dict[str, str]:
    """Returns the environment and removes its file, so that nobody else finds it."""
    file = folder / _ENVIRONMENT_FILE
    values: dict[str, str] = _read_json(file)
    file.unlink()
    return values


def write_report(folder: Path, report: InstanceReport) -> None:
    write_json(folder / REPORT_FILE, asdict(report))


def read_report(folder: Path, *, alive: bool) -> InstanceReport | None:
    """Returns the agent's last report, or None before its first. ``alive``: whether the agent's process is alive."""
    try:
        values = _read_json(folder / REPORT_FILE)
    except FileNotFoundError:
        return None
    return InstanceReport(**{**values, "phase": Phase(values["phase"]), "alive": alive})


def write_process(file: Path, process: Process) -> None:
    write_json(file, {"pid": process.pid, "started": process.start_ticks, "boot": process.boot_id})


def read_process(file: Path) -> Process | None:
    """Returns the process whose identity is in the file, alive or not; None without the file."""
    try:
        values = _read_json(file)
    except FileNotFoundError:
        return None
    return Process(values["pid"], values["started"], values["boot"])


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes a file that only its owner may read. A crash leaves the old file or the new one. Raises StorageFull."""
    with translate_disk_full(path.name):
        durable.write_file(path, json.dumps(values).encode(), mode=0o600)


@contextlib.contextmanager
def translate_disk_full(subject: str) -> Iterator[None]:
    """Raises StorageFull in place of the OSError of a full disk. ``subject`` is what needs room, for the message."""
    try:
        yield
    except OSError as error:
        if not durable.is_disk_full(error):
            raise
        raise StorageFull(f"no room is left on the disk for {subject}; free some, or use a larger one") from error


def _read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
