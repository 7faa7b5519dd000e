import json
import math
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from course_utils import files

DEAD_PID = 2**22 + 1  # above the largest process number that Linux gives


def partials(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".partial-" in path.name)


def kill_in_the_middle(code: str, *arguments: object, after_steps: int) -> None:
    """Run `code`, which prints a line per step, and kill it right after the given number of lines."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(after_steps):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL


def test_a_file_is_replaced_whole_and_keeps_its_ending_while_written(tmp_path):
    target = tmp_path / "new" / "table.csv"
    with files.atomic_path(target) as partial:
        assert partial.suffix == ".csv" and partial.parent == target.parent
        partial.write_text("a")
        assert not target.exists()
    assert target.read_text() == "a"
    assert partials(target.parent) == []


def test_an_error_leaves_the_old_file_and_no_partial(tmp_path):
    target = tmp_path / "table.csv"
    files.write_text(target, "old")
    with pytest.raises(RuntimeError), files.atomic_path(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert partials(tmp_path) == []


def test_names_at_the_limit_of_the_file_system_work(tmp_path):
    target = tmp_path / ("图" * 80 + ".txt")  # 244 bytes
    files.write_text(target, "x")
    assert target.read_text() == "x"


def test_json_is_plain_utf8_with_numpy_values(tmp_path):
    path = tmp_path / "x.json"
    value = {"b": np.float64(0.5), "a": np.arange(3), "name": "植物", "path": Path("data/x")}
    files.write_json(path, value)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == {"b": 0.5, "a": [0, 1, 2], "name": "植物", "path": "data/x"}
    assert "植物" in text and text.endswith("}\n") and text.index('"b"') < text.index('"a"')


def test_nan_is_refused_or_null_when_said(tmp_path):
    value = {"x": [math.nan, np.float32("inf"), np.array([1.0, math.nan])]}
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "x.json", value)
    assert list(tmp_path.iterdir()) == []
    files.write_json(tmp_path / "x.json", value, nan_as_null=True)
    assert json.loads((tmp_path / "x.json").read_text()) == {"x": [None, None, [1.0, None]]}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_kill_while_writing_a_file_keeps_the_old_one(tmp_path):
    target = tmp_path / "weights.bin"
    code = """
        import sys
        from course_utils import files
        with files.atomic_path(sys.argv[1]) as partial, partial.open("wb") as file:
            while True:
                file.write(b"x" * 100_000)
                file.flush()
                print("step", flush=True)
    """
    files.write_bytes(target, b"old")
    for after_steps in random.Random(0).sample(range(1, 40), k=3):
        kill_in_the_middle(code, target, after_steps=after_steps)
        assert target.read_bytes() == b"old"
        assert len(partials(tmp_path)) == 1, "the killed process leaves its partial"
        files.write_bytes(target, b"old")
        assert partials(tmp_path) == [], "the next call cleans it"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_kill_while_filling_a_folder_leaves_nothing_under_the_final_name(tmp_path):
    target = tmp_path / "digits"
    code = """
        import sys
        from pathlib import Path
        from course_utils import files
        with files.atomic_folder(sys.argv[1]) as partial:
            number = 0
            while True:
                (partial / f"{number}.txt").write_text("x")
                number += 1
                print("step", flush=True)
    """
    for after_steps in random.Random(1).sample(range(1, 200), k=3):
        kill_in_the_middle(code, target, after_steps=after_steps)
        assert not target.exists()
        assert len(partials(tmp_path)) == 1
    with files.atomic_folder(target) as partial:
        (partial / "0.txt").write_text("x")
    assert sorted(path.name for path in target.iterdir()) == [files.MARKER_NAME, "0.txt"]
    assert partials(tmp_path) == []


def test_a_folder_that_somebody_else_made_is_never_touched(tmp_path):
    target = tmp_path / "data"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    for replace_ours in (False, True):
        with (
            pytest.raises(FileExistsError, match="did not make"),
            files.atomic_folder(target, replace_ours=replace_ours),
        ):
            pass
    assert [path.name for path in target.iterdir()] == ["mine.txt"]
    assert (target / "mine.txt").read_text() == "mine"


def test_an_empty_folder_is_taken_and_our_own_is_replaced_only_when_said(tmp_path):
    target = tmp_path / "data"
    target.mkdir()
    with files.atomic_folder(target) as partial:
        (partial / "first.txt").write_text("1")
    assert files.is_ours(target)
    with pytest.raises(FileExistsError, match="earlier run"), files.atomic_folder(target):
        pass
    with files.atomic_folder(target, replace_ours=True) as partial:
        (partial / "second.txt").write_text("2")
    assert sorted(path.name for path in target.iterdir()) == [files.MARKER_NAME, "second.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_error_while_replacing_keeps_the_old_folder(tmp_path):
    target = tmp_path / "data"
    with files.atomic_folder(target) as partial:
        (partial / "first.txt").write_text("1")
    with pytest.raises(KeyboardInterrupt), files.atomic_folder(target, replace_ours=True) as partial:
        raise KeyboardInterrupt
    assert (target / "first.txt").exists()
    assert partials(tmp_path) == []


def test_a_folder_made_meanwhile_by_another_process_wins(tmp_path):
    target = tmp_path / "data"
    with pytest.raises(FileExistsError), files.atomic_folder(target) as partial:
        (partial / "ours.txt").write_text("x")
        target.mkdir()
        (target / "theirs.txt").write_text("y")
    assert [path.name for path in target.iterdir()] == ["theirs.txt"]
    assert partials(tmp_path) == []


def test_cleaning_takes_only_our_own_leftovers_of_dead_processes(tmp_path):
    tag = files._host_tag() + "0" * 10
    ours = tmp_path / f".data.partial-{DEAD_PID}-{tag}"
    ours.mkdir()
    (ours / files.MARKER_NAME).write_text("{}")
    kept = [
        tmp_path / f".data.partial-{os.getpid()}-{tag}",  # its process lives
        tmp_path / f".other.partial-{DEAD_PID}-{tag}",  # another target
        tmp_path / f".data.partial-{DEAD_PID}-{'f' * 6}{'0' * 10}",  # another machine, just now
        tmp_path / ".data.partial-notes",  # not our pattern
    ]
    for path in kept:
        path.mkdir()
        (path / files.MARKER_NAME).write_text("{}")
    no_marker = tmp_path / f".data.partial-{DEAD_PID}-{files._host_tag()}{'1' * 10}"
    no_marker.mkdir()
    (no_marker / "mine.txt").write_text("mine")
    assert files.clean_stale(tmp_path / "data") == [ours]
    assert all(path.exists() for path in kept)
    assert (no_marker / "mine.txt").exists()


def test_checksums_are_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B
    assert files.sha256_file(tmp_path / "x") == files.sha256_text("abc") == expected


def test_missing_space_is_named_in_bytes(tmp_path):
    files.require_space(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(OSError, match=r"[\d,]+ bytes are missing"):
        files.require_space(tmp_path, 10**18)
