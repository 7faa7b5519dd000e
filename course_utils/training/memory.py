"""Keep the memory of one training step for the next one, instead of giving it back to the system in between.

A step makes and frees the same hundreds of megabytes again and again. glibc, the C library of most Linux
systems, hands large blocks back at once, and the system clears every page before it gives it out anew. While
`memory_kept` holds, freed blocks stay with the process; at its end they are given back. Other C libraries
have other habits: there nothing is done. See mallopt(3).
"""

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4  # mallopt's names for its settings
_MEGABYTE = 1 << 20
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 64 * _MEGABYTE}
# Once a setting was touched glibc adapts the thresholds no more, so these are the ones that it arrives at.
_USUAL = {
    _MMAP_MAX: 65_536,
    _MMAP_THRESHOLD: 32 * _MEGABYTE,
    _TRIM_THRESHOLD: 64 * _MEGABYTE,
    _TOP_PAD: 128 * 1024,
}
_depth = 0


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let freed memory stay with this process until the end of the block; blocks may be nested."""
    global _depth
    library = _glibc()
    if library is None:
        yield
        return
    _depth += 1
    _apply(library.mallopt, _KEPT)
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0:
            _apply(library.mallopt, _USUAL)
            library.malloc_trim(0)


def _apply(mallopt: Callable[[int, int], int], settings: dict[int, int]) -> None:
    for name, value in settings.items():
        mallopt(name, value)


def _glibc() -> ctypes.CDLL | None:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)
