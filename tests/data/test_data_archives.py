"""Honest archives of every kind come out as they went in."""

import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from course_utils import files
from course_utils.data import archives
from course_utils.data.archives import safe_extract, unpack_once

CONTENT = {
    "train/普通小麦/图.png": b"1" * 5000,
    "train/two words/🌱.png": b"",
    "x" * 200 + ".png": b"2",
    "deep/a/b/c/d/e.txt": b"3",
}


def build(path: Path, source: Path, how: str) -> Path:
    if how == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(source.rglob("*")):
                archive.write(file, file.relative_to(source))
    else:
        with tarfile.open(path, how) as archive:
            archive.add(source, arcname=".")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, data in CONTENT.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "source" / "empty class").mkdir()
    return tmp_path / "source"


@pytest.mark.parametrize("how", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_round_trip(source: Path, tmp_path: Path, how: str) -> None:
    archive = build(tmp_path / "archive", source, how)
    calls: list[tuple[int, int]] = []
    target = safe_extract(archive, tmp_path / "target", on_file=lambda *call: calls.append(call))
    assert target == tmp_path / "target" and files.is_ours(target)
    found = {
        path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
    }
    assert found.pop(files.MARKER_NAME) and found == CONTENT
    assert (target / "empty class").is_dir()
    assert [number for number, _ in calls] == [1, 2, 3, 4]
    assert calls[-1][1] == sum(map(len, CONTENT.values()))


def test_permissions_of_the_archive_are_not_taken_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("tool")
        info.external_attr = (stat.S_IFREG | 0o6777) << 16
        archive.writestr(info, b"#!")
    target = safe_extract(tmp_path / "x.zip", tmp_path / "target")
    if os.name != "nt":
        assert (target / "tool").stat().st_mode & 0o7111 == 0


def test_a_zip_made_on_windows_has_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_cat_1.png", b"1")
    path.write_bytes(path.read_bytes().replace(b"train_cat_1.png", b"train\\cat\\1.png"))
    assert (safe_extract(path, tmp_path / "target") / "train" / "cat" / "1.png").read_bytes() == b"1"


def test_the_marker_of_a_zipped_folder_is_ours_again(source: Path, tmp_path: Path) -> None:
    first = safe_extract(build(tmp_path / "a.zip", source, "zip"), tmp_path / "first")
    again = safe_extract(build(tmp_path / "b.zip", first, "zip"), tmp_path / "again")
    assert files.is_ours(again) and (again / files.MARKER_NAME).read_text() == files.MARKER_TEXT


def test_unpacking_is_done_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = build(tmp_path / "a.zip", source, "zip")
    target = unpack_once(archive, tmp_path / "target")
    monkeypatch.setattr(archives, "safe_extract", lambda *_args, **_options: pytest.fail("unpacked again"))
    assert unpack_once(archive, tmp_path / "target") == target


def test_limits_are_exact(source: Path, tmp_path: Path) -> None:
    archive = build(tmp_path / "a.zip", source, "zip")
    with zipfile.ZipFile(archive) as opened:
        num_entries, num_bytes = len(opened.namelist()), sum(info.file_size for info in opened.infolist())
    safe_extract(archive, tmp_path / "fits", max_bytes=num_bytes, max_files=num_entries)
    for limits in ({"max_bytes": num_bytes - 1}, {"max_files": num_entries - 1}):
        with pytest.raises(ValueError, match=f"or raise {next(iter(limits))}"):
            safe_extract(archive, tmp_path / "not", **limits)
    assert not (tmp_path / "not").exists()
