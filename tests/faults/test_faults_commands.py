"""The faults of the data through the commands: prepare, check, stats, split and audit.

Exit code and words of each, that the user's files keep their bytes, and that nothing half is left behind.
"""

import shutil
import struct
import sys
import zipfile
import zlib
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from planted import HARD_NAMES, checksums, encoded, make_tree, plant_junk, write_picture

from course_utils import cli
from course_utils.data import confounds

HARD_FILES = ["图 1.PNG", "🌱🌾.png", 'say "a, b".png', "y" * 200 + ".png", "é 1.png"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command of `data`; gives the exit code and what it printed on both streams."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(confounds, "NUM_SHUFFLES", 1)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = cli.main(["data", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def hard_set(root: Path) -> Path:
    """Eight classes of five pictures, all with hard names; every picture is noise of its own."""
    for place, name in enumerate(HARD_NAMES):
        (root / name).mkdir(parents=True)
        for number, file_name in enumerate(HARD_FILES):
            (root / name / file_name).write_bytes(encoded("PNG", place * 10 + number))
    return root


def plain_set(root: Path) -> Path:
    """Two classes of five pictures."""
    for place, name in enumerate(("ant", "bee")):
        (root / name).mkdir(parents=True)
        for number in range(5):
            (root / name / f"{number}.png").write_bytes(encoded("PNG", place * 10 + number))
    return root


def test_F9_hard_names_and_F6_junk_through_every_command(
    tmp_path: Path, run: Run, nothing_changes: Callable[..., None]
) -> None:
    source = hard_set(tmp_path / "我的 图片 🌱")
    clean = run("split", source, "--plan")
    plant_junk(source, HARD_NAMES[0])
    nothing_changes(source)
    target = tmp_path / "划分 好了"

    assert run("prepare", "my set", "--source", source)[:2] == (0, f"my set: {source}\n")
    code, out, _ = run("check", source)
    assert code == 0 and "40 pictures, 8 classes" in out and "in order" in out
    assert all(f"{name} 5" in out for name in HARD_NAMES)
    code, out, _ = run("stats", source)
    assert code == 0 and "40 pictures, 19,200 pixels" in out
    code, out, _ = run("audit", source)
    assert code == 0 and "all 40 pictures can be read" in out
    page = (tmp_path / "runs" / f"audit_{source.name}" / "audit.html").read_text(encoding="utf-8")
    assert "普通小麦" in page and "🌱🌾" in page
    assert run("split", source, "--plan")[:2] == clean[:2]  # junk changes nothing
    code, out, _ = run("split", source, target)
    assert code == 0 and f"{target}: 40 files by hardlink" in out
    for command in ("check", "stats"):
        assert run(command, target)[0] == 0, command
    assert {path.name for path in (target / "train").iterdir()} == set(HARD_NAMES)
    assert {path.name for path in target.rglob("*.[pP]*") if path.is_file()} == set(HARD_FILES)


def test_F9_hard_names_and_F6_junk_in_a_zip(
    tmp_path: Path, run: Run, nothing_changes: Callable[..., None]
) -> None:
    source = hard_set(tmp_path / "源")
    plant_junk(source, HARD_NAMES[0])
    archive = tmp_path / "压缩 包.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(source.rglob("*")):
            opened.write(path, path.relative_to(source))
    nothing_changes(source)
    before = archive.read_bytes()
    code, out, _ = run("prepare", "mine", "--source", archive)
    folder = Path(out.removeprefix("mine: ").strip())
    assert code == 0 and folder.parent == tmp_path / "data"
    code, out, _ = run("check", folder)
    assert code == 0 and "40 pictures, 8 classes" in out
    made = {name: digest for name, digest in checksums(folder).items() if name.endswith((".png", ".PNG"))}
    given = {name: digest for name, digest in checksums(source).items() if name.endswith((".png", ".PNG"))}
    assert {name: given[name] for name in made} == made
    assert run("prepare", "mine", "--source", archive)[0] == 0  # the second time nothing is done
    assert archive.read_bytes() == before


def test_F13_read_only_files_are_enough(
    tmp_path: Path, run: Run, nothing_changes: Callable[..., None]
) -> None:
    source = plain_set(tmp_path / "set")
    nothing_changes(source)
    folders = [source, source / "ant", source / "bee"]
    for path in [*source.rglob("*.png"), *folders]:
        path.chmod(0o444 if path.is_file() else 0o555)
    try:
        for command in (["check"], ["stats"], ["audit"], ["split", "--how", "copy"]):
            assert run(command[0], source, *command[1:])[0] == 0, command
        assert len(list((tmp_path / "data/set_split").rglob("*.png"))) == 10
    finally:
        for path in folders:
            path.chmod(0o755)


def test_F15_a_full_disk_ends_a_split_with_a_code_and_the_missing_bytes(
    tmp_path: Path, run: Run, nothing_changes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = plain_set(tmp_path / "set")
    total = sum(path.stat().st_size for path in source.rglob("*.png"))
    nothing_changes()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 0, total - 7))
    code, _, errors = run("split", source, tmp_path / "target", "--how", "copy")
    assert code == 2 and "7 bytes are missing" in errors


