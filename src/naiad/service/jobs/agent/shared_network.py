"""One network for the instances of a job on one machine: the first agent makes it, the others enter it.

A namespace lives as long as a process or an open file holds it. The agent that made it keeps its files open to its end.
"""

import fcntl
import json
import os
from pathlib import Path

from naiad.service.executors.process import Process
from naiad.service.walls import system_calls as linux
from naiad.service.walls.network import bring_loopback_up
from naiad.service.walls.privileges import enter_user_namespace

_FILE, _LOCK_FILE = "network.json", "network.lock"


def enter_shared_network(folder: Path | None, *, is_root: bool) -> tuple[str, ...]:
    """Returns the files of the namespaces that the instances in ``folder`` share; () without a folder, for a network of its own.

    ``is_root``: programs need no user namespace to enter the network. Raises OSError.
    """
    if folder is None:
        return ()
    with (folder / _LOCK_FILE).open("ab") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        return _existing(folder / _FILE) or _make(folder / _FILE, is_root=is_root)


def _existing(file: Path) -> tuple[str, ...]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    maker = Process(values["pid"], values["started"], values["boot"])
    return tuple(values["namespaces"]) if maker.is_alive else ()


def _make(file: Path, *, is_root: bool) -> tuple[str, ...]:
    maker = Process.find(os.getpid())
    if maker is None:
        raise ProcessLookupError("/proc does not show this process")
    names = ("net",) if is_root else ("user", "net")
    paths = tuple(f"/proc/{maker.pid}/fd/{descriptor}" for descriptor in _open_new_namespaces(names))
    values = {"pid": maker.pid, "started": maker.start_ticks, "boot": maker.boot_id, "namespaces": paths}
    file.write_text(json.dumps(values), encoding="utf-8")
    return paths


def _open_new_namespaces(names: tuple[str, ...]) -> list[int]:
    """Returns open files of namespaces that a child has made. Raises OSError."""
    ready, tell = os.pipe()
    done, wait = os.pipe()
    child = os.fork()
    if child == 0:
        _make_namespaces(names, tell, done, wait)
    os.close(tell)
    os.close(done)
    try:
        if not os.read(ready, 1):
            raise PermissionError("no network can be made for the instances of this job")
        return [os.open(f"/proc/{child}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
    finally:
        os.close(ready)
        os.close(wait)
        os.waitpid(child, 0)


def _make_namespaces(names: tuple[str, ...], tell: int, done: int, wait: int) -> None:
    """Runs in the child, makes the namespaces and waits until they are opened."""
    try:
        os.close(wait)
        if "user" in names:
            enter_user_namespace(linux.CLONE_NEWNET)
        else:
            linux.unshare(linux.CLONE_NEWNET)
        bring_loopback_up()
        os.write(tell, b"1")
        os.read(done, 1)
    finally:
        os._exit(0)
