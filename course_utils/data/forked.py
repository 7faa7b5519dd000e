"""Helpers forked from this process, each with its share of the work and a pipe for what it finds.

A forked helper has everything that this process has, functions and lists too, so nothing is handed over but
the results. There is no queue and no lock to wait at: a helper that is killed, or meets an error, leaves its
pieces undone, and this process does them, so that the error is seen here or the work is done after all. And
when this process is killed, its helpers end by themselves after the piece they are at.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def possible() -> bool:
    """Whether this process may fork helpers: only on Linux is it safe, and not in a loader's worker."""
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def work_through(
    function: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    num_workers: int,
    done: Callable[[Piece], object],
) -> list[Result]:
    """Give `function(piece)` for all pieces, in order; this process is one of the `num_workers`.

    Worker number r does the pieces r, r + num_workers, and so on. `done(piece)` is called here for each piece
    that is ready. A result must be picklable, and `function` such that doing a piece twice does no harm.
    """
    results: dict[int, Result] = {}
    helpers: list[tuple[BaseProcess, Connection]] = []

    def keep(number: int, result: Result) -> None:
        results[number] = result
        done(pieces[number])

    try:
        for rank in range(1, min(num_workers, len(pieces))):
            numbers = range(rank, len(pieces), num_workers)
            helpers.append(_start(function, pieces, numbers, [reader for _, reader in helpers]))
        for number in range(0, len(pieces), num_workers):
            keep(number, function(pieces[number]))
            for helper in helpers:  # in between, for a pipe holds 64 KB and a helper waits when it is full
                _receive(*helper, keep, timeout_s=0)
        for helper in helpers:
            _receive(*helper, keep, timeout_s=None)
    finally:
        for process, reader in helpers:
            process.kill()
            process.join()
            reader.close()
    for number, piece in enumerate(pieces):
        if number not in results:
            keep(number, function(piece))
    return [results[number] for number in range(len(pieces))]


def _start(
    function: Callable[[Any], Any], pieces: Sequence[Any], numbers: Iterable[int], readers: list[Connection]
) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    arguments = (function, pieces, numbers, writer, [*readers, reader], os.getpid())
    process = context.Process(target=_serve, args=arguments, daemon=True)
    with writer:  # closed here at once: the pipe's end is reached when the helper is gone
        process.start()
    return process, reader


def _serve(
    function: Callable[[Any], Any],
    pieces: Sequence[Any],
    numbers: Iterable[int],
    writer: Connection,
    readers: list[Connection],
    parent: int,
) -> None:
    """Run in the helper: send (number, result) for each piece of its share."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's; it ends its helpers
    for reader in readers:
        reader.close()  # held open here, a full pipe would let this process wait for a dead parent
    try:
        for number in numbers:
            if os.getppid() != parent:
                return
            writer.send((number, function(pieces[number])))
    except Exception:  # the parent does this piece again, and raises
        return


def _receive(
    process: BaseProcess, reader: Connection, keep: Callable[[int, Any], None], *, timeout_s: float | None
) -> None:
    """Take in what the helper has sent; without a time limit, until it has ended."""
    while reader in wait([reader, process.sentinel], timeout_s):
        try:
            number, result = reader.recv()
        except (EOFError, OSError):  # ended, or killed in the middle of a message
            return
        keep(number, result)
