"""The budgets of all bodies whose senders are not known yet: their bytes, and how many may come at once.

The signature of an API call covers its body, so the body is read before the signature is verified. A body takes its declared
length out of the budget before its first byte is read, and gives it back when its sender is known, or refused.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator

from naiad.service.gateway.rejection import RequestRejected

MAX_LONG_BYTES = 32 * 2**20
"""Room for one body of the largest kind, and a few others."""
MAX_SHORT_BYTES = 8 * 2**20
_SHORT_BYTES = 64 * 1024
"""The longest body that has its room among the short ones."""
_MAX_BODIES = 256
_MAX_WAITING = 128
_MAX_FORMS = 128
_TIMEOUT_S = 30.0


class BodyBudget:
    """Belongs to one event loop. First come, first served."""

    def __init__(
        self, *, max_bytes: int = MAX_LONG_BYTES, max_bodies: int = _MAX_BODIES, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self._free_bytes, self._free_bodies, self._timeout_s = max_bytes, max_bodies, timeout_s
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size_bytes: int) -> None:
        """Returns when there is room; ``give_back`` must follow. Raises RequestRejected when there is none for long."""
        if self.take_now(size_bytes):
            return
        if len(self._waiting) >= _MAX_WAITING:
            raise _busy()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            async with asyncio.timeout(self._timeout_s):
                await turn
        except BaseException as error:
            self._leave(size_bytes, turn)
            if isinstance(error, TimeoutError):
                raise _busy() from None
            raise

    def take_now(self, size_bytes: int) -> bool:
        """Whether there was room at once; then ``give_back`` must follow."""
        if self._waiting or not self._has_room(size_bytes):
            return False
        self._take(size_bytes)
        return True

    def give_back(self, size_bytes: int) -> None:
        self._free_bytes += size_bytes
        self._free_bodies += 1
        if self._waiting:
            self._wake_next()

    def _has_room(self, size_bytes: int) -> bool:
        return size_bytes <= self._free_bytes and self._free_bodies > 0

    def _take(self, size_bytes: int) -> None:
        self._free_bytes -= size_bytes
        self._free_bodies -= 1

    def _wake_next(self) -> None:
        while self._waiting and self._has_room(self._waiting[0][0]):
            size_bytes, turn = self._waiting.popleft()
            self._take(size_bytes)
            turn.set_result(None)

    def _leave(self, size_bytes: int, turn: "asyncio.Future[None]") -> None:
        """Ends the wait of a request that is given up, whose turn may just have come."""
        if turn.done() and not turn.cancelled():
            self.give_back(size_bytes)
            return
        with contextlib.suppress(ValueError):
            self._waiting.remove((size_bytes, turn))
        self._wake_next()


class OpenForms:
    """Forms whose fields are being read, by whom nobody knows: a new one takes the place of the oldest where there are many."""

    def __init__(self, *, max_forms: int = _MAX_FORMS) -> None:
        self._max_forms = max_forms
        self._deadlines: OrderedDict[asyncio.Timeout, None] = OrderedDict()

    @contextlib.asynccontextmanager
    async def place(self, timeout_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError inside when the time is over, or the place is taken."""
        async with asyncio.timeout(timeout_s) as deadline:
            self._deadlines[deadline] = None
            if len(self._deadlines) > self._max_forms:
                oldest, _ = self._deadlines.popitem(last=False)
                oldest.reschedule(asyncio.get_running_loop().time())
            try:
                yield
            finally:
                self._deadlines.pop(deadline, None)


class UnverifiedBodies:
    """The budgets of long and of short bodies: long ones do not hold up the calls of others. And the places for forms."""

    def __init__(self) -> None:
        self.forms = OpenForms()
        self._short, self._long = BodyBudget(max_bytes=MAX_SHORT_BYTES), BodyBudget(max_bytes=MAX_LONG_BYTES)

    def budget_of(self, size_bytes: int) -> BodyBudget:
        return self._short if size_bytes <= _SHORT_BYTES else self._long


def _busy() -> RequestRejected:
    return RequestRejected("busy", "too many bodies of senders that are not known yet are coming in; try again")
