"""Trees from manifests: each way of making one, what is refused, and that nothing of the user's is lost."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from course_utils import files
from course_utils.data import materialise as module
from course_utils.data.manifest import Manifest, Row
from course_utils.data.materialise import materialise, tree_path
from course_utils.data.splitting import plan_split, split_folder


def make_source(folder: Path, *, per_class: int = 6, names=("cat", "dog", "草 'é'")) -> Path:
    """Class folders of files that differ; splitting reads bytes only, so they need not be pictures."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            (folder / name / f"{number} ü.png").write_bytes(f"{name}{number}".encode() * 50)
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Contents and change times of every file, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("how", ["hardlink", "symlink", "copy", "auto"])
def test_every_way_gives_the_same_tree_and_leaves_the_source(tmp_path, how):
    source = make_source(tmp_path / "source")
    before = snapshot(source)
    plan = plan_split(source)
    used = materialise(plan.manifest, tmp_path / "target", root=plan.root, how=how)
    assert used == ("hardlink" if how == "auto" else how)
    assert snapshot(source) == before
    assert Manifest.read(tmp_path / "target/split.csv") == plan.manifest
    pictures = {
        p.relative_to(tmp_path / "target").as_posix(): p for p in (tmp_path / "target").rglob("*.png")
    }
    assert set(pictures) == {tree_path(row) for row in plan.manifest.rows}
    for row in plan.manifest.rows:
        path = pictures[tree_path(row)]
        assert path.read_bytes() == (source / row.path).read_bytes()
        assert path.is_symlink() == (how == "symlink")
        assert path.samefile(source / row.path) == (how != "copy")
        assert path.stat().st_mtime_ns == (source / row.path).stat().st_mtime_ns
    with pytest.raises(ValueError, match="how is 'move'"):
        materialise(plan.manifest, tmp_path / "other", root=plan.root, how="move")


def test_symbolic_links_survive_a_move_of_the_whole_project(tmp_path):
    source = make_source(tmp_path / "project/data/source")
    split_folder(source, tmp_path / "project/split", how="symlink")
    shutil.move(tmp_path / "project", tmp_path / "moved")
    links = list((tmp_path / "moved/split").rglob("*.png"))
    assert len(links) == 18
    assert all(link.read_bytes() for link in links)


def test_making_it_again_gives_the_same_and_other_seeds_replace_it(tmp_path):
    source = make_source(tmp_path / "source")
    split_folder(source, tmp_path / "target", seed=1)
    first = snapshot(tmp_path / "target")
    split_folder(source, tmp_path / "target", seed=1)
    assert {name: data for name, (data, _) in snapshot(tmp_path / "target").items()} == {
        name: data for name, (data, _) in first.items()
    }
    split_folder(source, tmp_path / "target", seed=2, how="copy")
    assert set(snapshot(tmp_path / "target")) != set(first)
    assert len(list((tmp_path / "target").rglob("*.png"))) == 18


@pytest.mark.parametrize(
    "what", ["file", "foreign folder", "other product", "added", "edited copy", "only copy"]
)
def test_a_target_that_would_lose_something_is_refused(tmp_path, what):
    source, target = make_source(tmp_path / "source"), tmp_path / "target"
    if what == "file":
        target.write_text("mine")
    elif what == "foreign folder":
        target.mkdir()
        (target / "notes.txt").write_text("mine")
    elif what == "other product":
        with files.atomic_folder(target) as partial:
            (partial / "picture.png").write_bytes(b"prepared")
    else:
        split_folder(source, target, how="copy" if what == "edited copy" else "hardlink")
        inside = next((target / "train/cat").iterdir())
        if what == "added":
            (target / "train/cat/new.png").write_bytes(b"mine")
        elif what == "edited copy":
            inside.write_bytes(b"retouched")
        else:  # the user removed the source after linking
            next((source / "cat").glob(inside.name)).unlink()
    before = snapshot(tmp_path)
    with pytest.raises(FileExistsError, match="target"):
        split_folder(source, target)
    assert snapshot(tmp_path) == before


def test_an_empty_target_and_system_files_are_no_obstacle(tmp_path):
    source = make_source(tmp_path / "source")
    (tmp_path / "target").mkdir()
    split_folder(source, tmp_path / "target")
    (tmp_path / "target/train/.DS_Store").write_bytes(b"finder")
    split_folder(source, tmp_path / "target", seed=7)
    assert len(list((tmp_path / "target").rglob("*.png"))) == 18


def test_source_and_target_within_each_other_are_refused(tmp_path):
    source = make_source(tmp_path / "source")
    for target in (source, source / "split", tmp_path):
        with pytest.raises(ValueError, match="lie within each other"):
            split_folder(source, target)
    assert len(list(source.rglob("*"))) == 18 + 3


def two_rows(*paths: str, labels=("cat", "cat")) -> Manifest:
    return Manifest(tuple(Row(path, label, "train") for path, label in zip(paths, labels, strict=True)))


