"""Builds a server from its settings: the only place where concrete classes meet."""

import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from naiad.disk_room import DiskReserve
from naiad.errors import InputError
from naiad.service.backup import BackupSchedule, ScheduledBackups
from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import BlobStore
from naiad.service.blobs.scrubber import Scrubber, ScrubPasses
from naiad.service.blobs.store_folder import StoreFolder
from naiad.service.blobs.upload_sweeper import UploadSweeper
from naiad.service.contract.machine_resources import MachineResources, detect_machine_resources
from naiad.service.domain.clock import Clock, SystemClock
from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import Job
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.endpoints.control.registry import ModelRegistry
from naiad.service.endpoints.control.service import EndpointService, instance_resources
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.endpoints.serving.deployer import Deployer
from naiad.service.endpoints.serving.invocation_metrics import InvocationMetrics
from naiad.service.endpoints.serving.model_preparer import ModelPreparer
from naiad.service.endpoints.serving.model_sandbox import ModelSandbox
from naiad.service.endpoints.serving.reconciler import EndpointReconciler
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import Executor
from naiad.service.executors.warm_interpreter import WarmInterpreter
from naiad.service.experiments.catalog import experiment_catalog
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors
from naiad.service.gateway.operation import Services
from naiad.service.jobs.cleanup import CleanupWorker
from naiad.service.jobs.job_instances import JobInstances
from naiad.service.jobs.job_steps import JobSteps
from naiad.service.jobs.placements import Placements
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.jobs.unfinished_jobs import UnfinishedJobs
from naiad.service.keys import Keys
from naiad.service.repair import DatabaseRepair
from naiad.service.store.lock import NullLock, StoreLock
from naiad.service.store.sql import SqlStore
from naiad.service.tuning.driver import TuningDriver
from naiad.service.tuning.open import open_tuning_driver
from naiad.service.tuning.search import SearchProcess
from naiad.service.tuning.service import TuningService
from naiad.service.upkeep import Chore, Upkeep
from naiad.service.walls.program_settings import DEFAULT_PROGRAMS, ProgramSettings

DEFAULT_BUCKET = "naiad"
AGENT_COMMAND = (sys.executable, "-m", "naiad.service.agent_process")
"""The command of an instance's agent; the instance's folder follows."""
SEARCH_COMMAND = (sys.executable, "-m", "naiad.trainer.tuning.search_process")
"""The command of the search over hyperparameters."""
WARM_COMMAND = (*AGENT_COMMAND, "--warm")
"""The command of an interpreter from which agents are forked; the modules to load follow."""
_RESERVE_INTERVAL_S = 1.0
_SWEEP_INTERVAL_S = 3600.0
_SCRUB_INTERVAL_S = 1.0
_SCRUB_AFTER_S = 60.0
_DATABASE_CHECK_INTERVAL_S = 86_400.0
_DATABASE_CHECK_AFTER_S = 5.0
_KEYS_MAX_AGE_S = 0.001
"""A revoked key may work for so long. Each look at the file takes microseconds."""


@dataclass(frozen=True)
class Settings:
    state: Path
    """The server's folder: keys, jobs and, by default, the database and the objects."""
    host: str = "127.0.0.1"
    port: int = 8128
    region: str = "us-east-1"
    database: str | None = None
    """``postgresql://…``; None is SQLite in the state folder."""
    s3_endpoint: str | None = None
    """The URL of a real S3 store; None keeps the objects in the state folder."""
    warm: bool = True
    """Whether the server keeps an interpreter with torch loaded, from which jobs start."""
    aws_hosts_port: int | None = 0
    """The port of the proxy for AWS hosts that clients have hard-coded, on loopback. 0 keeps the last one; None is no proxy."""
    fit_instances: bool = True
    """Whether an instance type that is larger than the machine is scaled down to it; otherwise it is refused."""
    upload_timeout_s: float = 60.0
    """A connection is closed when no byte of a body arrives for so long."""
    cache_bytes: int | None = None
    """Limit of the cache of fetched objects; None is a tenth of the disk."""
    drain_timeout_s: int = 30
    """A server that ends waits so long for the requests that it has begun to answer."""
    programs: ProgramSettings = DEFAULT_PROGRAMS
    """Settings of the programs of jobs and replicas."""
    backups: BackupSchedule | None = None
    """The backups that the server makes by itself; None makes none."""

    @property
    def blobs_url(self) -> str:
        return self.s3_endpoint or str((self.state / "blobs").absolute())


