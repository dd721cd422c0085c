"""What may a process that runs strangers' queries do? Read its release, and little else. Linux; elsewhere less.

Sources: prctl(2), seccomp(2), setrlimit(2).
"""

import ctypes
import errno
import logging
import os
import platform
import resource
import signal
import sys

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_RET_ALLOW = 0x7FFF0000
_RET_ERRNO = 0x00050000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
# machine → (AUDIT_ARCH, number of socket(2))
_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_X32_BIT = 0x40000000


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends. Exits if that is so already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit(0)


def limit_memory(size_bytes: int) -> None:
    """Limit this process's address space; allocations beyond it fail and end it."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = size_bytes if hard == resource.RLIM_INFINITY else min(size_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def drop_network() -> bool:
    """Make opening a socket impossible for this process and its threads to come.

    Returns:
        False if the system offers neither seccomp filters nor network namespaces; then only the check of SERVICE
        clauses keeps queries from calling other servers.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return _filter_sockets(libc) or any(
        libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET)
    )


def _filter_sockets(libc: ctypes.CDLL) -> bool:
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    architecture, socket_number = known
    load, jump_equal, jump_from, give = 0x20, 0x15, 0x35, 0x06
    refuse = _RET_ERRNO | errno.EACCES
    code = (
        (load, 0, 0, 4),  # seccomp_data.arch
        (jump_equal, 0, 3, architecture),  # another one: refuse everything
        (load, 0, 0, 0),  # seccomp_data.nr
        (jump_equal, 1, 0, socket_number),
        (jump_from, 0, 1, _X32_BIT) if platform.machine() == "x86_64" else (jump_equal, 0, 1, 0xFFFFFFFF),
        (give, 0, 0, refuse),
        (give, 0, 0, _RET_ALLOW),
    )
    instructions = (_Instruction * len(code))(*(_Instruction(*line) for line in code))
    program = _Program(len(code), instructions)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)
