"""Work through a list on all cores, with a progress bar.

`map_chunks` has threads, not processes: Pillow's decoders let go of the interpreter lock, so two threads
decode twice as fast on two cores, nothing has to be pickled, and it works the same in a notebook, under spawn
and on Windows. Drawing is Python from end to end, where two threads are no faster than one: for that there is
`each_in_processes`.
"""

import multiprocessing
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PIL import Image

from course_utils import runtime
from course_utils.data.progress import progress_bar

Item = TypeVar("Item")
Result = TypeVar("Result")
CHUNK = 16
_WORTH_A_PROCESS = 60  # items; fewer are done before a helper has started


def map_chunks(
    function: Callable[[int, Sequence[Item]], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    progress: bool = False,
    description: str = "pictures",
) -> list[Result]:
    """Call `function(start, chunk)` for consecutive chunks of `items`; give the results in order.

    Chunks do not depend on `workers` (None: one per core), so neither does a sum over the results. The first
    error stops the work and is raised. Pillow's warnings are held back: what matters is raised.
    """
    workers = runtime.cpu_count() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1, or None for one per core.")
    starts = range(0, len(items), CHUNK)
    with warnings.catch_warnings(), progress_bar(len(items), description, shown=progress) as bar:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        pool = ThreadPoolExecutor(max_workers=workers)
        try:
            futures = [pool.submit(function, start, items[start : start + CHUNK]) for start in starts]
            results = []
            for start, future in zip(starts, futures, strict=True):
                results.append(future.result())
                bar.update(min(CHUNK, len(items) - start))
            return results
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def each_in_processes(
    function: Callable[[Item], object],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    progress: bool = False,
    description: str = "pictures",
) -> None:
    """Call `function(item)` for every item, spread over processes; for work that Python itself does.

    `function` writes files whose bytes depend on its item alone, so nothing has to come back and `workers`
    (None: one per core) changes nothing. On Linux helpers are forked; elsewhere that is not safe, and this
    process does all of it. Helpers have no queue to wait at: killed or not, none outlives its share.
    """
    workers = runtime.cpu_count() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1, or None for one per core.")
    if sys.platform != "linux" or len(items) < _WORTH_A_PROCESS * workers:
        workers = 1
    shares = [items[rank::workers] for rank in range(workers)]
    fork = multiprocessing.get_context("fork" if workers > 1 else None)
    helpers = [fork.Process(target=_each, args=(function, share), daemon=True) for share in shares[1:]]
    try:
        for helper in helpers:
            helper.start()
        with progress_bar(len(items), description, shown=progress) as bar:
            for number, item in enumerate(shares[0]):
                function(item)
                bar.update(min(workers, len(items) - number * workers))  # the helpers keep about in step
    except BaseException:
        for helper in helpers:
            if helper.pid is not None:
                helper.terminate()
        raise
    finally:
        for helper in helpers:
            if helper.pid is not None:
                helper.join()
    for helper, share in zip(helpers, shares[1:], strict=True):
        if helper.exitcode != 0:
            _each(function, share)  # here, so that the error is seen, or the work done after all


def _each(function: Callable[[Item], object], items: Sequence[Item]) -> None:
    for item in items:
        function(item)
