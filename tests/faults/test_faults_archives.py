"""Hostile, damaged and interrupted archives: nothing outside the target, nothing half under its name.

F14 (unpacking), F15, F16, F30 of the fault list.
"""

import errno
import gzip
import io
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from course_utils import files
from course_utils.data import archives
from course_utils.data.archives import safe_extract, unpack_once

Build = Callable[[Path], Path]


def zip_with(path: Path, *entries: tuple[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return path


def tar_with(path: Path, *entries: tuple[str, bytes] | tarfile.TarInfo, how: str = "w") -> Path:
    with tarfile.open(path, how) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def rename_entry(path: Path, old: str, new: str) -> Path:
    """Put a name of the same length into a zip that zipfile would not write."""
    assert len(old) == len(new)
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode("latin-1")))
    return path


FILE = ("good/1.png", b"picture")
LINK, DEVICE = stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o666
BIG = ("big", bytes(3_000_000))


def links_up(path: Path) -> Path:
    """A link to the folder above, then a file through it."""
    return tar_with(path, special("d", tarfile.SYMTYPE, ".."), ("d/evil", b"x"))


def nul_in_a_name(path: Path) -> Path:
    return rename_entry(zip_with(path, ("a_b.png", b"x")), "a_b", "a\0b")


# What is wrong, the archive's name, how it is made, what the message must say.
HOSTILE: list[tuple[str, str, Build, str]] = [
    (
        "parent",
        "x.zip",
        lambda p: zip_with(p, FILE, ("../evil", b"x")),
        r"leads out of the target with '\.\.'",
    ),
    ("deep parent", "x.zip", lambda p: zip_with(p, FILE, ("a/../../evil", b"x")), "leads out"),
    ("backslash parent", "x.zip", lambda p: zip_with(p, ("..\\evil", b"x")), "leads out"),
    ("absolute", "x.zip", lambda p: zip_with(p, FILE, ("/tmp/evil", b"x")), "absolute path"),
    ("drive", "x.zip", lambda p: zip_with(p, ("C:\\evil", b"x")), "absolute path"),
    ("share", "x.zip", lambda p: zip_with(p, ("\\\\host\\evil", b"x")), "absolute path"),
    ("symlink", "x.zip", lambda p: zip_with(p, ("link", b"/etc"), mode=LINK), "symbolic link"),
    ("device", "x.zip", lambda p: zip_with(p, ("dev", b""), mode=DEVICE), "device"),
    ("nul", "x.zip", nul_in_a_name, "control character"),
    ("parent", "x.tar", lambda p: tar_with(p, FILE, ("../evil", b"x")), "leads out"),
    ("absolute", "x.tgz", lambda p: tar_with(p, FILE, ("/tmp/evil", b"x"), how="w:gz"), "absolute path"),
    ("symlink", "x.tar", links_up, r"symbolic link to '\.\.'"),
    ("hard link", "x.tar", lambda p: tar_with(p, special("l", tarfile.LNKTYPE, "/etc/passwd")), "hard link"),
    ("device", "x.tar", lambda p: tar_with(p, FILE, special("null", tarfile.CHRTYPE)), "device"),
    ("fifo", "x.tar", lambda p: tar_with(p, FILE, special("pipe", tarfile.FIFOTYPE)), "device"),
    ("size", "x.zip", lambda p: zip_with(p, FILE, BIG), "more than 1,000,000 bytes"),
    ("size", "x.tar.xz", lambda p: tar_with(p, BIG, how="w:xz"), "more than 1,000,000 bytes"),
    ("count", "x.zip", lambda p: zip_with(p, *((f"{n}.png", b"") for n in range(60))), "more than 50 files"),
    ("count", "x.tar", lambda p: tar_with(p, *((f"{n}/", b"") for n in range(60))), "more than 50 files"),
    (
        "F16 case",
        "x.zip",
        lambda p: zip_with(p, ("a/X.png", b"1"), ("a/x.png", b"2")),
        "do not tell case apart",
    ),
    (
        "F16 folder case",
        "x.zip",
        lambda p: zip_with(p, ("A/1", b"1"), ("a/2", b"2")),
        "do not tell case apart",
    ),
    ("F16 twice", "x.tar", lambda p: tar_with(p, FILE, FILE), "is there twice"),
    ("F16 file, folder", "x.tar", lambda p: tar_with(p, ("a", b"1"), ("a/b", b"2")), "folder and a file"),
    ("F16 folder, file", "x.tar", lambda p: tar_with(p, ("a/b", b"2"), ("a", b"1")), "folder and a file"),
]