@dataclass(frozen=True)
class ServerParts:
    """The parts of a server that ``run`` starts and ends."""

    store: SqlStore
    blobs: BlobStore
    keys: Keys
    supervisor: Supervisor
    cleanup: CleanupWorker
    gateway: Gateway
    warm: WarmInterpreter | None
    endpoints: EndpointReconciler
    asynchronous: AsyncInvocations
    tunings: TuningDriver
    upkeeps: tuple[Upkeep, ...]
    """Each has a thread of its own: a backup of many objects holds up no other chore."""

    def close(self) -> None:
        if self.warm is not None:
            self.warm.close()
        self.tunings.searches.search.close()
        self.gateway.close()
        self.store.close()
        self.endpoints.deployer.remove_control_groups()


def compose(settings: Settings, *, url: str, store_lock: StoreLock, clock: Clock | None = None) -> ServerParts:
    """``url`` is that of the gateway, for the programs of jobs. Raises InputError."""
    clock = clock if clock is not None else SystemClock()
    state = settings.state.absolute()
    keys = Keys.open(state, max_age_s=_KEYS_MAX_AGE_S)
    damage = DamageLog()
    blobs = open_blobs(settings.blobs_url, damage)
    _make_default_bucket(blobs, settings)
    reserve = DiskReserve(state)
    reserve.check()
    repair = DatabaseRepair(state, settings.database, settings.backups.folder if settings.backups else None)
    store = repair.open_store(now=clock.now(), on_full=reserve.release)
    machine = detect_machine_resources(fit_instances=settings.fit_instances)
    cleanup = CleanupWorker(store, state, settings.cache_bytes)
    jobs = JobService(store, blobs, machine, clock, state, settings.region, on_delete=cleanup.job_deleted)
    tunings = TuningService(store.entities, store.trials, jobs, clock, settings.region)
    warm = WarmInterpreter(WARM_COMMAND, state / "warm.log") if settings.warm else None
    supervisor = job_supervisor(
        jobs,
        LocalExecutor(AGENT_COMMAND, warm),
        blobs_url=settings.blobs_url,
        url=url,
        on_end=lambda job: _notify_of_end(job, cleanup, tunings),
        store_lock=store_lock,
        programs=settings.programs,
    )
    endpoints = endpoint_service(
        store, blobs, machine, clock, state=state, region=settings.region, programs=settings.programs
    )
    asynchronous = AsyncInvocations(endpoints.router, store.entities, blobs, clock, state)
    experiments = experiment_catalog(
        store.entities, store.associations, clock, state_folder=state, region=settings.region
    )
    services = Services(jobs, endpoints.catalog, endpoints, store, blobs, clock, settings.region, experiments, tunings)
    gateway = _open_gateway(services, keys, asynchronous, settings, damage)
    quick = Upkeep((Chore("reserve", _RESERVE_INTERVAL_S, reserve.check), *_store_chores(settings, damage)))
    upkeeps = (quick, Upkeep(tuple(_database_chores(settings, repair, clock))))
    return ServerParts(
        store,
        blobs,
        keys,
        supervisor,
        cleanup,
        gateway,
        warm,
        endpoints.reconciler,
        asynchronous,
        open_tuning_driver(tunings, store, SearchProcess(SEARCH_COMMAND), store_lock),
        upkeeps,
    )


