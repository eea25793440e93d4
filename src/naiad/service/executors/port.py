"""The port of the executors: starts the instances of a job as agent processes, and reports how they are.

The contract, which ``tests/contract/test_executors.py`` checks for every adapter:

- An agent outlives the server. A new executor of a restarted server finds the agents of the old one: all that it needs to know
  about an instance is in the instance's folder.
- Instances are told apart by job, attempt and index. A second ``start`` of the same instance does nothing.
- A report is the agent's last word. When its process is gone, ``alive`` is False; if the phase is neither PAUSED nor final, the
  instance is lost.
- After ``kill`` nothing of the instance runs, so that the next attempt is alone.
- An executor that places the instances of a job on several machines says in ``node_hosts`` which of them share one.
- ``stop`` and ``kill`` may be called at any time, also for an instance that has ended or was never started: then they do nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from naiad.service.domain.job import JobKind
from naiad.service.domain.scope import Creator
from naiad.service.domain.status import Phase


@dataclass(frozen=True)
class Instance:
    """One member of one attempt of a job."""

    kind: JobKind
    job_name: str
    attempt: int
    index: int
    """0 … instances - 1."""
    folder: Path
    """<state>/jobs/<kind>/<name>/<attempt>/<host>."""

    @property
    def host(self) -> str:
        return f"algo-{self.index + 1}"


@dataclass(frozen=True)
class InstanceSpec:
    """Everything that an agent needs to know. It is written into the instance's folder as spec.json, with mode 0600."""

    instance: Instance
    arn: str
    request: Mapping[str, Any]
    """The Create… request in AWS's shape."""
    hosts: tuple[str, ...]
    """``algo-1 … algo-n``."""
    cpus: tuple[int, ...]
    """Ids of the cores that the instance is pinned to. Threads are limited to their number."""
    memory_bytes: int
    region: str
    endpoint_url: str
    """The gateway's URL, for the AWS calls of the program."""
    access_key: str
    secret_key: str = field(repr=False)
    blobs_url: str = ""
    """The argument of ``blobs.open_blobs``: a folder, or ``http…`` for a real S3 store."""
    cache_folder: Path = Path()
    """The cache of fetched objects, which all jobs share."""
    gpus: tuple[int, ...] = ()
    """Ids of the instance's GPUs (CUDA_VISIBLE_DEVICES)."""
    run_as_root: bool = False
    """Whether the program of a server that is root runs as root, too."""
    network: str = "host"
    """The network of the program: ``host``, ``internet`` or ``none``, as ``--job-network`` has it."""
    node_hosts: tuple[str, ...] = ()
    """The part of ``hosts`` that runs on the same machine as this instance; () for all of them."""
    creator: Creator | None = None
    """The key that has made the job, which a job that is rebuilt from its folder keeps."""
    seconds_before: float = 0.0
    """Seconds of MaxRuntimeInSeconds that earlier attempts, which have paused, have used."""

    @property
    def is_on_one_node(self) -> bool:
        """Whether all instances of the job run on one machine, so that they can share a network there."""
        return not self.node_hosts or set(self.node_hosts) >= set(self.hosts)


@dataclass(frozen=True)
class InstanceReport:
    """The state of an instance, as its agent last wrote it."""

    phase: Phase
    """STARTING, DOWNLOADING, TRAINING, UPLOADING, PAUSED, or a final phase."""
    alive: bool
    """Whether the agent's process is alive. A dead one is lost when its phase is neither PAUSED nor final."""
    message: str = ""
    failure_reason: str | None = None
    exit_message: str | None = None
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """(last value, seconds since 1970) for each metric of MetricDefinitions, when the program has ended."""


class Executor(Protocol):
    def start(self, spec: InstanceSpec) -> None:
        """Returns when the agent runs. Raises StorageFull or ServiceError when it cannot be started: then nothing runs."""

    def report(self, instance: Instance) -> InstanceReport | None:
        """Returns None when the instance was never started."""

    def stop(self, instance: Instance) -> None:
        """Asks the program to end: SIGTERM to its process group, and SIGKILL after the job's stop timeout. Returns at once."""

    def kill(self, instance: Instance) -> None:
        """Ends the agent and its program at once, and returns when they are gone."""
