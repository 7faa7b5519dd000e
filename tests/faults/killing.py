"""Children that die by SIGKILL at a chosen moment, forked from the warm test process: each costs little."""

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

# Calls its argument at each moment at which the child may be killed.
Watch = Callable[[Callable[[], None]], None]

_EVENTS = (
    "open",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.utime",
    "os.chmod",
)


def at_file_operations(one_more: Callable[[], None]) -> None:
    """Moments: whenever the child opens, makes, links, renames or removes a file or folder."""

    def hook(event: str, _arguments: tuple) -> None:
        if event in _EVENTS:
            one_more()

    sys.addaudithook(hook)


def at_lines_of(*modules: Any) -> Watch:
    """Moments: every line of these modules that runs, in any thread of the child."""
    files = {module.__file__ for module in modules}

    def watch(one_more: Callable[[], None]) -> None:
        def trace(frame: FrameType, event: str, _argument: object) -> Any:
            if frame.f_code.co_filename not in files:
                return None
            if event == "line":
                one_more()
            return trace

        threading.settrace(trace)
        sys.settrace(trace)

    return watch


def run_in_child(
    work: Callable[[], object], *, kill_at: int | None, watch: Watch = at_file_operations
) -> int:
    """Run `work` in a child that is killed at its `kill_at`-th moment (None: never); how many there were."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        moments = itertools.count(1)
        last = 0

        def one_more() -> None:
            nonlocal last
            last = next(moments)
            if last == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        watch(one_more)
        try:
            work()
            os.write(send, str(last).encode())
        finally:
            os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    if kill_at is not None:
        assert os.WIFSIGNALED(status), f"the work was done before moment {kill_at}"
        return 0
    return int(answer)
