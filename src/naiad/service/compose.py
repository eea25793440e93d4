"""The only place where concrete classes meet: from settings to a server's parts."""

from dataclasses import dataclass
from pathlib import Path

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import Blobs
from naiad.service.domain.clock import Clock, SystemClock
from naiad.service.executors.local import LocalExecutor
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.operation import Context
from naiad.service.gateway.request import Principal
from naiad.service.gateway.s3.door import S3Door
from naiad.service.jobs.resources import of_this_machine
from naiad.service.jobs.service import JobService
from naiad.service.jobs.supervisor import Supervisor
from naiad.service.keys import Keys
from naiad.service.store.open import open_store
from naiad.service.store.port import Store

DEFAULT_BUCKET = "naiad"


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

    @property
    def blobs_url(self) -> str:
        return self.s3_endpoint or str((self.state / "blobs").absolute())


@dataclass(frozen=True)
class Parts:
    store: Store
    blobs: Blobs
    keys: Keys
    supervisor: Supervisor
    gateway: Gateway

    def close(self) -> None:
        self.gateway.close()
        self.store.close()


def compose(settings: Settings, *, url: str, clock: Clock | None = None) -> Parts:
    """``url``: of the gateway, for the programs of jobs. Raises InputError."""
    clock = clock if clock is not None else SystemClock()
    state = settings.state.absolute()
    keys = Keys.open(state)
    blobs = open_blobs(settings.blobs_url)
    if not blobs.has_bucket(DEFAULT_BUCKET):
        blobs.create_bucket(DEFAULT_BUCKET)
    store = open_store(settings.database if settings.database is not None else state)
    resources = of_this_machine()
    jobs = JobService(store, blobs, resources, clock, state, settings.region)
    supervisor = Supervisor(store, LocalExecutor(), resources, clock, jobs.bell, state, settings.blobs_url, url)
    context = Context(jobs, store, blobs, clock, settings.region, Principal("", ""))
    return Parts(store, blobs, keys, supervisor, Gateway(context, keys, S3Door(blobs, clock, settings.region)))
