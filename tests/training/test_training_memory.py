"""Memory that is kept between steps: fewer new pages from the system, and given back at the end."""

import json
import platform
import subprocess
import sys

import pytest

from course_utils.training import memory

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only with glibc is anything kept; this is another C library"
)
BLOCKS = """
import ctypes, json, resource
NO_HUGE_PAGES = 41  # PR_SET_THP_DISABLE: whether there is one at hand would decide about the counts
ctypes.CDLL(None).prctl(NO_HUGE_PAGES, 1, 0, 0, 0)
import torch
from course_utils.training.memory import memory_kept

def page():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

def new_pages(times=5, megabytes=48):
    before = page()
    for _ in range(times):
        torch.ones(megabytes, 2**20 // 4)  # written once, freed
    return (page() - before) / times

new_pages()
found = {"usual": new_pages()}
with memory_kept():
    new_pages()
    with memory_kept():
        new_pages()
    found["kept"] = new_pages()
    found["resident while kept"] = resident()
found["resident afterwards"] = resident()
found["again usual"] = new_pages(times=10, megabytes=96)  # fits into no hole that was left in the heap
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    """What a process of its own sees: other tests would disturb its memory."""
    done = subprocess.run([sys.executable, "-c", BLOCKS], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_blocks_are_not_fetched_anew(found):
    """48 MB are 12,288 pages of 4 kB, or 768 of 64 kB on some machines."""
    assert found["usual"] >= 768
    assert found["kept"] < 0.02 * found["usual"]


def test_they_are_given_back_at_the_end(found):
    assert found["resident while kept"] - found["resident afterwards"] > 40
    assert found["again usual"] > 0.8 * 2 * found["usual"], "twice the size: each is fetched anew again"


def test_another_c_library_is_left_alone(monkeypatch):
    asked = []

    class Library:
        def mallopt(self, name, value):
            asked.append((name, value))

        def malloc_trim(self, pad):
            asked.append("trim")

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Library())
    with memory.memory_kept():
        assert len(asked) == len(memory._KEPT), "this library is glibc, so it is asked"
    assert asked[-1] == "trim"
    asked.clear()
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    with memory.memory_kept():
        assert asked == []
    assert asked == []
