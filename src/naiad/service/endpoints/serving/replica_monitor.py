"""Replica monitor: finds the replicas that take more of the machine than they may, and ends them. One for all of a server."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from naiad.service.endpoints.serving.instance_limits import excess_reason
from naiad.service.endpoints.serving.replica import Replica
from naiad.service.walls.resource_guard import USAGE_INTERVAL_S, Excess, ResourceGuard


@dataclass
class ReplicaMonitor:
    """Used on the event loop's thread only. It measures in another one, all replicas in one go."""

    interval_s: float = USAGE_INTERVAL_S
    _guards: dict[Replica, ResourceGuard] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None

    def watch(self, replica: Replica, guard: ResourceGuard) -> None:
        """Watches a replica until it is disconnected."""
        self._guards[replica] = guard
        replica.disconnected.add_done_callback(lambda _: self._guards.pop(replica, None))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._guards:
            await asyncio.sleep(self.interval_s)
            for replica, excess in (await asyncio.to_thread(_find_excesses, dict(self._guards))).items():
                replica.end(excess_reason(excess))


def _find_excesses(guards: Mapping[Replica, ResourceGuard]) -> dict[Replica, Excess]:
    """Blocks, for long when a replica has written much."""
    excesses = {}
    for replica, guard in guards.items():
        with contextlib.suppress(OSError):  # it has ended meanwhile, and its folder is gone
            if (excess := guard.find_excess(replica.process.pid)) is not None:
                excesses[replica] = excess
    return excesses