def _open_gateway(
    services: Services, keys: Keys, asynchronous: AsyncInvocations, settings: Settings, damage: DamageLog
) -> Gateway:
    is_local = _is_loopback(settings.host)
    doors = open_doors(
        services,
        keys,
        asynchronous,
        upload_timeout_s=settings.upload_timeout_s,
        open_metrics=is_local,
        damage=damage,
        host_names={settings.host.lower(), socket.gethostname().lower()} if is_local else None,
    )
    return Gateway(doors)


def _store_chores(settings: Settings, damage: DamageLog) -> Iterator[Chore]:
    """Yields the chores of the objects in the state folder. Each of their runs is short."""
    if settings.s3_endpoint is None:
        folder = StoreFolder(Path(settings.blobs_url), damage)
        scrub, sweeper = ScrubPasses(Scrubber(folder)), UploadSweeper(folder)
        yield Chore("sweep of uploads", _SWEEP_INTERVAL_S, sweeper.sweep)
        yield Chore("scrub", _SCRUB_INTERVAL_S, scrub.step, first_after_s=_SCRUB_AFTER_S)


def _database_chores(settings: Settings, repair: DatabaseRepair, clock: Clock) -> Iterator[Chore]:
    """Yields the chores that read the whole database, and more."""
    yield Chore(
        "check of the database", _DATABASE_CHECK_INTERVAL_S, repair.check, first_after_s=_DATABASE_CHECK_AFTER_S
    )
    if settings.backups is not None:
        backups = ScheduledBackups(settings.state.absolute(), settings.database, settings.backups, clock)
        yield Chore("backup", settings.backups.every_s, backups.make, first_after_s=backups.first_after_s())


def job_supervisor(
    jobs: JobService,
    executor: Executor,
    *,
    blobs_url: str,
    url: str,
    on_end: Callable[[Job], None] = lambda _: None,
    store_lock: StoreLock | None = None,
    programs: ProgramSettings = DEFAULT_PROGRAMS,
) -> Supervisor:
    """Returns the supervisor of the service's jobs. ``url`` is that of the gateway, for their programs."""
    unfinished = UnfinishedJobs(jobs.store, jobs.wake_event, jobs.queue, on_end)
    instances = JobInstances(executor, jobs.state_folder, blobs_url, url, programs)
    steps = JobSteps(unfinished, instances, Placements(jobs.state_folder), jobs.machine, jobs.clock)
    return Supervisor(unfinished, steps, store_lock or NullLock())


def _notify_of_end(job: Job, cleanup: CleanupWorker, tunings: TuningService) -> None:
    cleanup.job_ended(job)
    tunings.wake_event.wake()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def endpoint_service(
    store: SqlStore,
    blobs: BlobStore,
    machine: MachineResources,
    clock: Clock,
    *,
    state: Path,
    region: str,
    programs: ProgramSettings = DEFAULT_PROGRAMS,
) -> EndpointService:
    """Returns the service with its catalog, router and reconciler."""
    registry = ModelRegistry(store.entities, clock, region, blobs.has_bucket)
    catalog = ModelCatalog(store.entities, registry, clock, region, blobs)
    metrics = InvocationMetrics()
    preparer = ModelPreparer(blobs, ModelSandbox(state, programs))
    deployer = Deployer(preparer, state, lambda variant: instance_resources(machine, variant), metrics)
    reconciler = EndpointReconciler(store.entities, EndpointRouter(metrics), deployer, clock)
    return EndpointService(store.entities, catalog, reconciler, blobs, machine, clock, region)


def _make_default_bucket(blobs: BlobStore, settings: Settings) -> None:
    """Makes the default bucket. Raises InputError: the first call to a foreign store shows whether it can be used."""
    try:
        if not blobs.has_bucket(DEFAULT_BUCKET):
            blobs.create_bucket(DEFAULT_BUCKET)
    except ServiceError as error:
        if settings.s3_endpoint is None:
            raise
        raise InputError(
            f"S3 store {settings.s3_endpoint} cannot be used: {error}",
            hint="its keys and region are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION of the environment",
        ) from error
