"""Processes that prepare batches ahead, and what happens when one of them dies.

torch's DataLoader starts the processes and passes the batches through shared memory. What it leaves open is
closed here: a killed worker (mostly the system took it when memory ran out) gives one error that names the
setting to lower, wherever the main process stood; shared memory that is too small, 64 MB in a container, is
found by the worker that lacks it, where torch's own would wait for ever or die by a bus error; and `close`
leaves no process behind. Notebook 15 chooses the number of workers.
"""

import errno
import signal
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data._utils import signal_handling

_SIGBUS = getattr(signal, "SIGBUS", None)  # Windows has none


class NoSharedMemoryError(RuntimeError):
    """Shared memory has no room for the next batch; the workers are gone, but the batch can be made here."""


class Workers:
    """`num_workers` processes that make `items[key]`, a tuple of tensors, for one key after the other.

    Started at the first use by `start_method` ("fork", "spawn", "forkserver"; None: the system's own way) and
    kept until `close`.
    """

    def __init__(self, items: Dataset, *, num_workers: int, start_method: str | None = None) -> None:
        self.num_workers = num_workers
        self._keys = _Keys()
        self._loader = DataLoader(
            _Shared(items),
            batch_size=None,  # an item is a whole batch
            sampler=self._keys,
            num_workers=num_workers,
            multiprocessing_context=start_method,
            persistent_workers=True,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # else it draws a seed from the global one
        )
        self._running: Any = None  # torch's iterator, which owns the processes

    def results(self, keys: Iterable[Any]) -> Iterator[Any]:
        """Give `items[key]` for each of `keys`, in order.

        Raises ChildProcessError when a worker was killed and NoSharedMemoryError when shared memory is full;
        both leave no worker behind. What `items` raises comes through.
        """
        self._keys.current = list(keys)
        try:
            running = self._start()
            for _ in self._keys.current:
                self._check(wait_s=0)
                result = next(running)
                if isinstance(result, _NoRoom):
                    raise NoSharedMemoryError(result.reason)
                yield result
        except (NoSharedMemoryError, ChildProcessError):
            self.close()
            raise
        except (RuntimeError, OSError, EOFError):  # what torch raises when the other end is gone
            self._check(wait_s=1)
            raise

    @property
    def processes(self) -> list[BaseProcess]:
        """Give the worker processes that were started."""
        return [] if self._running is None else list(self._running._workers)

    def close(self) -> None:
        """End the processes; the next use starts new ones. For a moment they may finish what they are at."""
        running, self._running = self._running, None
        if running is None:
            return
        self._loader._iterator = None  # where torch keeps what is persistent
        if any(process.exitcode for process in running._workers):
            _abandon(running)
        else:
            running._shutdown_workers()  # else it waits until nobody, not even a traceback, refers to it
        for process in running._workers:
            if process.is_alive():
                process.kill()
                process.join()

    def _start(self) -> Any:
        """Give torch's iterator for a new round of keys, with processes that run."""
        fresh = self._running is None
        try:
            self._running = iter(self._loader)
        except OSError as error:
            if error.errno != errno.ENOSPC:  # the locks of the queues live in shared memory, too
                raise
            self.close()
            raise NoSharedMemoryError(str(error)) from error
        if fresh and self._running._worker_pids_set:
            # torch would raise from a signal handler, in the middle of whatever step is running.
            signal_handling._remove_worker_pids(id(self._running))
            self._running._worker_pids_set = False
        return self._running

    def _check(self, *, wait_s: float) -> None:
        """Raise if a worker has died; with `wait_s`, wait that long for one to be seen dead."""
        ended = wait([process.sentinel for process in self.processes], timeout=wait_s)
        if not ended:
            return
        dead = [process for process in self.processes if process.sentinel in ended]
        for process in dead:
            process.join(timeout=5)  # its pipes close a moment before its exit code is known
        codes = {process.exitcode for process in dead}
        self.close()
        if _SIGBUS is not None and -_SIGBUS in codes:
            raise NoSharedMemoryError("a worker died by a bus error")
        ways = ", ".join(sorted({_way_to_end(code) for code in codes}))
        raise ChildProcessError(
            f"a worker process that prepares batches ended unexpectedly ({ways}), mostly because memory ran "
            f"out. Lower num_workers (it is {self.num_workers}; 0 needs no processes) or batch_size."
        ) from None


def _abandon(running: Any) -> None:
    """End torch's iterator without asking its processes, of which one was killed.

    A process that is killed while it looks at an event or a queue takes the lock with it, and torch's own
    shutdown, which sets that event first, would wait for the lock for ever.
    """
    running._shutdown = True  # so that torch does not try it later
    for process in running._workers:
        process.kill()
        process.join()
    if running._pin_memory:  # on GPUs: a thread of this process, which looks at this every few seconds
        running._pin_memory_thread_done_event.set()
    for queue in (*running._index_queues, running._worker_result_queue):
        queue.cancel_join_thread()
        queue.close()


def _way_to_end(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        try:
            return f"killed by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"killed by signal {-exit_code}"
    return f"exit code {exit_code}"


class _NoRoom:
    """What a worker sends instead of a batch that does not fit into shared memory."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _Shared(Dataset):
    """The items of another data set, moved to shared memory by the worker itself.

    torch would do that in a thread of its own that, when it fails, prints a traceback and drops the batch.
    """

    def __init__(self, items: Dataset) -> None:
        self.items = items

    def __getitem__(self, key: Any) -> Any:
        made = self.items[key]
        try:
            for tensor in made:
                tensor.share_memory_()
        except RuntimeError as error:
            return _NoRoom(str(error).splitlines()[0])
        return made


class _Keys:
    """The keys of the current round, for a DataLoader that outlives it."""

    def __init__(self) -> None:
        self.current: list[Any] = []

    def __len__(self) -> int:
        return len(self.current)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.current)
