"""The filter in a process of its own: what it refuses, and what it lets through."""

import platform
import subprocess
import sys

import pytest

from naiad.service.walls.syscall_filter import has_syscall_filter

pytestmark = pytest.mark.skipif(not has_syscall_filter(), reason="the system calls of this processor are not known")
IS_X86_64 = platform.machine() == "x86_64"
BEGIN = """
import ctypes, errno, os, socket
from naiad.service.walls import system_calls
from naiad.service.walls.syscall_filter import install_syscall_filter
system_calls.prctl(system_calls.PR_SET_NO_NEW_PRIVS, 1)
install_syscall_filter()
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    return errno.errorcode.get(ctypes.get_errno()) if libc.syscall(number, *arguments) < 0 else None
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("number", [425, 426, 428, 429, 430, 442, 447])
def test_newer_calls_are_refused_on_every_processor(number: int) -> None:
    """io_uring and the newer ways to mount, with arguments that would be wrong anyway: another error shows that they ran."""
    assert run(f"print(call({number}, -1, 0, 0, 0))") == "EPERM"


@pytest.mark.skipif(not IS_X86_64, reason="the numbers are those of x86-64")
@pytest.mark.parametrize("number", [101, 155, 161, 165, 166, 246, 248, 249, 250, 298, 304, 308, 321, 323])
def test_calls_of_escapes_are_refused(number: int) -> None:
    assert run(f"print(call({number}, -1, 0, 0, 0))") == "EPERM"


@pytest.mark.parametrize(
    "flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x80]
)
def test_no_new_namespace_of_any_kind(flag: int) -> None:
    code = f"print(libc.unshare({flag}), errno.errorcode[ctypes.get_errno()])"
    assert run(code) == "-1 EPERM"


def test_processes_and_threads_start_as_before() -> None:
    code = """
import subprocess, threading
thread = threading.Thread(target=print, args=("thread",))
thread.start()
thread.join()
print(subprocess.run(["echo", "process"], capture_output=True, text=True).stdout, end="", flush=True)
if os.fork() == 0:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert run(code).split() == ["thread", "process", "0"]


def test_chown_does_nothing_and_says_nothing(tmp_path) -> None:  # type: ignore[no-untyped-def]  # reason: pytest's
    file = tmp_path / "file"
    file.touch()
    code = f"os.chown({str(file)!r}, 1, 1); os.lchown({str(file)!r}, 1, 1); print(os.stat({str(file)!r}).st_uid)"
    assert run(code) == str(file.stat().st_uid)


def test_sockets() -> None:
    code = """
def kind(family):
    try:
        socket.socket(family, socket.SOCK_STREAM if family != 16 else socket.SOCK_RAW).close()
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
print([kind(family) for family in (socket.AF_UNIX, socket.AF_INET, 16, 40, 38, 17)])
"""
    assert run(code) == "['ok', 'ok', 'ok', 'EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT']"


def test_nothing_is_typed_into_a_terminal() -> None:
    code = """
import fcntl, termios
try:
    fcntl.ioctl(os.openpty()[1], termios.TIOCSTI, b"x")
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    assert run(code) == "EPERM"
