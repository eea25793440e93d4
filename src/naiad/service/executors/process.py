"""Which process is which: a pid alone is not enough, since pids are used again."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    started: str
    """Clock ticks after the machine's start, from /proc."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """None when there is no such process, or only its exit status is left."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()  # a name may hold anything, so from its end on
        return None if fields[0] in "ZX" else cls(pid, fields[19], boot)

    @property
    def is_alive(self) -> bool:
        return Process.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Nothing when it is gone."""
        if self.is_alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
