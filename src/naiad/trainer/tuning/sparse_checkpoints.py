"""Checkpoints of a trial: the newest in memory, and on disk now and then, at a pause and at the end.

A trial may last a second. Writing a checkpoint durably after each of its epochs would take longer than the epochs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from naiad.trainer.loop.checkpoint import Checkpoints, Snapshot

INTERVAL_S = 5.0
"""Seconds between two checkpoints on disk: what a crash may cost a trial."""


@dataclass
class SparseCheckpoints:
    """Keeps what ``Checkpoints`` promises to a run; after a crash, the last one on disk counts."""

    disk: Checkpoints
    interval_s: float = INTERVAL_S
    clock: Callable[[], float] = time.monotonic
    _newest: Snapshot | None = None
    _newest_regular: Snapshot | None = None
    _unwritten: Snapshot | None = None
    _written_at: float | None = field(default=None, repr=False)

    def save(self, snapshot: Snapshot, *, regular: bool = True) -> None:
        self._newest = self._unwritten = snapshot
        if regular:
            self._newest_regular = snapshot
        now = self.clock()
        if self._written_at is None:  # the first one is of untrained weights, which the seed gives again
            self._written_at = now
        elif not regular or now - self._written_at >= self.interval_s:
            self.flush()

    def flush(self) -> None:
        """Writes the newest one to disk, unless it is there. Raises DiskFull, FolderError."""
        if self._unwritten is not None:
            self.disk.save(self._unwritten, regular=True)
            self._unwritten, self._written_at = None, self.clock()

    def latest(self, *, regular: bool = False) -> Snapshot | None:
        in_memory = self._newest_regular if regular else self._newest
        if in_memory is not None:
            return in_memory
        self._newest = self._newest_regular = self.disk.latest(regular=regular)
        return self._newest

    def take_notes(self) -> list[str]:
        return self.disk.take_notes()

    def clear_after(self, step: int) -> None:
        if self._newest is not None and self._newest.step > step:
            self._newest = self._unwritten = self._newest_regular
        self.disk.clear_after(step)
