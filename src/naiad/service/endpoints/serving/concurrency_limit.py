"""Concurrency limit: how many tasks may be at work at once, when that number changes meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class ConcurrencyLimit:
    """Tasks above the limit wait in their order."""

    active_count: int = 0
    waiting_count: int = 0
    _released: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def is_unused(self) -> bool:
        return not self.active_count and not self.waiting_count

    @asynccontextmanager
    async def slot(self, limit: Callable[[], int]) -> AsyncIterator[None]:
        """Waits for a free slot, and holds it. limit: the number of slots now; at least one is given."""
        self.waiting_count += 1
        try:
            async with self._released:
                await self._released.wait_for(lambda: self.active_count < max(1, limit()))
                self.active_count += 1
        finally:
            self.waiting_count -= 1
        try:
            yield
        finally:
            async with self._released:
                self.active_count -= 1
                self._released.notify_all()
