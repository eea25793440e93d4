"""Attempts of a program to get out of its walls, and ordinary things that it can do."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.service.walls.file_view import interpreter_folders
from naiad.service.walls.sandbox import Sandbox

Run = Callable[..., Any]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL_ATTEMPTS = {
    "umount of its folder": "umount /opt/ml",
    "umount of proc": "umount -l /proc",
    "a packages folder made writable": "mount -o remount,bind,rw /usr",
    "a new mount": "mount -t tmpfs none /tmp",
    "a bind": "mount --bind / /tmp",
    "new namespaces": "unshare --user --map-root-user --mount true",
    "a network namespace": "unshare --net true",
    "a device": "mknod /tmp/disk b 8 0",
    "another host name": "hostname other",
    "a file of the system": "touch /usr/new",
    "the password file": "cat /etc/shadow",
    "the password file, to write": ": >> /etc/shadow",
    "the accounts": "echo x >> /etc/passwd",
    "the homes": "ls /home",
    "settings of the kernel": "echo 1 > /proc/sys/vm/drop_caches",
    "a change of its root": "chroot /tmp /bin/true",
}
TRACE = "import ctypes; raise SystemExit(ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0)"
CAPABILITIES = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status"


@pytest.fixture(params=[False, True], ids=["another-user", "run-as-root"])
def either(request: Any, make: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox of both kinds that a server of root has; of the one kind that any other server has."""
    if request.param and os.geteuid() != 0:
        pytest.skip("--run-as-root is for a server of root")
    return make(run_as_root=request.param)


@pytest.mark.parametrize("attempt", SHELL_ATTEMPTS.values(), ids=SHELL_ATTEMPTS)
def test_an_attempt_to_get_out_fails(either: Sandbox, run: Run, attempt: str) -> None:
    assert run(either, "/bin/sh", "-c", attempt, PATH=PATH).returncode != 0


def test_no_privilege_is_left(either: Sandbox, run: Run) -> None:
    lines = dict(line.split(":\t") for line in run(either, "/bin/sh", "-c", CAPABILITIES).stdout.splitlines())
    assert lines.pop("NoNewPrivs") == "1"
    assert lines.pop("Seccomp") == "2"
    assert set(lines.values()) == {"0" * 16}


def test_a_program_cannot_trace(either: Sandbox, run: Run) -> None:
    assert run(either, sys.executable, "-c", TRACE).returncode == 1


def test_the_server_is_not_there(either: Sandbox, run: Run, state: Path) -> None:
    """Its folder does not exist, nor does any other of the host that is not allowed."""
    code = "import os, sys; print([os.path.exists(path) for path in sys.argv[1:]])"
    paths = (
        str(state),
        "/etc/shadow",
        "/etc/sudoers",
        "/boot",
        "/srv",
        "/mnt",
        "/media",
        "/var/lib",
        "/run/docker.sock",
    )
    assert run(either, sys.executable, "-c", code, *paths).stdout == f"{[False] * len(paths)}\n"


def test_the_home_holds_only_what_the_interpreter_needs(either: Sandbox, run: Run) -> None:
    """A user's Python may lie in the home."""
    code = """if True:
        import os, sys
        for folder, _, files in os.walk(sys.argv[1]):
            if not any(folder.startswith(path) for path in (sys.prefix, sys.base_prefix, *sys.argv[2:])):
                print(*files, end="")
    """
    done = run(either, sys.executable, "-c", code, str(Path.home()), *interpreter_folders())
    assert (done.stdout, done.returncode) == ("", 0)


def test_a_program_sees_its_own_processes_only(either: Sandbox, run: Run) -> None:
    code = "import os; print(os.getpid(), sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    assert run(either, sys.executable, "-c", code).stdout == "2 [1, 2]\n"


def test_a_program_is_root_of_nothing_but_its_folders(either: Sandbox, run: Run) -> None:
    code = """if True:
        import getpass, os, pwd
        print(os.getuid(), getpass.getuser(), pwd.getpwuid(0).pw_dir)
        print([os.stat(path).st_uid for path in ("/opt/ml", "/opt/ml/code", "/tmp", "/usr")])
        open("/opt/ml/code/new", "w").close()
        open("/tmp/new", "w").close()
    """
    user_id = os.geteuid() if either.walls.user_id is None else either.walls.user_id
    others = 0 if Path("/usr").stat().st_uid == user_id else 65534
    assert run(either, sys.executable, "-c", code).stdout == f"0 root /tmp\n[0, 0, 0, {others}]\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a server of root")
def test_a_program_of_a_root_server_is_another_user_outside(sandbox: Sandbox, run: Run) -> None:
    run(sandbox, "/bin/sh", "-c", "touch /opt/ml/new; ln -s /etc/passwd /opt/ml/link", PATH=PATH)
    assert (sandbox.ml / "new").stat().st_uid == sandbox.walls.user_id != 0
    run(sandbox, "/bin/true")
    assert Path("/etc/passwd").stat().st_uid == 0
