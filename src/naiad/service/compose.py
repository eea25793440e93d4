"""The only place where concrete classes meet: from settings to a server's parts."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from naiad.errors import InputError
from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import BlobStore
from naiad.service.contract.machine_resources import MachineResources, detect_machine_resources
from naiad.service.domain.clock import Clock, SystemClock
from naiad.service.domain.errors import ServiceError
from naiad.service.endpoints.control.catalog import Catalog
from naiad.service.endpoints.control.registry import Registry
from naiad.service.endpoints.control.service import EndpointService, cores_of
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.endpoints.serving.model_preparer import Preparer
from naiad.service.endpoints.serving.reconciler import EndpointManager
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.warm_interpreter import WarmInterpreter
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.invocations import InvocationDoor
from naiad.service.gateway.operation import Context
from naiad.service.gateway.request import Principal
from naiad.service.gateway.s3.door import S3Door
from naiad.service.jobs.cleanup import CleanupWorker
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.keys import Keys
from naiad.service.store.lock import StoreLock
from naiad.service.store.open import open_store
from naiad.service.store.sql import SqlStore

DEFAULT_BUCKET = "naiad"
_KEYS_MAX_AGE_S = 0.001
"""A request may be the first to know of a key that was revoked so long before it; each look at the file takes microseconds."""


@dataclass(frozen=True)
class Settings:
    state: Path
    """The server's folder: keys, jobs, and, where nothing else is set, the database and the objects."""
    host: str = "127.0.0.1"
    port: int = 8128
    region: str = "us-east-1"
    database: str | None = None
    """``postgresql://…``; None is SQLite in the state folder."""
    s3_endpoint: str | None = None
    """A real S3 store; None keeps the objects in the state folder."""
    warm: bool = True
    """Whether an interpreter with torch loaded is kept, from which jobs start."""
    aws_hosts_port: int | None = 0
    """Of the proxy for hosts that clients have written into themselves, on loopback. 0 keeps the last one; None does without."""

    fit_instances: bool = True
    """Whether an instance type that is larger than the machine is scaled down to it, and not refused."""
    upload_timeout_s: float = 60.0
    """After so long without a byte of a body that is being sent, the connection is closed."""
    cache_bytes: int | None = None
    """How large what jobs fetch may stay on this disk; None is a tenth of it."""
    drain_timeout_s: int = 30
    """How long the server waits at its end for requests that it has begun to answer."""

    @property
    def blobs_url(self) -> str:
        return self.s3_endpoint or str((self.state / "blobs").absolute())


@dataclass(frozen=True)
class Parts:
    store: SqlStore
    blobs: BlobStore
    keys: Keys
    supervisor: Supervisor
    sweeper: CleanupWorker
    gateway: Gateway
    warm: WarmInterpreter | None
    endpoints: EndpointManager
    asynchronous: AsyncInvocations

    def close(self) -> None:
        if self.warm is not None:
            self.warm.close()
        self.gateway.close()
        self.store.close()


def compose(settings: Settings, *, url: str, store_lock: StoreLock, clock: Clock | None = None) -> Parts:
    """``url``: of the gateway, for the programs of jobs. ``store_lock``: the lock on the store. Raises InputError."""
    clock = clock if clock is not None else SystemClock()
    state = settings.state.absolute()
    keys = Keys.open(state, max_age_s=_KEYS_MAX_AGE_S)
    blobs = open_blobs(settings.blobs_url)
    _make_default_bucket(blobs, settings)
    store = open_store(settings.database if settings.database is not None else state)
    resources = detect_machine_resources(fit_instances=settings.fit_instances)
    sweeper = CleanupWorker(store, state, settings.cache_bytes)
    jobs = JobService(store, blobs, resources, clock, state, settings.region, on_put_aside=sweeper.put_aside)
    warm = WarmInterpreter(state / "warm.log") if settings.warm else None
    supervisor = Supervisor(
        store,
        LocalExecutor(warm),
        resources,
        clock,
        jobs.bell,
        state,
        settings.blobs_url,
        url,
        line=jobs.line,
        on_end=sweeper.ended,
        store_lock=store_lock,
    )
    endpoints = endpoint_service(store, blobs, resources, clock, state=state, region=settings.region)
    asynchronous = AsyncInvocations(endpoints.manager, blobs, clock, state)
    gateway = Gateway(
        Context(jobs, endpoints.catalog, endpoints, store, blobs, clock, settings.region, Principal("", "")),
        keys,
        S3Door(blobs, clock, settings.region),
        InvocationDoor(endpoints.manager, asynchronous, settings.region),
        settings.upload_timeout_s,
        is_open=_is_loopback(settings.host),
    )
    return Parts(store, blobs, keys, supervisor, sweeper, gateway, warm, endpoints.manager, asynchronous)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def endpoint_service(
    store: SqlStore, blobs: BlobStore, resources: MachineResources, clock: Clock, *, state: Path, region: str
) -> EndpointService:
    """With the catalog and the manager behind it."""
    registry = Registry(store.entities, clock, region, blobs.has_bucket)
    catalog = Catalog(store.entities, registry, clock, region, blobs.has_bucket)
    manager = EndpointManager(
        store.entities, Preparer(blobs, state), clock, state, lambda plan: cores_of(resources, plan)
    )
    return EndpointService(store.entities, catalog, manager, blobs, resources, clock, region)


def _make_default_bucket(blobs: BlobStore, settings: Settings) -> None:
    """Raises InputError: the first call to a store of somebody else shows whether it can be used."""
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
