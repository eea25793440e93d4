"""The replicas of one variant: who answers which call, how many may wait, and what happens when one is lost.

Contract: every call that was taken is answered: by a replica, or with 424 when it has cost three replicas their lives or took too
long, or with 503 when nobody could be started in time. Nothing waits behind more than about a second's work.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from naiad.service.endpoints.request_rate import RequestRate
from naiad.service.endpoints.serving.invocation import INVOCATION_TIMEOUT_S, Call, Full, Reply
from naiad.service.endpoints.serving.replica import Replica, ReplicaFailed

_LOG = logging.getLogger(__name__)
_GRACE_S = 1.0
"""A worker that passes calls on looks at the clock itself. After so long it is the pool's turn, and the replica is replaced."""
_TAKEN_WITHIN_S = 60.0
"""A client of a stream that takes nothing for so long has gone."""
_QUEUE_S = 1.0
"""How much work may wait, by the rate of the last seconds."""
_MOST_WAITING = 1024
_WAITING_AT_FIRST = 16
"""While nothing has been answered yet."""
_WAITING_FOR_A_START = 64
_MOST_TRIES = 3
_LOOK_EVERY_S = 1.0
_END_WITHIN_S = 30.0
_BACKOFF_S = (0.0, 0.0, 0.5, 2.0, 5.0, 15.0, 30.0)
_STEADY_AFTER_S = 30.0
"""A replica that lived so long has not failed to start."""

Launch = Callable[["Pool", int], Awaitable[Replica]]


