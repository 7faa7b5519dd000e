"""Work through a list on all cores, with a progress bar.

`map_chunks` has threads: nothing has to be pickled, results may be written into one array, and it works the
same in a notebook, under spawn and on Windows. But decoders let go of the interpreter lock only for a while,
and small pictures wait for it more than they decode: two threads are then hardly faster than one.
`map_in_processes` is for work whose results are small, `each_in_processes` for drawing, which is Python from
end to end; both fork helpers (see `forked`) on Linux.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from PIL import Image

from course_utils import runtime
from course_utils.data import forked
from course_utils.data.progress import progress_bar

Item = TypeVar("Item")
Result = TypeVar("Result")
CHUNK = 16
_WORTH_A_PROCESS = 60  # items; fewer are done before a helper has started


def map_chunks(
    function: Callable[[int, Sequence[Item]], Result],
    items: Sequence[Item],
    *,
    num_workers: int | None = None,
    progress: bool = False,
    description: str = "pictures",
) -> list[Result]:
    """Call `function(start, chunk)` for consecutive chunks of `items`; give the results in order.

    Chunks do not depend on `num_workers` (None: one per core), so neither does a sum over the results. The
    first error stops the work and is raised. Pillow's warnings are held back: what matters is raised.
    """
    num_workers = _checked(num_workers)
    starts = range(0, len(items), CHUNK)
    with _quiet(), progress_bar(len(items), description, shown=progress) as bar:
        pool = ThreadPoolExecutor(max_workers=num_workers)
        try:
            futures = [pool.submit(function, start, items[start : start + CHUNK]) for start in starts]
            results = []
            for start, future in zip(starts, futures, strict=True):
                results.append(future.result())
                bar.update(min(CHUNK, len(items) - start))
            return results
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def map_in_processes(
    function: Callable[[int, Sequence[Item]], Result],
    items: Sequence[Item],
    *,
    num_workers: int | None = None,
    progress: bool = False,
    description: str = "pictures",
) -> list[Result]:
    """As `map_chunks`, in processes on Linux when there are enough items; else, and elsewhere, in threads.

    `function` depends on its arguments alone, changes nothing of the caller's, and gives back something small
    that can be pickled. What it gives depends neither on `num_workers` nor on threads or processes.
    """
    processes = _processes(_checked(num_workers), len(items))
    if processes == 1:
        return map_chunks(
            function, items, num_workers=num_workers, progress=progress, description=description
        )
    pieces = [(start, items[start : start + CHUNK]) for start in range(0, len(items), CHUNK)]
    with _quiet(), progress_bar(len(items), description, shown=progress) as bar:
        return forked.work_through(
            lambda piece: function(*piece), pieces, processes, lambda piece: bar.update(len(piece[1]))
        )


def each_in_processes(
    function: Callable[[Item], object],
    items: Sequence[Item],
    *,
    num_workers: int | None = None,
    progress: bool = False,
    description: str = "pictures",
) -> None:
    """Call `function(item)` for every item, spread over processes; for work that Python itself does.

    `function` writes files whose bytes depend on its item alone, so nothing has to come back and
    `num_workers` (None: one per core) changes nothing. On Linux helpers are forked; elsewhere that is not
    safe, and this process does all of it.
    """

    def work(item: Item) -> None:
        function(item)

    processes = _processes(_checked(num_workers), len(items))
    with progress_bar(len(items), description, shown=progress) as bar:
        forked.work_through(work, items, processes, lambda _: bar.update(1))


def _checked(num_workers: int | None) -> int:
    num_workers = runtime.cpu_count() if num_workers is None else num_workers
    if num_workers < 1:
        raise ValueError(f"num_workers is {num_workers}; expected at least 1, or None for one per core")
    return num_workers


def _processes(num_workers: int, num_items: int) -> int:
    return max(1, min(num_workers, num_items // _WORTH_A_PROCESS)) if forked.possible() else 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back Pillow's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        yield