@pytest.mark.parametrize(
    ("name", "build", "message"), [case[1:] for case in HOSTILE], ids=[f"{c[1]} {c[0]}" for c in HOSTILE]
)
def test_F30_a_hostile_archive_leaves_nothing_anywhere(
    tmp_path: Path, name: str, build: Build, message: str
) -> None:
    archive = build(tmp_path / name)
    content = archive.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        safe_extract(archive, tmp_path / "in" / "target", max_bytes=1_000_000, max_files=50)
    assert str(archive) in str(caught.value) and "nothing was unpacked" in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path != archive and not path.is_dir()] == []
    assert not (tmp_path / "in" / "target").exists()
    assert archive.read_bytes() == content and not Path("/tmp/evil").exists()


def test_F30_real_bytes_count_not_those_in_the_header(tmp_path: Path) -> None:
    """An entry whose headers claim 10 bytes and whose data are 3 MB."""
    archive = zip_with(tmp_path / "x.zip", ("big", bytes(3_000_000)))
    data = archive.read_bytes().replace((3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged|more than"):
        safe_extract(archive, tmp_path / "target", max_bytes=1000)
    assert not (tmp_path / "target").exists()


def test_F30_an_archive_that_grows_after_it_was_inspected_stops_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zip_with(tmp_path / "x.zip", BIG)
    monkeypatch.setattr(archives, "_inspect", lambda *_: (1, 10, 4096))
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        safe_extract(archive, tmp_path / "target", max_bytes=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_F30_a_tar_that_goes_on_after_its_end_is_refused(tmp_path: Path) -> None:
    tar_with(tmp_path / "x.tar", FILE)
    packed = gzip.compress((tmp_path / "x.tar").read_bytes() + bytes(20 << 20), 1)
    (tmp_path / "x.tgz").write_bytes(packed)
    with pytest.raises(ValueError, match="goes on long after its last entry"):
        safe_extract(tmp_path / "x.tgz", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_F30_overlapping_entries_are_refused(tmp_path: Path) -> None:
    """Many entries that share one block of data multiply it (Fifield's bomb)."""
    archive = zip_with(tmp_path / "x.zip", ("a", bytes(100_000)), ("b", bytes(100_000)))
    with zipfile.ZipFile(archive) as opened:
        first, second = opened.infolist()
    data = archive.read_bytes()
    directory = data.index(b"PK\x01\x02", second.header_offset + 40)
    directory = data.index(b"PK\x01\x02", directory + 1)  # the entry of b
    offset = directory + 42
    archive.write_bytes(data[:offset] + first.header_offset.to_bytes(4, "little") + data[offset + 4 :])
    with pytest.raises(ValueError, match="damaged or cut off"):
        safe_extract(archive, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_F30_a_huge_tar_header_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    with pytest.raises(ValueError, match=r"a header of 4,294,967,296 bytes is refused"):
        safe_extract(tmp_path / "x.tar", tmp_path / "target")


def test_F30_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    archive = zip_with(tmp_path / "x.zip", FILE)
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # bit 0 of the flags, in the local header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(ValueError, match="is encrypted; unpack the archive yourself"):
        safe_extract(archive, tmp_path / "target")


@pytest.mark.parametrize("how", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_F30_an_archive_cut_off_or_changed_anywhere_is_never_accepted(tmp_path: Path, how: str) -> None:
    rng = random.Random(0)
    entries = [(f"class/{number}.png", rng.randbytes(3000)) for number in range(4)]
    path = tmp_path / "archive"
    data = (zip_with(path, *entries) if how == "zip" else tar_with(path, *entries, how=how)).read_bytes()
    # A tar ends with blocks of zeros; losing some of those loses nothing.
    end = len(data.rstrip(b"\0")) if how == "w" else len(data)
    for length in [*sorted(rng.sample(range(end - 8), 25)), 0, 512 * 7, end - 9]:
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match="archive"):
            safe_extract(path, tmp_path / "target")
        assert sorted(item.name for item in tmp_path.iterdir()) == ["archive"]
    if how != "w":  # plain tar has no checksum over the data
        for position in rng.sample(range(200, end - 200), 10):
            path.write_bytes(data[:position] + bytes([data[position] ^ 255]) + data[position + 1 :])
            with pytest.raises(ValueError, match="archive"):
                safe_extract(path, tmp_path / "target")
    path.write_bytes(data)
    target = safe_extract(path, tmp_path / "target")
    assert {name: (target / name).read_bytes() for name, _ in entries} == dict(entries)


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100, b"PK\x03\x04 cut", b"\x1f\x8b\x08 cut"])
def test_F30_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.zip"):
        safe_extract(tmp_path / "x.zip", tmp_path / "target")
    with pytest.raises(ValueError, match="is no file"):
        safe_extract(tmp_path, tmp_path / "target")


def test_F15_a_full_disk_is_seen_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zip_with(tmp_path / "x.zip", ("a", bytes(50_000)))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**6, 0, 14_096))
    with pytest.raises(OSError, match="40,000 bytes are missing") as caught:
        safe_extract(archive, tmp_path / "target")
    assert caught.value.errno == errno.ENOSPC
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.zip"]


def test_F15_a_disk_that_fills_up_meanwhile_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zip_with(tmp_path / "x.zip", ("a", b"1"), ("b", b"2"), ("c", b"3"))
    original = Path.open

    def full(self: Path, mode: str = "r", **options: int) -> io.IOBase:
        if mode == "xb" and self.name == "c":
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return original(self, mode, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        safe_extract(archive, tmp_path / "target")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.zip"]


def test_F14_a_target_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    archive = zip_with(tmp_path / "x.zip", FILE)
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "mine.txt").write_text("mine")
    for use in (safe_extract, unpack_once):
        with pytest.raises(FileExistsError, match="did not make"):
            use(archive, tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["mine.txt"]


UNPACK = """
import sys
from course_utils.data.archives import unpack_once
def wait(files, num_bytes):
    print(files, flush=True)
    sys.stdin.readline()
unpack = unpack_once.__globals__["safe_extract"]
unpack(sys.argv[1], sys.argv[2], on_file=wait)
print("done", flush=True)
"""


def start(archive: Path, target: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", UNPACK, str(archive), str(target)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_F14_unpacking_killed_30_times_at_random_moments(tmp_path: Path) -> None:
    rng = random.Random(0)
    entries = [(f"class {number % 3}/{number}.png", rng.randbytes(20_000)) for number in range(12)]
    archive = zip_with(tmp_path / "set.zip", *entries)
    content, target = archive.read_bytes(), tmp_path / "data" / "set"
    finished = 0
    for attempt in range(30):
        process = start(archive, target)
        assert process.stdin is not None and process.stdout is not None
        stop_at, at_once = rng.randrange(1, 13), attempt % 2
        for line in process.stdout:
            if line == "done\n":
                break
            if int(line) == stop_at:
                if at_once:  # in the middle of the next file, or of the renaming; else between two files
                    process.stdin.write("go\n")
                process.kill()
                break
            process.stdin.write("go\n")
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        if target.exists():  # then whole
            assert {name: (target / name).read_bytes() for name, _ in entries} == dict(entries)
            finished += 1
            shutil.rmtree(target)
    assert finished < 30  # some were really killed
    assert unpack_once(archive, target) == target
    assert {name: (target / name).read_bytes() for name, _ in entries} == dict(entries)
    assert sum(1 for path in target.rglob("*.png")) == len(entries)
    assert [path.name for path in target.parent.iterdir()] == ["set"]  # what the killed left is cleaned
    assert archive.read_bytes() == content and files.is_ours(target)
