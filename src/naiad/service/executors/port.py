"""The port of the executors: places the instances of a job as agent processes, and tells how they are.

Contract: an agent outlives the server; a restarted server that makes the same calls finds it again. ``start`` of an instance
that was started before (same job, attempt and index) does nothing. Everything about an instance is in its folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase


@dataclass(frozen=True)
class Instance:
    """Which one: ``folder`` is <state>/jobs/<kind>/<name>/<attempt>/<host>."""

    kind: JobKind
    job_name: str
    attempt: int
    index: int
    """0 … instances - 1; its host name is ``algo-<index + 1>``."""
    folder: Path

    @property
    def host(self) -> str:
        return f"algo-{self.index + 1}"


@dataclass(frozen=True)
class InstanceSpec:
    """Everything that an agent needs to know; written into the folder as spec.json (mode 0600)."""

    instance: Instance
    arn: str
    request: Mapping[str, Any]
    """The Create… request in AWS's shape."""
    hosts: tuple[str, ...]
    """``algo-1 … algo-n``."""
    cpus: tuple[int, ...]
    """The cores that it was given: it is pinned to them, and threads are limited to their number."""
    memory_bytes: int
    region: str
    endpoint_url: str
    """Of the gateway, for the program's own AWS calls."""
    access_key: str
    secret_key: str = field(repr=False)
    blobs_url: str = ""
    """What ``blobs.open_blobs`` takes: a folder, or ``http…`` for a real S3 store."""
    cache_folder: Path = Path()
    """Content-addressed, shared by all jobs."""
    gpus: tuple[int, ...] = ()
    """Ids of the GPUs that it was given (CUDA_VISIBLE_DEVICES); empty for none."""


@dataclass(frozen=True)
class InstanceReport:
    """How an instance is, as its agent last wrote it."""

    phase: Phase
    """STARTING, DOWNLOADING, TRAINING, UPLOADING, or one of the ends."""
    alive: bool
    """False when the agent's process is gone. With a phase that is no end, the instance was lost."""
    message: str = ""
    failure_reason: str | None = None
    exit_message: str | None = None
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Of each metric of MetricDefinitions (last value, seconds since 1970), when the program has ended."""


class Executor(Protocol):
    def start(self, spec: InstanceSpec) -> None:
        """Returns when the agent runs. Raises StorageFull, ServiceError."""

    def report(self, instance: Instance) -> InstanceReport | None:
        """None where nothing was started."""

    def stop(self, instance: Instance) -> None:
        """Asks the program to end: SIGTERM to its whole group, SIGKILL after the job's time. Idempotent."""

    def kill(self, instance: Instance) -> None:
        """Ends agent and program at once, so that a new attempt is alone. Returns when they are gone."""
