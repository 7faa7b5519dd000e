"""The grader's side: names of a student's notebook that live in another process.

`Remote` starts that process, runs the student's cells in it and gives proxies for names. Calling a proxy
sends the arguments there by value and brings the result back by value. So a test reads as if the function
were here, while the student's code never sees the test, and nothing of it is compared but numbers, texts,
lists, arrays and tensors.
"""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from course_utils import runtime
from course_utils.classroom.framing import read_message, write_message
from course_utils.classroom.values import Handle, decode, encode

_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "SYSTEMROOT",
    "OMP_NUM_THREADS",
    "COURSE_DATA",
    "COURSE_PROFILE",
    "PYTHONPATH",
)

_HOMES = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")  # libraries write there without being asked


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds for a request, to start and in all, bytes of memory, of one file,
    of all files together.
    """

    request_s: float = 20.0
    start_s: float = 300.0
    cpu_s: int = 120
    memory_bytes: int = 3 << 30
    file_bytes: int = 50 << 20
    folder_bytes: int = 200 << 20


class StudentError(AssertionError):
    """The student's code raised an error, or gave something that is no plain value."""


class OutOfLimitsError(StudentError):
    """The student's process ran out of time or memory, or ended by itself; it has been started afresh."""


class ForbiddenError(Exception):
    """The student's code tried something that no solution needs; the whole submission is to be looked at."""


