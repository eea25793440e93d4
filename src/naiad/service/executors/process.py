"""Identifies a process for good: a pid alone is not enough, because pids are used again."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    start_ticks: str
    """Clock ticks from the start of the machine to the start of the process, from /proc."""
    boot_id: str

    @classmethod
    def find(cls, pid: int) -> "Process | None":
        """Returns the process that has the pid now. Returns None when there is none, or only a zombie."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        state, *fields = text.rpartition(")")[2].split()  # a name may hold anything, so read from its end on
        return None if state in "ZX" else cls(pid, fields[18], boot_id)

    @property
    def is_alive(self) -> bool:
        return Process.find(self.pid) == self

    def signal(self, number: int) -> None:
        """Sends a signal. Does nothing when the process has ended."""
        if self.is_alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
