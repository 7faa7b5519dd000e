"""Let the Linux kernel refuse what a student's code may not open, also where it is asked for in C.

Python's audit hooks (see `sandbox`) do not see libraries that open files themselves, such as
`torchvision.io.read_file`. Landlock is the kernel's own list of what a process and its children may open; it
needs no rights and cannot be taken back. Where there is none (other systems, kernels before 5.13) nothing
happens. Source: the kernel's documentation, userspace-api/landlock, and linux/landlock.h.
"""

import ctypes
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every machine
_NO_NEW_PRIVILEGES = 38  # for prctl
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1  # what the first version knows
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict(*, readable: Iterable[Path], hidden: Sequence[Path], writable: Iterable[Path]) -> bool:
    """Let this process read below `readable` but not below `hidden`, write below `writable`, start no
    program and connect to nothing by TCP, from now on; give whether the kernel sees to it.

    Threads that were started before are not bound, so it comes first.
    """
    libc, known = _libc(), version()
    if libc is None or known < 1:
        return False
    everything = _FIRST
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        everything |= right if known >= since else 0
    rules = _Ruleset(everything, 3 if known >= 4 else 0, 3 if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            for part in without(
                Path(os.path.realpath(path)), [Path(os.path.realpath(one)) for one in hidden]
            ):
                _allow(libc, ruleset, part, _READ_FILE | _READ_DIR)
        for path in writable:
            _allow(libc, ruleset, path, everything & ~_EXECUTE)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        return libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def version() -> int:
    """Give the version of Landlock that this kernel has; 0 for none."""
    libc = _libc()
    return max(0, libc.syscall(_CREATE_RULESET, None, 0, 1)) if libc else 0


def without(path: Path, hidden: Sequence[Path]) -> list[Path]:
    """Give the largest parts of `path`, itself if possible, that neither are nor hold anything `hidden`."""
    if any(path.is_relative_to(one) for one in hidden):
        return []
    if not any(one.is_relative_to(path) for one in hidden):
        return [path]
    try:
        return [part for child in sorted(path.iterdir()) for part in without(child, hidden)]
    except OSError:  # no folder, or one that may not be listed
        return []


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    """Add a rule for a folder or a file; what is not there needs none."""
    try:
        handle = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & _OF_FILES, handle)
        libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(handle)


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