def bomb_header(path: Path) -> None:
    """A PNG of 100 megapixels in 60 bytes: only its header is read."""
    size = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    head = struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + b"\0\0\0\0IEND\xaeB`\x82")


def link_outside(root: Path) -> None:
    write_picture(root.parent / "outside.png")
    (root / "ant" / "out.png").symlink_to(root.parent / "outside.png")


def evil_zip(root: Path) -> None:
    with zipfile.ZipFile(root / "evil.zip", "w") as archive:
        archive.writestr("ant/1.png", encoded("PNG"))
        archive.writestr("../evil", "x")


def other_endings(root: Path) -> None:
    for number, ending in enumerate([".heic"] * 4 + [".raw"] * 2):
        (root / "bee" / f"other {number}{ending}").write_bytes(b"x")


def cut_off(root: Path) -> None:
    (root / "ant" / "0.png").write_bytes(encoded("PNG")[:-30])


def copied(root: Path) -> None:
    shutil.copy(root / "ant/0.png", root / "bee/again.png")


def already_split(root: Path) -> None:
    for part in ("train", "val"):
        make_tree(root / part, ["ant", "bee"], 2)
    for name in ("ant", "bee"):
        shutil.rmtree(root / name)


def one_picture(root: Path) -> None:
    make_tree(root, ["rare"], 1, first=500)


# What is planted, the command (SET is the folder), its exit code, and what it must say.
FAULTS: list[tuple[str, Callable[[Path], object], str, int, str]] = [
    ("F1", cut_off, "check SET", 1, "SET/ant/0.png: is cut off"),
    ("F1", cut_off, "stats SET", 2, "1 of 10 pictures cannot be read"),
    ("F1", cut_off, "audit SET --no-near", 1, "1 of 10 files cannot be read; the first is ant/0.png"),
    ("F1", lambda root: (root / "bee/9.jpg").write_bytes(b""), "check SET", 1, "9.jpg: is empty (0 bytes)"),
    ("F3", lambda root: bomb_header(root / "bee/9.png"), "check SET", 1, "9.png: is 10000 x 10000 pixels"),
    ("F8", lambda root: (root / "none").mkdir(), "check SET", 1, "class folders without a picture: none"),
    ("F8", lambda root: (root / "none").mkdir(), "split SET", 2, "no pictures in the classes none"),
    ("F8", one_picture, "split SET", 2, "'rare' (1)"),
    ("F10", link_outside, "split SET", 2, "SET/ant/out.png is a link that leads out of the folder"),
    ("F10", link_outside, "stats SET", 2, "SET/ant/out.png is a link that leads out of the folder"),
    ("F11", copied, "audit SET --no-near", 1, "different labels"),
    ("F12", other_endings, "check SET", 0, "left out 6 files: .heic 4, .raw 2"),
    ("F12", other_endings, "split SET", 0, "left out 6 files: .heic 4, .raw 2"),
    ("F14", lambda root: (root / "split").mkdir(), "split SET SET/split", 2, "lie within each other"),
    ("F16", lambda root: make_tree(root, ["ANT"], 2), "split SET", 2, "differ only in upper and lower case"),
    ("F30", evil_zip, "prepare mine --source SET/evil.zip", 2, "leads out of the target"),
    ("split twice", already_split, "split SET", 2, "already split into train, val"),
    ("unknown name", cut_off, "prepare seedling", 2, "seedlings"),
    ("unknown folder", cut_off, "stats SET/nowhere", 2, "does not exist"),
    ("wrong classes", cut_off, "prepare satellite --source SET", 2, "not among the expected 4"),
    ("no Kaggle", cut_off, "prepare seedlings --source kaggle", 2, "By hand:\n  1. open kaggle.com"),
]


@pytest.mark.parametrize(
    ("plant", "command", "code", "words"),
    [fault[1:] for fault in FAULTS],
    ids=[f"{fault[0]} {fault[2].split()[0]} {number}" for number, fault in enumerate(FAULTS)],
)
def test_a_fault_ends_with_its_code_and_words(
    tmp_path: Path, run: Run, nothing_changes: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[Path], object], command: str, code: int, words: str,
) -> None:  # fmt: skip
    source = plain_set(tmp_path / "set")
    plant(source)
    nothing_changes(source)
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # as if it were not installed
    arguments = [part.replace("SET", str(source)) for part in command.split(" ")]
    given, out, errors = run(*arguments)
    text = out + errors
    assert given == code, text
    assert words.replace("SET", str(source)) in text
    if given == 2:
        last = errors.replace("\r", "\n").split("\npython -m course_utils: ")[-1]  # behind any progress bar
        assert words.replace("SET", str(source)) in last and "Traceback" not in text
        data = tmp_path / "data"
        assert not data.exists() or list(data.iterdir()) == [], "nothing half is left"
    assert not list(tmp_path.rglob("evil"))
