"""Work spread over processes: each item done once, errors seen, a helper that dies made up for."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from course_utils.data import parallel
from course_utils.data.parallel import each_in_processes, map_chunks, map_in_processes
from course_utils.data.samples import food11, satellite, seedlings

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="helpers are forked on Linux only")


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_WORTH_A_PROCESS", 1)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_item_is_done_once_and_the_bar_reaches_its_end(
    tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(item: int) -> None:
        with (tmp_path / str(item)).open("a") as file:
            file.write(f"{os.getpid()}\n")

    each_in_processes(work, range(10), num_workers=workers, progress=True)
    lines = [path.read_text().splitlines() for path in tmp_path.iterdir()]
    assert len(lines) == 10 and all(len(line) == 1 for line in lines)
    if sys.platform == "linux":
        assert len({line[0] for line in lines}) == workers
    assert "10/10" in capsys.readouterr().err


@on_linux
@pytest.mark.parametrize("bad", [0, 5])  # of this process's share, and of a helper's
def test_an_error_is_raised_here_wherever_it_happens(bad: int, capfd: pytest.CaptureFixture[str]) -> None:
    def work(item: int) -> None:
        if item == bad:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        each_in_processes(work, range(8), num_workers=2)


@on_linux
def test_the_share_of_a_killed_helper_is_done_here(tmp_path: Path) -> None:
    parent = os.getpid()

    def work(item: int) -> None:
        if item == 5 and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        (tmp_path / str(item)).touch()

    each_in_processes(work, range(8), num_workers=2)
    assert len(list(tmp_path.iterdir())) == 8


def found(start: int, chunk: Sequence[int]) -> tuple[int, list[int], bytes]:
    return start, list(chunk), bytes(100_000)  # more than a pipe holds


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_back_in_order_from_any_number_of_processes(
    workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    results = map_in_processes(found, range(250), num_workers=workers, progress=True)
    assert results == map_chunks(found, range(250), num_workers=workers)
    assert "250/250" in capsys.readouterr().err


@on_linux
def test_results_come_from_other_processes_when_there_are_enough_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def process(_start: int, _chunk: Sequence[int]) -> int:
        return os.getpid()

    assert len(set(map_in_processes(process, range(100), num_workers=3))) == 3
    monkeypatch.setattr(parallel, "_WORTH_A_PROCESS", 60)
    assert set(map_in_processes(process, range(100), num_workers=3)) == {os.getpid()}


@on_linux
@pytest.mark.parametrize("end", ["killed", "cannot be sent"])
def test_what_a_helper_does_not_send_is_found_here(end: str) -> None:
    parent = os.getpid()

    def work(start: int, _chunk: Sequence[int]) -> object:
        if start == 48 and os.getpid() != parent:
            if end == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            return lambda: None
        return start

    assert map_in_processes(work, range(128), num_workers=2) == list(range(0, 128, 16))


@on_linux
@pytest.mark.parametrize("bad", [0, 16])
def test_an_error_of_any_process_is_raised_here_by_itself(
    bad: int, capfd: pytest.CaptureFixture[str]
) -> None:
    def work(start: int, _chunk: Sequence[int]) -> None:
        if start == bad:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        map_in_processes(work, range(128), num_workers=2)
    assert "Traceback" not in capfd.readouterr().err


@on_linux
def test_no_helper_outlives_a_killed_parent() -> None:
    program = (
        "import os, signal\n"
        "from course_utils.data import parallel\n"
        "parallel._WORTH_A_PROCESS, parent = 1, os.getpid()\n"
        "def work(start, chunk):\n"
        "    if os.getpid() == parent:\n"
        "        input()\n"
        "        os.kill(parent, signal.SIGKILL)\n"
        "    if start == 16: print('at work', flush=True)\n"
        "    return bytes(100_000)\n"  # the helpers wait at full pipes
        "parallel.map_in_processes(work, range(1000), num_workers=3)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "at work\n"
        # Both helpers hold the other end of the output: its end is reached only when they are gone.
        process.communicate("\n", timeout=60)
        assert process.returncode == -signal.SIGKILL


def test_no_workers_are_refused_and_no_items_are_nothing() -> None:
    with pytest.raises(ValueError, match="num_workers is 0"):
        each_in_processes(print, [1], num_workers=0)
    each_in_processes(print, [], num_workers=2)
    with pytest.raises(ValueError, match="num_workers is 0"):
        map_in_processes(found, range(9), num_workers=0)
    assert map_in_processes(found, [], num_workers=2) == []


@pytest.mark.parametrize(("module", "count"), [(seedlings, 40), (food11, 33), (satellite, 5)])
def test_drawn_sets_have_the_same_bytes_for_any_number_of_processes(
    tmp_path: Path, module: ModuleType, count: int
) -> None:
    written = []
    for workers in (1, 3):
        target = tmp_path / str(workers)
        target.mkdir()
        module.write(target, num_images=count, num_workers=workers)
        written.append({str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()})
    assert written[0] == written[1]
    assert len(written[0]) >= count