@dataclass
class Pool:
    """For the loop's thread. ``wanted`` is how many replicas there are to be."""

    name: str
    """Of the variant."""
    launch: Launch
    """Starts a replica and returns when it is connected; its ``ready`` tells the rest. Raises ServiceError, OSError."""
    window: int
    """How many calls a replica is given at once: two batches, so that one is there when the other is done."""
    start_timeout_s: float = 240.0
    wanted: int = 0
    replicas: list[Replica] = field(default_factory=list)
    """Those that are ready."""
    waiting: deque[Call] = field(default_factory=deque)
    on_done: Callable[[Call, Reply], None] = lambda _call, _reply: None
    """Told of every answer, for the counts."""
    rate: RequestRate = field(default_factory=RequestRate)
    last_asked_at: float = 0.0
    """Of a pool that takes another one's place: as that one had it. The first replica counts as a question."""
    restarts: int = 0
    failure: str = ""
    """Why the last start failed."""
    _launched: int = 0
    _failures: int = 0
    _starting: set["asyncio.Task[None]"] = field(default_factory=set)
    _ending: set["asyncio.Task[None]"] = field(default_factory=set)
    _started_at: dict[Replica, float] = field(default_factory=dict)
    _is_closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    # --- calls

    def submit(self, call: Call) -> None:
        """Raises Full."""
        self.last_asked_at = call.asked_at
        replica = self._least_busy()
        if replica is not None and not self.waiting:
            replica.send(call)
            return
        if len(self.waiting) >= self.most_waiting:
            raise Full(
                f"{len(self.waiting)} invocations wait already, which is as much as can be answered in good time",
                retry_after_s=max(1, math.ceil(_QUEUE_S)),
            )
        self.waiting.append(call)
        if not self.wanted:
            self.resize(1)

    @property
    def most_waiting(self) -> int:
        least = 2 * self.window * max(1, len(self.replicas))
        if not self.replicas:
            return max(least, _WAITING_FOR_A_START)
        if not self.rate.is_known:
            return max(least, _WAITING_AT_FIRST)
        return max(least, min(_MOST_WAITING, round(self.rate.per_second(_now()) * _QUEUE_S)))

    def on_answer(self, replica: Replica, call: Call, reply: Reply) -> None:
        self.rate.record(_now())
        self.on_done(call, reply)
        call.answer(reply)
        self._feed(replica)
        if replica.is_draining and not replica.in_flight:
            self._let_go(replica)

    def on_counted(self, replica: Replica, status: int, count: int, seconds: float) -> None:  # noqa: ARG002  # reason: the port's signature
        """What came by the replica's own port keeps it awake, and is in the counts, each with the mean of the times."""
        now = self.last_asked_at = _now()
        asked_at = now - seconds / max(count, 1)
        call = Call(b"", b"", asyncio.get_running_loop().create_future(), asked_at, sent_at=asked_at)
        reply = Reply(status, "", "", b"")
        for _ in range(count):
            self.on_done(call, reply)

    def on_lost(self, replica: Replica, calls: list[Call]) -> None:
        """What it had is given to others first; a call that has cost three replicas is not given to a fourth."""
        if replica in self.replicas:
            self.replicas.remove(replica)
        lived_s = _now() - self._started_at.pop(replica, _now())
        self._failures = 0 if lived_s > _STEADY_AFTER_S else self._failures
        for call in reversed(calls):
            self._again(call)
        if not replica.is_draining and not self._is_closed:
            self.restarts += 1
            _LOG.warning("replica %s was lost with %d calls", replica.name, len(calls))
        self._let_go(replica)
        self._changed.set()
        self._fill()
        for other in list(self.replicas):
            self._feed(other)

    def _again(self, call: Call) -> None:
        call.tries += 1
        call.forget()
        if call.is_over:
            return
        if call.stream is not None or call.tries >= _MOST_TRIES:
            what = "in the middle of its answer" if call.stream is not None else f"{call.tries} times at this request"
            self._refuse(call, 424, f"the model's process ended {what}")
        elif self._is_closed:
            self._refuse(call, 503, "the endpoint has ended")
        else:
            self.waiting.appendleft(call)

    def _refuse(self, call: Call, status: int, message: str) -> None:
        reply = Reply(status, "text/plain", "", message.encode())
        self.on_done(call, reply)
        call.answer(reply)

    def _least_busy(self) -> Replica | None:
        """None when all of them have as much as they are given."""
        best, least = None, self.window
        for replica in self.replicas:
            count = len(replica.in_flight)
            if count < least and replica.takes_more:
                best, least = replica, count
        return best

    def _feed(self, replica: Replica) -> None:
        while self.waiting and replica.takes_more and len(replica.in_flight) < self.window:
            call = self.waiting.popleft()
            if not call.is_over:
                replica.send(call)

    # --- replicas

    def resize(self, count: int) -> None:
        self.wanted = count
        self._failures = 0
        while len(self._serving()) > count:
            self._drain(min(self._serving(), key=lambda replica: len(replica.in_flight)))
        self._fill()

    async def become_ready(self) -> None:
        """Returns when all that are wanted are ready. Raises ReplicaFailed when one cannot be started."""
        while len(self._serving()) < self.wanted:
            if self.failure and self._failures:
                raise ReplicaFailed(self.failure)
            self._changed.clear()
            await self._changed.wait()

    async def watch(self) -> None:
        """Until it is cancelled: ends what hangs, and answers what waited too long."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._look()

    async def close(self) -> None:
        """Finishes what was begun; what waits goes to the replicas that are left, for as long as a replica has to end."""
        deadline = _now() + _END_WITHIN_S
        while (self.waiting or any(replica.in_flight for replica in self.replicas)) and _now() < deadline:
            await asyncio.sleep(0.01)
        self._is_closed = True
        self.wanted = 0
        for task in self._starting:
            task.cancel()
        for replica in list(self.replicas):
            self._drain(replica)
        while self.waiting:
            self._refuse(self.waiting.popleft(), 503, "the endpoint has ended")
        await asyncio.gather(*self._starting, *self._ending, return_exceptions=True)

    def _serving(self) -> list[Replica]:
        return [replica for replica in self.replicas if not replica.is_draining]

    def _fill(self) -> None:
        while not self._is_closed and len(self._serving()) + len(self._starting) < self.wanted:
            task = asyncio.get_running_loop().create_task(self._start())
            self._starting.add(task)
            task.add_done_callback(self._started)

    def _started(self, task: "asyncio.Task[None]") -> None:
        self._starting.discard(task)
        self._changed.set()
        self._fill()

    async def _start(self) -> None:
        """One attempt, after a pause that grows with the attempts that failed one behind the other."""
        await asyncio.sleep(_BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)])
        self._launched += 1
        replica = None
        try:
            replica = await self.launch(self, self._launched)
            async with asyncio.timeout(self.start_timeout_s):
                await replica.ready
        except (ReplicaFailed, OSError, TimeoutError) as error:
            reason = str(error) or f"its model was not loaded within {self.start_timeout_s:g} s"
            self._failures, self.failure = self._failures + 1, reason
            _LOG.warning("a replica of %s could not be started: %s", self.name, reason)
            if replica is not None:
                await replica.end(within_s=0)
            return
        except asyncio.CancelledError:
            if replica is not None:
                await replica.end(within_s=0)
            raise
        self._join(replica)

    def _join(self, replica: Replica) -> None:
        self._started_at[replica] = now = _now()
        self.last_asked_at = self.last_asked_at or now
        self.replicas.append(replica)
        self._feed(replica)

    def _drain(self, replica: Replica) -> None:
        replica.is_draining, replica.takes_more = True, False
        if not replica.in_flight:
            self._let_go(replica)

    def _let_go(self, replica: Replica) -> None:
        if replica in self.replicas:
            self.replicas.remove(replica)
        task = asyncio.get_running_loop().create_task(replica.end(within_s=_END_WITHIN_S))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _look(self) -> None:
        now = _now()
        for replica in list(self.replicas):
            if replica.in_flight:
                self._examine(replica, now)
        while self.waiting and (self.waiting[0].is_over or now - self.waiting[0].asked_at > INVOCATION_TIMEOUT_S):
            why = f": {self.failure}" if self.failure and not self.replicas else ""
            self._refuse(self.waiting.popleft(), 503, f"no replica was free within {INVOCATION_TIMEOUT_S:g} s{why}")

    def _examine(self, replica: Replica, now: float) -> None:
        """Its oldest call is the one that it is at; the others' clocks begin when that one is answered."""
        if replica.pulse is not None and replica.pulse.is_still(now):
            _LOG.warning("replica %s stands still: it is ended, and what it had goes to another", replica.name)
            replica.kill()
            return
        oldest = next(iter(replica.in_flight))
        for number, call in list(replica.in_flight.items()):
            if call.stream is not None and call.stream.paused_at is not None:
                if now - call.stream.paused_at > _TAKEN_WITHIN_S:
                    replica.give_up(number, _failed(f"no part was taken for {_TAKEN_WITHIN_S:g} s"))
            elif number == oldest:
                if now - max(call.sent_at, replica.heard_at) > call.timeout_s + _GRACE_S:
                    replica.kill()
                    replica.give_up(number, _failed(f"the model did not answer within {call.timeout_s:g} s"))
            elif now - call.sent_at > call.timeout_s + _GRACE_S and call.stream is None:
                replica.give_up(number, Reply(503, "text/plain", "", b"the model was busy with others for too long"))


def _failed(message: str) -> Reply:
    return Reply(424, "text/plain", "", message.encode())


def _now() -> float:
    return time.monotonic()
