"""Folders with hard names, junk, links and pipes in them: read right or refused, and nothing is changed.

F6, F9, F10, F12, F13, F16 of the fault list; the same through the commands in test_faults_commands.
"""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from planted import HARD_NAMES, make_tree, plant_junk, write_picture

from course_utils.data.images import class_folders, list_images, scan, walk
from course_utils.data.layouts import read_layout
from course_utils.data.stats import channel_statistics


def test_F6_junk_never_becomes_a_class(tmp_path: Path, nothing_changes: Callable[..., None]) -> None:
    make_tree(tmp_path, ["cat", "dog"])
    plant_junk(tmp_path, "cat")
    nothing_changes()
    assert {name: len(paths) for name, paths in class_folders(tmp_path).items()} == {"cat": 2, "dog": 2}
    layout = read_layout(tmp_path)
    assert layout.class_names == ("cat", "dog") and len(layout.records) == 4 and layout.remarks == []
    scan(list_images(tmp_path)).raise_if_bad()


def test_F12_unsupported_endings_are_counted(tmp_path: Path, nothing_changes: Callable[..., None]) -> None:
    make_tree(tmp_path, ["cat"], count=1)
    for number, ending in enumerate([".heic"] * 4 + [".raw"] * 2 + [""]):
        (tmp_path / "cat" / f"other {number}{ending}").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("a,b\n")  # a note, not a lost picture
    nothing_changes()
    assert walk(tmp_path).remarks() == ["left out 7 files: .heic 4, .raw 2, no ending 1"]
    assert read_layout(tmp_path).remarks == ["left out 7 files: .heic 4, .raw 2, no ending 1"]


def test_F9_hard_names_work(tmp_path: Path, nothing_changes: Callable[..., None]) -> None:
    make_tree(tmp_path, HARD_NAMES)
    write_picture(tmp_path / "普通小麦" / ("图" * 60 + ".PNG"))
    nothing_changes()
    layout = read_layout(tmp_path)
    assert set(layout.class_names) == set(HARD_NAMES) and len(layout.records) == 17
    scan([record.path for record in layout.records]).raise_if_bad()
    assert channel_statistics([record.path for record in layout.records]).num_images == 17


def test_F9_composed_and_decomposed_spellings_are_one_class(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    make_tree(tmp_path, [f"train/{composed}", f"val/{decomposed}", "train/b", "val/b"])
    layout = read_layout(tmp_path)
    assert layout.class_names == ("b", composed)
    assert layout.counts["val"] == {"b": 2, composed: 2}
    both = tmp_path / "both"
    make_tree(both, [composed])
    if not (both / decomposed).exists():  # a file system that tells them apart
        make_tree(both, [decomposed])
        assert {name: len(paths) for name, paths in class_folders(both).items()} == {composed: 4}
        assert "taken as one" in read_layout(both).remarks[0]


def test_F16_names_that_differ_only_in_case_are_refused(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    make_tree(tmp_path, ["Cat"])
    if (tmp_path / "cAT").exists():
        pytest.skip("this file system does not tell case apart")
    make_tree(tmp_path, ["cat"])
    for use in (class_folders, read_layout):
        with pytest.raises(ValueError, match="'Cat' and 'cat' differ only in upper and lower case"):
            use(tmp_path)
    across = tmp_path / "across"
    make_tree(across, ["train/Cat", "val/cat"])
    nothing_changes()
    with pytest.raises(ValueError, match="differ only in upper and lower case"):
        read_layout(across)


def test_F16_files_whose_names_differ_only_in_case_all_count(tmp_path: Path) -> None:
    make_tree(tmp_path, ["cat"], count=0)
    names = ["a.png", "A.png", "a.PNG", "A.PNG"]
    for number, name in enumerate(names):
        write_picture(tmp_path / "cat" / name, number)
    assert len(list_images(tmp_path)) == len(list((tmp_path / "cat").iterdir()))


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Nine pictures in three folders, with links that loop, repeat and break."""
    root = tmp_path / "set"
    make_tree(root, ["a", "b", "c"], count=3)
    try:
        (root / "a" / "loop").symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    (root / "b" / "up").symlink_to("..", target_is_directory=True)
    (root / "c" / "again.png").symlink_to("0.png")
    return root


def test_F10_links_inside_show_nothing_twice(linked: Path, nothing_changes: Callable[..., None]) -> None:
    nothing_changes()
    listing = walk(linked)
    assert len(listing.images) == 9 and listing.linked_twice == 3
    assert listing.remarks() == ["left out 3 links to what is in the folder anyway"]
    assert {name: len(paths) for name, paths in class_folders(linked).items()} == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_F10_links_that_lead_outside_are_refused(
    linked: Path, tmp_path: Path, kind: str, nothing_changes: Callable[..., None]
) -> None:
    make_tree(tmp_path, ["outside"])
    link = linked / "a" / ("out" if kind == "folder" else "out.png")
    link.symlink_to(tmp_path / "outside" / ("" if kind == "folder" else "0.png"))
    nothing_changes()
    with pytest.raises(ValueError, match="is a link that leads out of the folder") as caught:
        read_layout(linked)
    assert str(link) in str(caught.value)
    assert len(walk(linked, follow_outside=True).images) == (11 if kind == "folder" else 10)


def test_F10_broken_links_are_reported(linked: Path, nothing_changes: Callable[..., None]) -> None:
    (linked / "a" / "broken.png").symlink_to("nowhere.png")
    (linked / "a" / "self.png").symlink_to("self.png")
    nothing_changes()
    bad = dict(scan(list_images(linked)).bad)
    assert bad[linked / "a" / "broken.png"] == "is a broken link, to nowhere.png"
    assert "cannot be read" in bad[linked / "a" / "self.png"] and len(bad) == 2


def test_F13_a_read_only_folder_is_enough(tmp_path: Path, nothing_changes: Callable[..., None]) -> None:
    root = tmp_path / "set"
    make_tree(root, ["a", "b"])
    folders = [root, root / "a", root / "b"]
    nothing_changes()
    for folder in folders:
        folder.chmod(0o555)
    try:
        layout = read_layout(root)
        assert len(layout.records) == 4
        assert channel_statistics([record.path for record in layout.records]).num_images == 4
        assert sorted(path.name for path in root.iterdir()) == ["a", "b"]
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_F10_a_pipe_is_not_opened(tmp_path: Path) -> None:
    make_tree(tmp_path, ["cat"])
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    assert len(list_images(tmp_path)) == 2
    assert walk(tmp_path).remarks() == ["left out 1 file: special file 1"]
