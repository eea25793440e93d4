"""Replica pool: the replicas of one variant, and the queue of invocations for them.

Contract: every invocation that is accepted gets a response: from a replica; 424 when it has cost three replicas or took too
long; 503 when no replica was free in time. The queue holds no more than about a second's work.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable

from naiad.service.endpoints.request_rate import RequestRate
from naiad.service.endpoints.serving.invocation import (
    INVOCATION_TIMEOUT_S,
    Invocation,
    InvocationResponse,
    QueueFull,
    error_response,
)
from naiad.service.endpoints.serving.replica import Replica, ReplicaOwner
from naiad.service.endpoints.serving.replica_set import STOP_TIMEOUT_S, ReplicaSet
from naiad.service.endpoints.serving.watchdog import stop_overdue

_QUEUE_S = 1.0
"""Work that the queue may hold, by the rate of the last seconds."""
_MAX_QUEUE_LENGTH = 1024
_QUEUE_BEFORE_FIRST_RESPONSE = 16
_QUEUE_DURING_START = 64
_MAX_LOST_REPLICAS = 3
_CHECK_INTERVAL_S = 1.0
_POLL_INTERVAL_S = 0.01
_ENDED = "the endpoint has ended"

Launch = Callable[[ReplicaOwner, int], Awaitable[Replica]]
"""Starts a replica, given its owner and number. Raises ReplicaFailed, OSError."""
OnFinished = Callable[[Invocation, InvocationResponse], None]


class ReplicaPool:
    """Owner of its replicas. Used on the event loop's thread only."""

    def __init__(
        self,
        variant: str,
        launch: Launch,
        max_in_flight: int,
        *,
        start_timeout_s: float = 240.0,
        on_finished: OnFinished = lambda _invocation, _response: None,
    ) -> None:
        """max_in_flight: invocations a replica gets at once, two batches, so that one waits when the other is done.

        on_finished: called for every response, for the metrics.
        """
        self.max_in_flight = max_in_flight
        self.on_finished = on_finished
        self.replica_set = ReplicaSet(variant, lambda number: launch(self, number), self._on_ready, start_timeout_s)
        self.replicas = self.replica_set.replicas
        self.queue: deque[Invocation] = deque()
        self.rate = RequestRate()
        self.last_invocation_at = 0.0
        """0 until the first replica is ready, which counts as an invocation."""

    def submit(self, invocation: Invocation) -> None:
        """Raises QueueFull."""
        self.last_invocation_at = invocation.received_at
        replica = self._least_busy()
        if replica is not None and not self.queue:
            replica.send(invocation)
            return
        if len(self.queue) >= self.max_queue_length:
            raise QueueFull(
                f"{len(self.queue)} invocations wait already, which is as much as can be answered in good time",
                retry_after_s=max(1, math.ceil(_QUEUE_S)),
            )
        self.queue.append(invocation)
        if not self.replica_set.desired_count:
            self.resize(1)

    @property
    def max_queue_length(self) -> int:
        min_length = 2 * self.max_in_flight * max(1, len(self.replicas))
        if not self.replicas:
            return max(min_length, _QUEUE_DURING_START)
        if not self.rate.is_known:
            return max(min_length, _QUEUE_BEFORE_FIRST_RESPONSE)
        return max(min_length, min(_MAX_QUEUE_LENGTH, round(self.rate.per_second(time.monotonic()) * _QUEUE_S)))

    def resize(self, count: int) -> None:
        self.replica_set.resize(count)

    async def wait_ready(self) -> None:
        """Returns when the desired number of replicas is ready. Raises ReplicaFailed when one cannot be started."""
        await self.replica_set.wait_ready()

    async def watch(self) -> None:
        """Stops what hangs, and answers what has waited too long. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(_CHECK_INTERVAL_S)
            self._check(time.monotonic())

    def kill(self) -> None:
        self.replica_set.kill()

    async def close(self) -> None:
        """Finishes what has begun. Queued invocations go to the replicas for as long as a replica may take to stop."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while (self.queue or any(replica.in_flight for replica in self.replicas)) and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_INTERVAL_S)
        while self.queue:
            self._refuse(self.queue.popleft(), 503, _ENDED)
        await self.replica_set.close()

    # --- events of replicas

    def on_response(self, replica: Replica, invocation: Invocation, response: InvocationResponse) -> None:
        self.rate.record(time.monotonic())
        self.on_finished(invocation, response)
        invocation.respond(response)
        self._feed(replica)
        if replica.is_draining and not replica.in_flight:
            self.replica_set.release(replica)

    def on_port_counts(self, replica: Replica, status: int, count: int, seconds: float) -> None:  # noqa: ARG002  # reason: the port's signature
        """Counts each response with the mean of the times. It also keeps the variant from being scaled to zero."""
        now = self.last_invocation_at = time.monotonic()
        received_at = now - seconds / max(count, 1)
        pending = asyncio.get_running_loop().create_future()
        invocation = Invocation(b"", b"", pending, received_at, sent_at=received_at, count=count)
        self.on_finished(invocation, InvocationResponse(status, "", "", b""))

    def on_lost(self, replica: Replica, invocations: list[Invocation]) -> None:
        """Puts what it had at the head of the queue, unless that has cost too many replicas."""
        for invocation in reversed(invocations):
            self._requeue(invocation, replica.end_reason)
        self.replica_set.replace_lost(replica, len(invocations))
        for other in list(self.replicas):
            self._feed(other)

    def _on_ready(self, replica: Replica) -> None:
        self.last_invocation_at = self.last_invocation_at or time.monotonic()
        self._feed(replica)

    # --- the queue

    def _requeue(self, invocation: Invocation, reason: str) -> None:
        """reason: the limit that the replica went over, or empty."""
        because = f": {reason}" if reason else ""
        invocation.lost_replicas += 1
        invocation.discard_chunks()
        if invocation.is_finished:
            return
        if invocation.stream is not None:
            self._refuse(invocation, 424, f"the model's process exited in the middle of its response{because}")
        elif invocation.lost_replicas >= _MAX_LOST_REPLICAS:
            message = f"the model's process exited {invocation.lost_replicas} times at this request{because}"
            self._refuse(invocation, 424, message)
        elif self.replica_set.is_closed:
            self._refuse(invocation, 503, _ENDED)
        else:
            self.queue.appendleft(invocation)

    def _refuse(self, invocation: Invocation, status: int, message: str) -> None:
        response = error_response(status, message)
        self.on_finished(invocation, response)
        invocation.respond(response)

    def _least_busy(self) -> Replica | None:
        """Returns None when every replica has as much as it may have."""
        best, min_count = None, self.max_in_flight
        for replica in self.replicas:
            count = len(replica.in_flight)
            if count < min_count and replica.is_accepting:
                best, min_count = replica, count
        return best

    def _feed(self, replica: Replica) -> None:
        while self.queue and replica.is_accepting and len(replica.in_flight) < self.max_in_flight:
            invocation = self.queue.popleft()
            if not invocation.is_finished:
                replica.send(invocation)

    def _check(self, now: float) -> None:
        for replica in list(self.replicas):
            if replica.in_flight:
                stop_overdue(replica, now)
        while self.queue and self._is_expired(self.queue[0], now):
            failure = self.replica_set.failure
            reason = f": {failure}" if failure and not self.replicas else ""
            message = f"no replica was free within {INVOCATION_TIMEOUT_S:g} s{reason}"
            self._refuse(self.queue.popleft(), 503, message)

    @staticmethod
    def _is_expired(invocation: Invocation, now: float) -> bool:
        return invocation.is_finished or now - invocation.received_at > INVOCATION_TIMEOUT_S
