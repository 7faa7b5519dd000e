"""Faults around splitting: killed at any moment, read-only data, hard names, folders that others made."""

import os
import random
import shutil
import stat
from pathlib import Path

import pytest
from killing import run_in_child
from planted import checksums

from course_utils import files
from course_utils.data.layouts import read_layout
from course_utils.data.manifest import Manifest
from course_utils.data.materialise import tree_path
from course_utils.data.splitting import split_folder


def make_source(folder: Path) -> Path:
    for name in ("Black-grass", "玉米", "Fat Hen"):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            (folder / name / f"{number}.png").write_bytes(f"{name}{number}".encode() * 20)
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("how", ["hardlink", "symlink", "copy"])
@pytest.mark.parametrize("replacing", [False, True])
def test_F14_splitting_killed_at_any_moment(tmp_path, how, replacing):
    """F14: 36 random kills in all. Never half a tree, the rerun is equal, the source is as before."""
    source, target = make_source(tmp_path / "source"), tmp_path / "target"
    before = checksums(source)

    def work() -> None:
        split_folder(source, target, seed=2, how=how, num_workers=1)

    split_folder(source, target, seed=1, how=how)
    old = checksums(target)
    if not replacing:
        shutil.rmtree(target)
    num_events = run_in_child(work, kill_at=None)
    new = checksums(target)
    assert num_events > 24
    assert old != new
    moments = random.Random(f"{how}{replacing}").sample(range(1, num_events + 1), 6)
    for moment in moments:
        shutil.rmtree(target, ignore_errors=True)
        if replacing:
            split_folder(source, target, seed=1, how=how)
        run_in_child(work, kill_at=moment)
        found = checksums(target) if target.exists() else {}
        assert found in ([{}, old, new] if replacing else [{}, new]), f"half a tree after operation {moment}"
        assert checksums(source) == before
        work()
        assert checksums(target) == new
        assert checksums(source) == before
        left = sorted(path.name for path in tmp_path.iterdir() if path.name not in ("source", "target"))
        # Killed while the replaced tree is being removed, parts of it may stay, under a hidden name.
        assert all(name.startswith(".target.partial-") for name in left) if replacing else not left


def test_F13_a_read_only_source_is_enough(tmp_path):
    """F13. Nothing is written below the data folder."""
    source = make_source(tmp_path / "source")
    folders = [source, *(path for path in source.rglob("*") if path.is_dir())]
    before = checksums(source)
    for path in [*source.rglob("*.png"), *folders]:
        path.chmod(stat.S_IREAD | (stat.S_IEXEC if path.is_dir() else 0))
    try:
        for how in ("copy", "symlink", "auto"):
            split_folder(source, tmp_path / how, how=how)
            assert len(list((tmp_path / how).rglob("*.png"))) == 24
        assert checksums(source) == before
        assert all(folder.stat().st_mtime_ns for folder in folders)
    finally:
        for path in folders:
            path.chmod(stat.S_IRWXU)


HARD_CLASSES = [
    "Fat Hen",
    "荠菜",
    'it\'s "this", & that',
    "\U0001f331 plant",
    "cafe\u0301",
    "x" * 200,
    "50%",
    "a;b",
]


@pytest.mark.parametrize("how", ["hardlink", "copy"])
def test_F9_hard_names_survive_split_csv_and_reading_back(tmp_path, how):
    """F9."""
    names = [
        "1 片.PNG",
        'say "a,b".jpg',
        "\U0001f44d\U0001f3fd.jpeg",
        "e\u0301.png",
        "\u00e9 2.png",
        "y" * 200 + ".bmp",
    ]
    for label in HARD_CLASSES:
        (tmp_path / "source" / label).mkdir(parents=True)
        for name in names:
            (tmp_path / "source" / label / name).write_bytes(f"{label}/{name}".encode())
    split = split_folder(tmp_path / "source", tmp_path / "target", how=how)
    manifest = Manifest.read(tmp_path / "target/split.csv")
    assert manifest == split.manifest
    assert len(manifest.rows) == len(names) * len(HARD_CLASSES)
    layout = read_layout(tmp_path / "target")
    assert layout.class_names == manifest.class_names
    truth = {tree_path(row): row.label for row in manifest.rows}
    found = {r.path.relative_to(tmp_path / "target").as_posix(): r.label for r in layout.records}
    assert found == truth
    manifest.verify(tmp_path / "source")


def test_F9_one_class_in_two_spellings_is_one_class(tmp_path):
    """F9: train from Linux (one code point), more from macOS (two)."""
    for number, label in enumerate(("caf\u00e9", "cafe\u0301")):
        (tmp_path / "source" / label).mkdir(parents=True)
        for picture in range(5):
            (tmp_path / "source" / label / f"{number}{picture}.png").write_bytes(
                f"{number}{picture}".encode()
            )
    (tmp_path / "source/tea").mkdir()
    for picture in range(5):
        (tmp_path / f"source/tea/{picture}.png").write_bytes(f"tea{picture}".encode())
    split = split_folder(tmp_path / "source", tmp_path / "target")
    assert split.manifest.class_names == ("caf\u00e9", "tea")
    assert sum(split.manifest.counts()[part]["caf\u00e9"] for part in ("train", "val")) == 10
    assert len(list((tmp_path / "target").rglob("*.png"))) == 15


def test_F14_a_folder_that_somebody_else_made_is_never_removed(tmp_path):
    """Also one that looks like a leftover of ours, and one that is being written by a living process."""
    source = make_source(tmp_path / "source")
    foreign = tmp_path / ".target.partial-notes"
    living = tmp_path / f".target.partial-{os.getpid()}-{files._host_tag()}0123456789"
    for folder in (foreign, living):
        folder.mkdir()
        (folder / "mine.txt").write_text("mine")
    split_folder(source, tmp_path / "target")
    assert (foreign / "mine.txt").read_text() == (living / "mine.txt").read_text() == "mine"


def test_F10_a_broken_link_and_a_link_outside_are_named(tmp_path):
    """F10."""
    source = make_source(tmp_path / "source")
    (source / "Fat Hen/gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises((ValueError, OSError), match=r"gone\.png"):
        split_folder(source, tmp_path / "target")
    (source / "Fat Hen/gone.png").unlink()
    (tmp_path / "outside.png").write_bytes(b"outside")
    (source / "Fat Hen/out.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(ValueError, match=r"out\.png"):
        split_folder(source, tmp_path / "target")
    assert not (tmp_path / "target").exists()
