"""A network that stands for the internet: a namespace behind a pair of interfaces. It needs root and the program ip."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

MACHINE_ADDRESS, ADDRESS, PORT = "198.51.100.1", "198.51.100.2", 7777
"""The machine's own address in that network, and the one of somebody outside."""
_OUTSIDE = """if True:
    import os, socket, sys
    from naiad.service.walls import system_calls as linux
    linux.unshare(linux.CLONE_NEWNET)
    print("made", flush=True)
    sys.stdin.readline()
    with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as listener:
        print("listens", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"outside")
"""


@contextlib.contextmanager
def outside_network() -> Iterator[tuple[str, int]]:
    """Yields the place at which somebody outside answers ``outside``."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network that stands for the internet needs root and ip")
    words = [sys.executable, "-c", _OUTSIDE, str(PORT)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "made\n"
            outer, inner = f"naiad{process.pid}", "outside"
            if not _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", str(process.pid)):
                pytest.skip("no pair of interfaces can be made here")
            enter = ("nsenter", "-t", str(process.pid), "-n")
            assert _run("ip", "addr", "add", f"{MACHINE_ADDRESS}/24", "dev", outer)
            assert _run("ip", "link", "set", outer, "up")
            assert _run(*enter, "ip", "addr", "add", f"{ADDRESS}/24", "dev", inner)
            assert _run(*enter, "ip", "link", "set", inner, "up")
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "listens\n"
            yield ADDRESS, PORT
        finally:
            process.kill()


def _run(*words: str) -> bool:
    return subprocess.run(words, check=False, capture_output=True).returncode == 0
