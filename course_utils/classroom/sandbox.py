"""Limits for a process that runs a student's code: what it may open, and how much it may use.

An audit hook sees each file, socket and process that Python code asks for, and cannot be removed again; at
the first forbidden thing the process ends at once, so nobody can look at the hook's own frames and change
it. Limits of the operating system bound time, memory and files, and on Linux the kernel refuses files and
connections that libraries ask for in C (`landlock`). All this keeps mistakes and pranks from doing harm. It
is no security boundary, so grade what you would not run in a container. Source: PEP 578; Python's table of
audit events.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from course_utils.classroom import landlock

FORBIDDEN_EXIT = 77  # the exit code of a process that did something forbidden
_PROCESSES = (
    "os.fork",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.kill",
    "pty.spawn",
    "subprocess.",
)
_NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "telnetlib.")
_NATIVE = ("ctypes.", "gc.get_", "winreg.", "msvcrt.", "syslog.")
_CHANGES = (
    "os.chdir", "os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr",
    "os.rename", "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "shutil.",
)  # fmt: skip
_LOOKS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob", "pathlib.Path.glob")
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/opt", "/nix/store", "/etc", "/sys", "/dev/null", "/dev/urandom",
    "/dev/random", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys",
)  # fmt: skip


def limit_resources(*, cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Bound this process: seconds of processor time, bytes of data, bytes of each file it writes.

    Windows has no such limits: there the grader watches time and memory from outside alone.
    """
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_CPU": cpu_s,
        "RLIMIT_DATA": memory_bytes,  # not the address space: PyTorch reserves far more than it uses
        "RLIMIT_FSIZE": file_bytes,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            _, hard = resource.getrlimit(kind)
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (bound, bound))


def lock(*, own: Path, readable: Iterable[Path], hidden: Iterable[Path]) -> bool:
    """Let the kernel refuse all files that `forbid` does not allow; give whether it can."""
    return landlock.restrict(
        readable=[Path(path) for path in _may_read(own, readable)],
        hidden=list(hidden),
        writable=[own, Path("/dev/null")],
    )


def forbid(
    *, own: Path, readable: Iterable[Path], hidden: Iterable[Path], tell: Callable[[str], None]
) -> None:
    """From now on, end this process at the first access to anything but what is allowed.

    It may read and write below `own`, and read Python itself, the system's libraries and what lies below
    `readable`, but nothing below `hidden`. `tell` is called with the reason before the process ends.
    """
    end, real, join_ = os._exit, os.path.realpath, os.path.join  # bound here: the names below may be changed
    separator = os.sep
    mine = real(own)
    may_read = _may_read(own, readable)
    may_not = tuple(real(path) for path in hidden)
    write_flags = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
    text_of, is_text, is_bytes = os.fsdecode, str, bytes

    def below(path: str, folders: tuple[str, ...]) -> bool:
        for folder in folders:
            if path == folder or path.startswith(folder.rstrip(separator) + separator):
                return True
        return False

    def stop(reason: str) -> NoReturn:
        try:
            tell(reason)
        finally:
            end(FORBIDDEN_EXIT)

    def path_of(value: object) -> str | None:
        if value is None or isinstance(value, int):
            return None  # a file descriptor that is open already
        if isinstance(value, is_text | is_bytes):
            return real(text_of(value))
        stop("used a path that is neither text nor bytes")

    def check_read(path: str) -> None:
        if not below(path, (mine,)) and (below(path, may_not) or not below(path, may_read)):
            stop(f"tried to read {path}")

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path = path_of(arguments[0])
            if path is None:
                return
            mode, flags = arguments[1], arguments[2]
            writing = isinstance(flags, int) and flags & write_flags
            writing = writing or (isinstance(mode, is_text) and any(letter in mode for letter in "wax+"))
            if not writing:
                check_read(path)
            elif not below(path, (mine,)) and path != "/dev/null":
                stop(f"tried to write {path}")
        elif event == "sqlite3.connect":
            path = None if arguments[0] in ("", b"", ":memory:", b":memory:") else path_of(arguments[0])
            if path is not None and not below(path, (mine,)):
                stop(f"tried to write {path}")
        elif event.startswith(_CHANGES):
            for argument in (
                arguments[:2] if event in ("os.link", "os.rename", "os.symlink") else arguments[:1]
            ):
                path = path_of(argument)
                if path is not None and not below(path, (mine,)):
                    stop(f"tried to change {path} ({event})")
        elif event.startswith(_LOOKS):
            path = path_of(arguments[0] if arguments and arguments[0] is not None else join_(mine, ""))
            if path is not None:
                check_read(path)
        elif event.startswith(_PROCESSES):
            stop(f"tried to start or stop a process ({event})")
        elif event.startswith(_NETWORK):
            stop(f"tried to use the network ({event})")
        elif event.startswith(_NATIVE):
            stop(f"tried to reach below Python ({event})")

    _close_the_side_door(stop)
    sys.addaudithook(hook)


def _may_read(own: Path, readable: Iterable[Path]) -> tuple[str, ...]:
    """Give the folders that may be read: the given ones, the system's, Python's."""
    python = {sys.prefix, sys.base_prefix, sys.exec_prefix, *(entry for entry in sys.path if entry)}
    return tuple(os.path.realpath(str(path)) for path in (own, *readable, *_SYSTEM, *python))


def _close_the_side_door(stop: Callable[[str], NoReturn]) -> None:
    """Replace the one function that starts a process and of which the hook hears nothing."""

    def fork_exec(*_: Any) -> NoReturn:
        stop("tried to start or stop a process (fork_exec)")

    for module, name in (("_posixsubprocess", "fork_exec"), ("subprocess", "_fork_exec")):
        with contextlib.suppress(ImportError):  # Windows has neither
            setattr(importlib.import_module(module), name, fork_exec)
