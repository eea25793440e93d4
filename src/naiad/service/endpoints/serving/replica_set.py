"""Replica set: keeps the desired number of replicas of a variant running. It sees of invocations only how many a replica has."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from naiad.service.endpoints.serving.replica import Replica, ReplicaFailed

_LOG = logging.getLogger(__name__)
STOP_TIMEOUT_S = 30.0
_BACKOFF_S = (0.0, 0.0, 0.5, 2.0, 5.0, 15.0, 30.0)
"""Pause before an attempt to start, by the number of failed attempts before it."""
_STABLE_AFTER_S = 30.0
"""A replica that has lived so long ends a series of failed starts."""


@dataclass
class ReplicaSet:
    """Used on the event loop's thread only."""

    variant: str
    launch: Callable[[int], Awaitable[Replica]]
    """Starts a replica, given its number, and returns when it is connected. Raises ServiceError, OSError."""
    on_ready: Callable[[Replica], None]
    start_timeout_s: float
    """Time until the model must be loaded."""
    desired_count: int = 0
    replicas: list[Replica] = field(default_factory=list)
    """Replicas that have loaded their model, those that drain included."""
    restarts: int = 0
    failure: str = ""
    """Why the last start failed."""
    is_closed: bool = False
    _launched: int = 0
    _failed_starts: int = 0
    _starting: set["asyncio.Task[None]"] = field(default_factory=set)
    _stopping: set["asyncio.Task[None]"] = field(default_factory=set)
    _started_at: dict[Replica, float] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def active(self) -> list[Replica]:
        """Replicas that are ready and do not drain."""
        return [replica for replica in self.replicas if not replica.is_draining]

    def resize(self, count: int) -> None:
        self.desired_count = count
        self._failed_starts = 0
        while len(self.active) > count:
            self._drain(min(self.active, key=lambda replica: len(replica.in_flight)))
        self._start_missing()

    async def wait_ready(self) -> None:
        """Returns when the desired number is ready. Raises ReplicaFailed when one cannot be started."""
        while len(self.active) < self.desired_count:
            if self.failure and self._failed_starts:
                raise ReplicaFailed(self.failure)
            self._changed.clear()
            await self._changed.wait()

    def replace_lost(self, replica: Replica, invocation_count: int) -> None:
        """Starts another in its place. invocation_count: of those that it had not answered."""
        if replica in self.replicas:
            self.replicas.remove(replica)
        now = time.monotonic()
        if now - self._started_at.pop(replica, now) > _STABLE_AFTER_S:
            self._failed_starts = 0
        if not replica.is_draining and not self.is_closed:
            self.restarts += 1
            _LOG.warning("replica %s was lost with %d invocations", replica.name, invocation_count)
        self.release(replica)
        self._changed.set()
        self._start_missing()

    def release(self, replica: Replica) -> None:
        """Stops a replica that has nothing more to do."""
        if replica in self.replicas:
            self.replicas.remove(replica)
        task = asyncio.get_running_loop().create_task(replica.stop(timeout_s=STOP_TIMEOUT_S))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    def kill(self) -> None:
        """Kills all replicas and starts no others."""
        self.desired_count = 0
        for replica in self.replicas:
            replica.kill()

    async def close(self) -> None:
        """Stops all replicas once they have answered what they have."""
        self.is_closed = True
        self.desired_count = 0
        for task in self._starting:
            task.cancel()
        for replica in list(self.replicas):
            self._drain(replica)
        await asyncio.gather(*self._starting, *self._stopping, return_exceptions=True)

    def _drain(self, replica: Replica) -> None:
        replica.is_draining, replica.is_accepting = True, False
        if not replica.in_flight:
            self.release(replica)

    def _start_missing(self) -> None:
        while not self.is_closed and len(self.active) + len(self._starting) < self.desired_count:
            task = asyncio.get_running_loop().create_task(self._start())
            self._starting.add(task)
            task.add_done_callback(self._on_start_done)

    def _on_start_done(self, task: "asyncio.Task[None]") -> None:
        self._starting.discard(task)
        self._changed.set()
        self._start_missing()

    async def _start(self) -> None:
        """Makes one attempt, after a pause that grows with each failed attempt before it."""
        await asyncio.sleep(_BACKOFF_S[min(self._failed_starts, len(_BACKOFF_S) - 1)])
        self._launched += 1
        replica = None
        try:
            replica = await self.launch(self._launched)
            async with asyncio.timeout(self.start_timeout_s):
                await replica.ready
        except (ReplicaFailed, OSError, TimeoutError) as error:
            reason = str(error) or f"its model was not loaded within {self.start_timeout_s:g} s"
            self._failed_starts, self.failure = self._failed_starts + 1, reason
            _LOG.warning("a replica of %s could not be started: %s", self.variant, reason)
            if replica is not None:
                await replica.stop(timeout_s=0)
            return
        except asyncio.CancelledError:
            if replica is not None:
                await replica.stop(timeout_s=0)
            raise
        self._started_at[replica] = time.monotonic()
        self.replicas.append(replica)
        self.on_ready(replica)