@dataclass
class Remote:
    """A student's process, which may read Python, the folders `readable`, and nothing below `hidden`."""

    readable: Sequence[Path] = ()
    hidden: Sequence[Path] = ()
    import_first: Sequence[str] = ("numpy",)
    limits: Limits = field(default_factory=Limits)
    printed: str = ""
    _forbidden: str = ""
    _folder: Path | None = None
    _process: subprocess.Popen | None = None
    _cells: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> "Remote":
        self._folder = Path(tempfile.mkdtemp(prefix="submission-"))
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        assert self._folder is not None
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, title: str, code: str) -> None:
        """Run a cell; raises StudentError if it fails. After a fresh start those that went well run again."""
        self._ask({"kind": "run", "title": f"<{title}>", "code": code})
        self._cells.append((title, code))

    def get(self, name: str) -> Any:
        """Give a name's value: plain, or a proxy. Raises StudentError where it is not defined."""
        return self._ask({"kind": "get", "name": name}, name=name)

    def _ask(self, request: dict[str, Any], name: str = "") -> Any:
        """Send a request and give the value of the reply."""
        if self._forbidden:
            raise ForbiddenError(self._forbidden)
        self._send(request)
        reply = self._reply(self.limits.request_s)
        if not isinstance(reply, dict):
            raise OutOfLimitsError(self._afresh("gave an answer that cannot be read"))
        if "forbidden" in reply:
            self._end()
            self._forbidden = str(reply["forbidden"])[:500]
            raise ForbiddenError(self._forbidden)
        self.printed += str(reply.get("printed", ""))[:20_000]
        if "error" in reply:
            where = f" ({reply['where']})" if reply.get("where") else ""
            raise StudentError(f"{reply['error']}: {reply.get('text', '')}{where}"[:2000])
        value = decode(reply["result"]) if isinstance(reply.get("result"), bytes) else None
        return self._with_proxies(value, name)

    def _with_proxies(self, value: Any, name: str) -> Any:
        if isinstance(value, Handle):
            return Proxy(self, value, name or value.type_name)
        if isinstance(value, list | tuple):
            return type(value)(self._with_proxies(part, name) for part in value)
        if isinstance(value, dict):
            return {key: self._with_proxies(part, name) for key, part in value.items()}
        return value

    def _send(self, request: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended: the reply will say so
            write_message(self._requests, encode(_without_proxies(request)))

    def _reply(self, most_s: float) -> Any:
        """Wait for a reply within the limits; None where there is none."""
        assert self._process is not None
        end = time.monotonic() + most_s
        watched = psutil.Process(self._process.pid) if self._process.poll() is None else None
        while not select.select([self._replies], [], [], 0.1)[0]:
            if time.monotonic() > end:
                raise OutOfLimitsError(self._afresh(f"took more than {most_s:g} s (an endless loop?)"))
            if watched is not None and _memory_of(watched) > self.limits.memory_bytes:
                raise OutOfLimitsError(
                    self._afresh(f"used more than {self.limits.memory_bytes >> 20} MB of memory")
                )
            self._check_folder()
        self._check_folder()
        try:
            message = read_message(self._replies)
        except ValueError:
            message = None
        if message is None:
            code = self._process.wait(5)
            raise OutOfLimitsError(self._afresh(f"ended its process (code {code})"))
        try:
            return decode(message)
        except ValueError:
            return None

    def _check_folder(self) -> None:
        """Empty the folder and raise OutOfLimitsError where the student's files are too large together."""
        assert self._folder is not None
        if _bytes_below(self._folder) > self.limits.folder_bytes:
            self._end()
            shutil.rmtree(self._folder / "work", ignore_errors=True)
            reason = f"wrote files of more than {self.limits.folder_bytes >> 20} MB"
            raise OutOfLimitsError(self._afresh(reason))

    def _start(self) -> None:
        assert self._folder is not None
        from_grader, self_requests = os.pipe()
        self_replies, to_grader = os.pipe()
        settings = {
            "requests": from_grader,
            "replies": to_grader,
            "import_first": list(self.import_first),
            "cpu_s": self.limits.cpu_s,
            "memory_bytes": self.limits.memory_bytes,
            "file_bytes": self.limits.file_bytes,
            "readable": [str(path) for path in self.readable],
            "hidden": [str(path) for path in self.hidden],
        }
        path = self._folder / "settings.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        inside = self._folder / "work"
        inside.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course_utils.classroom.student_side", str(path)],
            cwd=inside,
            env=runtime.environment_of(_PASSED_ON)
            | dict.fromkeys(_HOMES, str(inside))
            | {"MPLBACKEND": "Agg"},
            pass_fds=(from_grader, to_grader),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(from_grader)
        os.close(to_grader)
        self._requests: BinaryIO = os.fdopen(self_requests, "wb", buffering=0)
        self._replies: BinaryIO = os.fdopen(self_replies, "rb", buffering=0)
        if not select.select([self._replies], [], [], self.limits.start_s)[0]:
            raise RuntimeError(f"the student's process did not start within {self.limits.start_s:g} s")
        if decode(read_message(self._replies) or encode(None)) != {"ready": True}:
            raise RuntimeError(
                "the student's process did not start; is the course installed for this Python?"
            )

    def _afresh(self, reason: str) -> str:
        """Start the process again, with the cells that went well; give the reason."""
        self._end()
        self._start()
        cells, self._cells = self._cells, []
        for title, code in cells:
            self.run(title, code)
        return reason

    def _end(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid)
            for process in [*family.children(recursive=True), family]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait(10)
        self._process = None
        self._requests.close()
        self._replies.close()


class Proxy:
    """An object of the student's process. It equals nothing, and is neither true nor false."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, remote: Remote, handle: Handle, name: str) -> None:
        self._remote, self._handle, self._name = remote, handle, name

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call it there."""
        request = {"kind": "call", "target": self._handle, "arguments": list(arguments), "options": options}
        return self._remote._ask(request, name=f"{self._name}()")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        request = {"kind": "attribute", "target": self._handle, "name": name}
        return self._remote._ask(request, name=f"{self._name}.{name}")

    def __getitem__(self, key: Any) -> Any:
        return self._remote._ask(
            {"kind": "item", "target": self._handle, "key": key}, name=f"{self._name}[...]"
        )

    def __iter__(self) -> Any:
        return iter(self._remote._ask({"kind": "list", "target": self._handle}, name=self._name))

    def __eq__(self, other: object) -> bool:
        return False

    def __bool__(self) -> bool:
        raise StudentError(
            f"{self._name} is {self!r}, not a plain value such as a number, a list or an array"
        )

    def __repr__(self) -> str:
        return f"an object of type {self._handle.type_name}"


def _without_proxies(value: Any) -> Any:
    if isinstance(value, Proxy):
        return value._handle
    if isinstance(value, list | tuple):
        return type(value)(_without_proxies(part) for part in value)
    if isinstance(value, dict):
        return {key: _without_proxies(part) for key, part in value.items()}
    return value


def _bytes_below(folder: Path) -> int:
    """Give the bytes of all files below a folder that may change meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  # many times a second
    return total


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
