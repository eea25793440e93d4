import subprocess
import sys

import pytest

from naiad.service.walls.sandbox import allows_namespaces

ENTER = """
import os
from naiad.service.walls.namespaces import enter_namespaces
outside = {name: os.readlink(f"/proc/self/ns/{name}") for name in ("user", "mnt", "uts", "net")}
enter_namespaces()
print(os.geteuid(), *(name for name in outside if os.readlink(f"/proc/self/ns/{name}") != outside[name]), flush=True)
if os.fork() == 0:
    print(os.getpid(), flush=True)
else:
    os.wait()
"""
DIE = """
import os, time
from naiad.service.walls.namespaces import die_with_parent
parent = os.fork()
if parent == 0:
    if os.fork() == 0:
        die_with_parent()
        print("started", flush=True)
        time.sleep(600)
    os.read(0, 1)
else:
    os.wait()
"""


@pytest.mark.skipif(not allows_namespaces(), reason="namespaces are not allowed here")
def test_a_process_enters_new_namespaces() -> None:
    done = subprocess.run([sys.executable, "-c", ENTER], capture_output=True, text=True, check=True)
    assert done.stdout == "0 user mnt uts\n1\n"  # the fork is process 1 of its namespace


def test_a_process_dies_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DIE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.stdin.close()
        assert process.stdout.read() == ""  # the pipe is closed because the process has ended
