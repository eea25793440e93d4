"""Programs that take too much, and a neighbour that goes on; on a machine with control groups and on one without."""

import sys
from pathlib import Path

import pytest

from naiad.service.walls import control_group
from naiad.service.walls.control_group import ControlGroup

MIB = 2**20
MEMORY_BYTES = 300 * MIB
TASKS = 100
HELD, MEASURED = "control groups", "measured"
"""The two ways in which programs are held to memory and tasks."""

FORK = """
import os, time
while True:
    try:
        if not os.fork():
            time.sleep(600)
    except OSError:
        time.sleep(600)
"""
HEAP = """
import time
held = b"x" * (700 * 2**20)
time.sleep(600)
"""
SHARED_MEMORY = """
import time
with open("/dev/shm/large", "wb", buffering=0) as file:  # half of the memory fits
    try:
        while True:
            file.write(b"x" * 2**20)
    except OSError:
        pass
held = b"x" * (200 * 2**20)
time.sleep(600)
"""
MEMFD = """
import os, time
file = os.memfd_create("large")
for _ in range(700):
    os.write(file, b"x" * 2**20)
time.sleep(600)
"""
MEMORY_BOMBS = {"heap": HEAP, "shared memory": SHARED_MEMORY, "memfd": MEMFD}

FILE = """
import os, time
file = os.open({path!r}, os.O_CREAT | os.O_WRONLY)
os.posix_fallocate(file, 0, 3 * 2**30)
time.sleep(600)
"""
UNLINKED = """
import os, time
file = os.open("/tmp/large", os.O_CREAT | os.O_WRONLY)
os.unlink("/tmp/large")
os.posix_fallocate(file, 0, 3 * 2**30)
time.sleep(600)
"""
MAPPED = """
import mmap, os, time
file = os.open("/tmp/large", os.O_CREAT | os.O_RDWR)
os.unlink("/tmp/large")
os.posix_fallocate(file, 0, 3 * 2**30)
held = mmap.mmap(file, 3 * 2**30)
os.closerange(3, 100)
time.sleep(600)
"""
DISK_FILLERS = {
    "/tmp": FILE.format(path="/tmp/large"),  # reason: the program's own
    "/opt/ml": FILE.format(path="/opt/ml/code/large"),
    "without a name": UNLINKED,
    "mapped": MAPPED,
}

NEIGHBOUR = """
import os, time
count = 0
while not os.path.exists("/opt/ml/code/end"):
    count += 1
    with open("/opt/ml/code/new", "w") as file:
        file.write(str(count))
    os.replace("/opt/ml/code/new", "/opt/ml/code/count")
    time.sleep(0.01)
"""


def limited_agent(way: str) -> tuple[str, ...]:
    """Returns the command of an agent whose programs are held in one of the two ways, to few tasks."""
    code = f"""
import pathlib, runpy
from naiad.service.walls import control_group, resource_guard
resource_guard._TASKS, resource_guard._TASKS_PER_CORE = {TASKS}, 0
if {way == MEASURED}:
    control_group.MOUNT = pathlib.Path("/nowhere")
runpy.run_module("naiad.service.agent_process", run_name="__main__")
"""
    return (sys.executable, "-c", code)


def skip_without(way: str) -> None:
    """Skips the test where control groups are wanted and none can be made."""
    if way == HELD:
        group = ControlGroup.make("naiad-test-support", memory_bytes=MIB, tasks=1)
        if group is None:
            pytest.skip("no control group can be made here")
        group.remove()


def hold(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process hold its programs in one of the two ways."""
    skip_without(way)
    if way == MEASURED:
        monkeypatch.setattr(control_group, "MOUNT", Path("/nowhere"))
