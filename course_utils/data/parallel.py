"""Work through a list on all cores, with a progress bar.

Threads, not processes: Pillow's decoders let go of the interpreter lock, so two threads decode twice as fast
on two cores, nothing has to be pickled, and it works the same in a notebook, under spawn and on Windows.
"""

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
