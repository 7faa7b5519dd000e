"""Ctrl-C and the system's request to stop (SIGTERM), both as a KeyboardInterrupt to clean up after.

Without a handler SIGTERM ends Python on the spot: no `finally` runs, worker processes and temporary files
stay behind. Job queues (Slurm, Kubernetes) send it some seconds before they kill.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from course_utils.data.loaders import Batches


class Terminated(KeyboardInterrupt):
    """The process was asked to stop by SIGTERM."""


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Give the exit code a shell expects: 143 after SIGTERM, 130 after Ctrl-C."""
    number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
    return 128 + number


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` inside the block when SIGTERM arrives; the handler from before is put back.

    Outside the main thread, where Python allows no handlers, this does nothing. A child process that was
    forked inside the block dies by SIGTERM as it would without it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Terminated("asked to stop by SIGTERM; the last finished epoch is on disk, resume to go on")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def workers_closed_on_error(*sets_of_batches: Batches) -> Iterator[None]:
    """End the worker processes of the batches when the block raises anything, an interrupt included."""
    try:
        yield
    except BaseException:
        for batches in sets_of_batches:
            batches.close()
        raise
