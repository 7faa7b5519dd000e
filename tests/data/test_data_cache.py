"""The decode-once cache: the same pixels, rebuilt when stale or damaged, safe for several processes.

Killed while it is written: tests/faults/test_faults_cache.
"""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from course_utils.data import cache
from course_utils.data.cache import CachedPixels, cached_pixels
from course_utils.data.datasets import PictureSet
from course_utils.data.images import read_image


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    generator = np.random.default_rng(0)
    paths = []
    for number in range(12):
        height, width = generator.integers(10, 30, 2)
        path = tmp_path / "pictures" / f"图 {number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


def expected(paths: list[Path]) -> np.ndarray:
    return np.stack([read_image(path, size=(16, 20)).transpose(2, 0, 1) for path in paths])


def test_holds_what_the_reader_gives_in_any_order(pictures, tmp_path):
    for paths in (pictures, pictures[::-1], pictures[3:5]):
        pixels = cached_pixels(paths, size=(16, 20), folder=tmp_path / "cache")
        np.testing.assert_array_equal(pixels[np.arange(len(paths))], expected(paths))


def test_second_call_decodes_nothing_also_after_renaming(pictures, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    cached_pixels(pictures, size=(16, 20), folder=folder)
    before = contents(folder)
    renamed = [path.rename(path.with_name(f"other-{path.name}")) for path in pictures]
    monkeypatch.setattr(cache, "read_image", lambda *_, **__: pytest.fail("decoded again"))
    pixels = cached_pixels(renamed[::-1], size=(16, 20), folder=folder)
    monkeypatch.undo()
    np.testing.assert_array_equal(pixels[np.arange(12)], expected(renamed[::-1]))
    assert contents(folder) == before


@pytest.mark.parametrize("change", ["picture", "size", "mode", "code"])
def test_another_content_size_mode_or_reader_is_another_file(pictures, tmp_path, monkeypatch, change):
    folder = tmp_path / "cache"
    first = cached_pixels(pictures, size=(16, 20), folder=folder)
    options = {"size": (16, 20)}
    if change == "picture":
        Image.new("RGB", (16, 20), "red").save(pictures[4])
    if change == "size":
        options["size"] = (20, 16)
    if change == "mode":
        options["mode"] = "L"
    if change == "code":
        monkeypatch.setattr(cache, "CODE_VERSION", cache.CODE_VERSION + 1)
    second = cached_pixels(pictures, folder=folder, **options)
    assert second.path != first.path and first.path.exists()
    want = read_image(pictures[4], **options).transpose(2, 0, 1)
    np.testing.assert_array_equal(second[np.array([4])][0], want)


@pytest.mark.parametrize("damage", ["byte", "cut", "empty", "no sidecar", "sidecar", "header"])
def test_damaged_caches_are_made_again(pictures, tmp_path, damage):
    first = cached_pixels(pictures, size=(16, 20), folder=tmp_path / "cache")
    content = bytearray(first.path.read_bytes())
    sidecar = first.path.with_suffix(".json")
    if damage == "byte":
        content[len(content) // 2] ^= 1
    if damage == "cut":
        del content[-100:]
    if damage == "empty":
        content.clear()
    if damage == "header":
        content[:6] = b"nonsen"
    first.path.write_bytes(content)
    if damage == "no sidecar":
        sidecar.unlink()
    if damage == "sidecar":
        sidecar.write_text("{")
    again = cached_pixels(pictures, size=(16, 20), folder=tmp_path / "cache")
    np.testing.assert_array_equal(again[np.arange(12)], expected(pictures))


def test_equal_files_share_a_row(pictures, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(pictures[2].read_bytes())
    pixels = cached_pixels([*pictures, copy], size=(16, 20), folder=tmp_path / "cache")
    assert len(np.load(pixels.path)) == 12 and len(pixels) == 13
    np.testing.assert_array_equal(pixels[np.array([2])], pixels[np.array([12])])


def test_only_the_name_is_sent_to_workers(pictures, tmp_path):
    pixels = cached_pixels(pictures, size=(160, 200), folder=tmp_path / "cache")
    pixels[np.array([0])]
    sent = pickle.dumps(pixels)
    assert len(sent) < 2000
    np.testing.assert_array_equal(pickle.loads(sent)[np.arange(12)], pixels[np.arange(12)])


def test_a_set_of_pictures_from_the_cache(pictures, tmp_path):
    names = [path.name for path in pictures]
    plain = PictureSet(pictures, [0] * 12, names, class_names=("a",), size=(16, 20))
    cached = plain.cached(folder=tmp_path / "cache")
    chosen = np.array([7, 2, 2])
    assert (cached.pixels(np.arange(12)) == plain.pixels(np.arange(12))).all()
    assert (cached.subset(chosen).pixels(np.arange(3)) == plain.pixels(chosen)).all()
    assert cached.subset(chosen).ids == [names[7], names[2], names[2]]


WRITER = """
import sys
from pathlib import Path
from course_utils.data import cache
stop_at = int(sys.argv[3])
read, count = cache.read_image, 0
def counted(*args, **options):
    global count
    count += 1
    if count == stop_at:
        print("here", flush=True)
        sys.stdin.readline()
    return read(*args, **options)
cache.read_image = counted
paths = sorted(Path(sys.argv[1]).iterdir())
cache.cached_pixels(paths, size=(16, 20), folder=sys.argv[2], num_workers=1)
print("done", flush=True)
"""


def writer(pictures: list[Path], folder: Path, stop_at: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(pictures[0].parent), str(folder), str(stop_at)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once(pictures, tmp_path):
    folder = tmp_path / "cache"
    both = [writer(pictures, folder, stop_at) for stop_at in (3, 9)]
    for process in both:
        assert process.stdout.readline() == "here\n"  # both are in the middle of writing
    for process in both:
        output, _ = process.communicate("go on\n")
        assert output == "done\n" and process.returncode == 0
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".npy"]
    pixels = cached_pixels(pictures, size=(16, 20), folder=folder)
    np.testing.assert_array_equal(pixels[np.arange(12)], expected(pictures))


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="rows are mapped here")
def test_reading_every_row_does_not_keep_them(tmp_path):
    whole = np.random.default_rng(0).integers(0, 256, (1200, 3, 128, 128), dtype=np.uint8)  # 59 MB
    np.save(tmp_path / "pixels.npy", whole)
    pixels = CachedPixels(tmp_path / "pixels.npy", np.arange(1200)[::-1])
    for part in (pixels, pixels.subset(np.arange(0, 1200, 10))):
        np.testing.assert_array_equal(part[np.arange(4)], whole[part.rows[:4]])
    assert pixels[3].shape == (3, 128, 128) and pixels[np.arange(0)].shape == (0, 3, 128, 128)
    before = psutil.Process().memory_info().rss
    for start in range(0, 1200, 64):
        pixels[np.arange(start, min(start + 64, 1200))]
    assert psutil.Process().memory_info().rss - before < 20e6


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="rows are mapped here")
def test_a_file_that_was_cut_off_meanwhile_is_an_error(tmp_path):
    np.save(tmp_path / "pixels.npy", np.zeros((10, 3, 4, 4), np.uint8))
    pixels = CachedPixels(tmp_path / "pixels.npy", np.arange(10))
    assert pixels[np.arange(10)].sum() == 0
    os.truncate(tmp_path / "pixels.npy", (tmp_path / "pixels.npy").stat().st_size - 40)
    with pytest.raises(OSError, match="ends before row 9; delete it"):
        pixels[np.arange(10)]
