"""The filter of system calls of a program: what a deep-learning program never needs and an escape often does is refused.

It is a classic BPF program, which the kernel runs before each system call. Refused calls fail as for lack of privilege.
"""

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from naiad.service.walls import system_calls

_SECCOMP_MODE_FILTER = 2
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
"""Offsets in the kernel's ``struct seccomp_data``. An argument's lower half comes first."""
_NEW_NAMESPACES = 0x7E020000
_NEW_TIME_NAMESPACE = 0x80
"""A flag of unshare; in clone the same bit belongs to the signal."""
_SOCKET_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK."""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal."""

_SAME_EVERYWHERE = """
    io_uring_setup=425 io_uring_enter=426 io_uring_register=427 open_tree=428 move_mount=429 fsopen=430 fsconfig=431
    fsmount=432 fspick=433 mount_setattr=442 quotactl_fd=443 memfd_secret=447 open_tree_attr=467
"""
_X86_64 = """
    ptrace=101 syslog=103 uselib=134 vhangup=153 modify_ldt=154 pivot_root=155 adjtimex=159 chroot=161 acct=163
    settimeofday=164 mount=165 umount2=166 swapon=167 swapoff=168 reboot=169 sethostname=170 setdomainname=171
    iopl=172 ioperm=173 init_module=175 delete_module=176 quotactl=179 clock_settime=227 kexec_load=246 add_key=248
    request_key=249 keyctl=250 perf_event_open=298 fanotify_init=300 open_by_handle_at=304 clock_adjtime=305
    setns=308 finit_module=313 kexec_file_load=320 bpf=321 userfaultfd=323
"""
_ARM64 = """
    umount2=39 mount=40 pivot_root=41 chroot=51 vhangup=58 quotactl=60 acct=89 kexec_load=104 init_module=105
    delete_module=106 clock_settime=112 syslog=116 ptrace=117 reboot=142 sethostname=161 setdomainname=162
    settimeofday=170 adjtimex=171 add_key=217 request_key=218 keyctl=219 swapon=224 swapoff=225 perf_event_open=241
    fanotify_init=262 open_by_handle_at=265 clock_adjtime=266 setns=268 finit_module=273 bpf=280 userfaultfd=282
    kexec_file_load=294
"""


@dataclass(frozen=True)
class _Machine:
    identity: int
    """AUDIT_ARCH of the kernel's headers."""
    refused: str
    """The system calls that fail, as ``name=number``."""
    clone: int
    unshare: int
    socket: int
    ioctl: int
    chown: tuple[int, ...]
    """chown and its kin. Only one user id exists inside, so that they could only do nothing or fail; they do nothing."""


_CLONE3 = 435
"""Its flags lie in memory, which a filter cannot read. Without it the C library uses clone."""
_FIRST_X32_CALL = 0x40000000
_MACHINES = {
    "x86_64": _Machine(0xC000003E, _X86_64, 56, 272, 41, 16, (92, 93, 94, 260)),
    "aarch64": _Machine(0xC00000B7, _ARM64, 220, 97, 198, 29, (54, 55)),
}


def has_syscall_filter() -> bool:
    """Whether the filter knows this machine's system calls."""
    return platform.machine() in _MACHINES


def install_syscall_filter() -> None:
    """Installs the filter for this process and all that it starts. ``no_new_privs`` must be set. Raises OSError."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    instructions = _filter_program(machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in instructions))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(instructions), ctypes.addressof(code)))
    system_calls.prctl(system_calls.PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


_Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, value: the kernel's ``struct sock_filter``."""


def _filter_program(machine: _Machine) -> list[_Instruction]:
    refuse, allow = _return(_FAIL | errno.EPERM), _return(_ALLOW)
    program: list[_Instruction] = [
        *(_load(_MACHINE_AT), _jump(_JUMP_EQUAL, machine.identity, 1, 0), _return(_FAIL | errno.ENOSYS)),
        *(_load(_NUMBER_AT), _jump(_JUMP_GREATER_EQUAL, _FIRST_X32_CALL, 0, 1), _return(_FAIL | errno.ENOSYS)),
    ]
    for word in f"{machine.refused} {_SAME_EVERYWHERE}".split():
        program += _when(int(word.partition("=")[2]), [refuse])
    for number in machine.chown:
        program += _when(number, [_return(_FAIL)])
    program += _when(_CLONE3, [_return(_FAIL | errno.ENOSYS)])
    program += _when(machine.clone, [_load(_ARGUMENTS_AT), _jump(_JUMP_ANY_BIT, _NEW_NAMESPACES, 0, 1), refuse, allow])
    flags = _NEW_NAMESPACES | _NEW_TIME_NAMESPACE
    program += _when(machine.unshare, [_load(_ARGUMENTS_AT), _jump(_JUMP_ANY_BIT, flags, 0, 1), refuse, allow])
    families = [each for family in _SOCKET_FAMILIES for each in (_jump(_JUMP_EQUAL, family, 0, 1), allow)]
    program += _when(machine.socket, [_load(_ARGUMENTS_AT), *families, _return(_FAIL | errno.EAFNOSUPPORT)])
    inputs = [each for request in _TERMINAL_INPUT for each in (_jump(_JUMP_EQUAL, request, 0, 1), refuse)]
    program += _when(machine.ioctl, [_load(_ARGUMENTS_AT + 8), *inputs, allow])
    return [*program, allow]


def _when(number: int, block: list[_Instruction]) -> list[_Instruction]:
    """Returns the block for the system call ``number``. The number is loaded; the block must end with a return."""
    return [_jump(_JUMP_EQUAL, number, 0, len(block)), *block]


def _load(offset: int) -> _Instruction:
    return (_LOAD, 0, 0, offset)


def _jump(code: int, value: int, if_true: int, if_false: int) -> _Instruction:
    return (code, if_true, if_false, value)


def _return(action: int) -> _Instruction:
    return (_RETURN, 0, 0, action)