def test_names_that_collide_are_refused(tmp_path):
    """F16. Both would be train/cat/a/1.png; sub-folders of a class are kept otherwise."""
    manifest = two_rows("cat/a/1.png", "a/cat/1.png")
    for row in manifest.rows:
        (tmp_path / "source" / row.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / row.path).write_bytes(row.path.encode())
    with pytest.raises(
        ValueError, match=r"cat/a/1\.png and a/cat/1\.png would both become train/cat/a/1\.png"
    ):
        materialise(manifest, tmp_path / "target", root=tmp_path / "source")
    assert not (tmp_path / "target").exists()


def test_case_only_differences(tmp_path, monkeypatch):
    """F16. Where the disk tells them apart both arrive; where it does not, an error and no tree."""
    source = tmp_path / "source/cat"
    source.mkdir(parents=True)
    (source / "a.png").write_bytes(b"small")
    (source / "A.png").write_bytes(b"large")
    folds = len(list(source.iterdir())) == 1
    manifest = two_rows("cat/a.png", "cat/A.png")
    if not folds:
        materialise(manifest, tmp_path / "target", root=source.parent)
        assert len(list((tmp_path / "target").rglob("*.png"))) == 2
        real = Path.exists
        monkeypatch.setattr(
            module.Path, "exists", lambda self: self.name == files.MARKER_NAME.upper() or real(self)
        )
    with pytest.raises(ValueError, match=r"train/cat/a\.png and train/cat/A\.png are one name"):
        materialise(manifest, tmp_path / "folding", root=source.parent)
    assert not (tmp_path / "folding").exists()


def test_class_names_that_are_no_folder_names_are_refused(tmp_path):
    for labels in (("Cat", "cat"), ("a/b", "a"), ("..", "a"), (".hidden", "a")):
        manifest = two_rows("x/1.png", "y/2.png", labels=labels)
        for row in manifest.rows:
            (tmp_path / row.path).parent.mkdir(exist_ok=True)
            (tmp_path / row.path).write_bytes(b"x")
        with pytest.raises(ValueError, match=r"differ only|cannot be the name"):
            materialise(manifest, tmp_path.parent / f"{tmp_path.name}-target", root=tmp_path)


def test_every_class_has_a_folder_in_every_part(tmp_path):
    """F7. A class that val lacks is an empty folder there, so that no reader shifts the numbers."""
    source = make_source(tmp_path / "source", names=("ant", "wasp"))
    (source / "bee").mkdir()
    (source / "bee/only.png").write_bytes(b"one")
    split_folder(source, tmp_path / "target", rare="train")
    assert sorted(path.name for path in (tmp_path / "target/val").iterdir()) == ["ant", "bee", "wasp"]


def test_missing_files_are_listed_before_anything_is_made(tmp_path):
    with pytest.raises(ValueError, match="2 of 2 files do not fit"):
        materialise(two_rows("cat/1.png", "cat/2.png"), tmp_path / "target", root=tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("how", "attribute"), [("hardlink", "hardlink_to"), ("symlink", "symlink_to")])
def test_links_that_are_impossible_say_so_and_auto_says_what_it_did(tmp_path, monkeypatch, how, attribute):
    source = make_source(tmp_path / "source")
    plan = plan_split(source)

    def refuse(*_arguments, **_keywords):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(module.Path, attribute, refuse)
    with pytest.raises(OSError, match='different disks; use how="copy"'):
        materialise(plan.manifest, tmp_path / "target", root=source, how=how)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    if how == "hardlink":
        assert materialise(plan.manifest, tmp_path / "target", root=source, how="auto") == "copy"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_a_hard_link_to_another_disk_is_an_error_that_helps(tmp_path):
    if Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev or not os.access("/dev/shm", os.W_OK):
        pytest.skip("no second file system here")
    source = make_source(tmp_path / "source")
    target = Path("/dev/shm") / f"course-test-{os.getpid()}"
    try:
        with pytest.raises(OSError, match="different disks"):
            split_folder(source, target)
        assert not target.exists()
        split_folder(source, target, how="symlink")
        assert all(link.read_bytes() for link in target.rglob("*.png"))
    finally:
        shutil.rmtree(target, ignore_errors=True)


def test_too_little_space_is_refused_with_the_missing_bytes(tmp_path, monkeypatch):
    """F15, before anything is written."""
    source = make_source(tmp_path / "source")
    total = sum(path.stat().st_size for path in source.rglob("*.png"))
    usage = shutil.disk_usage(tmp_path)._replace(free=total - 7)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(OSError, match="7 bytes are missing"):
        split_folder(source, tmp_path / "target", how="copy")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_disk_that_fills_up_midway_leaves_nothing(tmp_path, monkeypatch):
    """F15, while copying: the fifth file fails as the system would fail it."""
    source = make_source(tmp_path / "source")
    before, copied, real = snapshot(source), [], shutil.copyfileobj

    def copy(reader, writer, length=0):
        copied.append(1)
        if len(copied) == 5:
            writer.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(reader, writer, length)

    monkeypatch.setattr(module.shutil, "copyfileobj", copy)
    rows = plan_split(source).manifest.rows
    missing = sum((source / row.path).stat().st_size for row in rows[4:])
    with pytest.raises(OSError, match=f"full after 4 of 18 files; {missing:,} more bytes are needed"):
        split_folder(source, tmp_path / "target", how="copy")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert snapshot(source) == before
