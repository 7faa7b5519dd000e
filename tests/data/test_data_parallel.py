"""Work spread over processes: each item done once, errors seen, a helper that dies made up for."""

import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest

from course_utils.data import parallel
from course_utils.data.parallel import each_in_processes
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

    each_in_processes(work, range(10), workers=workers, progress=True)
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
        each_in_processes(work, range(8), workers=2)


@on_linux
def test_the_share_of_a_killed_helper_is_done_here(tmp_path: Path) -> None:
    parent = os.getpid()

    def work(item: int) -> None:
        if item == 5 and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        (tmp_path / str(item)).touch()

    each_in_processes(work, range(8), workers=2)
    assert len(list(tmp_path.iterdir())) == 8


def test_no_workers_are_refused_and_no_items_are_nothing() -> None:
    with pytest.raises(ValueError, match="workers is 0"):
        each_in_processes(print, [1], workers=0)
    each_in_processes(print, [], workers=2)


@pytest.mark.parametrize(("module", "count"), [(seedlings, 40), (food11, 33), (satellite, 5)])
def test_drawn_sets_have_the_same_bytes_for_any_number_of_processes(
    tmp_path: Path, module: ModuleType, count: int
) -> None:
    found = []
    for workers in (1, 3):
        target = tmp_path / str(workers)
        target.mkdir()
        module.write(target, num_images=count, workers=workers)
        found.append({str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()})
    assert found[0] == found[1]
    assert len(found[0]) >= count
