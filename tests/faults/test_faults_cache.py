"""The decode-once cache: killed while written, damaged, on a full disk. F14 and F15 of the fault list."""

import errno
import os
import random
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from killing import at_lines_of, run_in_child
from planted import write_picture

from course_utils import files
from course_utils.data import cache
from course_utils.data.cache import cached_pixels
from course_utils.data.images import read_image

SIZE = (8, 9)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    (tmp_path / "pictures").mkdir()
    return [write_picture(tmp_path / "pictures" / f"图 {number}.png", number) for number in range(12)]


def expected(paths: list[Path]) -> np.ndarray:
    return np.stack([read_image(path, size=SIZE).transpose(2, 0, 1) for path in paths])


def one_byte_off(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("before", ["nothing", "damaged"])
def test_F14_cache_writing_killed_20_times_at_random_moments(
    tmp_path: Path, pictures: list[Path], nothing_changes: Callable[..., None], before: str
) -> None:
    """Between any two lines of the writer: what is found is whole or made again, never half."""
    nothing_changes(tmp_path / "pictures")
    folder, want, every = tmp_path / "cache", expected(pictures), np.arange(len(pictures))
    watch = at_lines_of(cache, files)

    def work() -> Path:
        return cached_pixels(pictures, size=SIZE, folder=folder, num_workers=1).path

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if before == "damaged":  # a cache that has to be replaced
            one_byte_off(work())

    prepare()
    num_moments = run_in_child(work, kill_at=None, watch=watch)
    assert num_moments > 100
    for moment in random.Random(before).sample(range(1, num_moments + 1), 20):
        prepare()
        run_in_child(work, kill_at=moment, watch=watch)
        pixels = cached_pixels(pictures, size=SIZE, folder=folder)
        np.testing.assert_array_equal(pixels[every], want, err_msg=f"killed at moment {moment}")
        left = sorted(path.name for path in folder.iterdir())
        assert left == [f"{pixels.path.stem}.json", pixels.path.name], "the killed one's files are cleaned"


@pytest.mark.parametrize("damage", ["one byte", "cut off", "empty", "no checksum", "half a checksum"])
def test_F14_a_damaged_cache_is_made_again(
    tmp_path: Path, pictures: list[Path], nothing_changes: Callable[..., None], damage: str
) -> None:
    nothing_changes(tmp_path / "pictures")
    path = cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache").path
    whole, checksum = path.read_bytes(), path.with_suffix(".json")
    if damage == "one byte":
        one_byte_off(path)
    elif damage in ("cut off", "empty"):
        path.write_bytes(whole[:-50] if damage == "cut off" else b"")
    elif damage == "no checksum":
        checksum.unlink()
    else:
        checksum.write_text(checksum.read_text(encoding="utf-8")[:20], encoding="utf-8")
    pixels = cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache")
    np.testing.assert_array_equal(pixels[np.arange(12)], expected(pictures))
    assert path.read_bytes() == whole


def test_F14_a_picture_that_changed_is_not_taken_from_the_cache(tmp_path: Path, pictures: list[Path]) -> None:
    cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache")
    write_picture(pictures[3], 200)  # same name, same size in bytes or nearly
    pixels = cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache")
    np.testing.assert_array_equal(pixels[np.arange(12)], expected(pictures))


def test_F15_a_full_disk_is_seen_before_the_cache_is_written(
    tmp_path: Path,
    pictures: list[Path],
    nothing_changes: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing_changes(tmp_path / "pictures")
    needed = 12 * 3 * SIZE[0] * SIZE[1] + 4096
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**6, 0, needed - 7))
    with pytest.raises(OSError, match="7 bytes are missing") as caught:
        cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache")
    assert caught.value.errno == errno.ENOSPC
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_F15_a_disk_that_fills_up_meanwhile_is_an_error_and_leaves_no_cache(
    tmp_path: Path,
    pictures: list[Path],
    nothing_changes: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The room is taken before the file is mapped: writing to a map on a full disk would end the process."""
    nothing_changes(tmp_path / "pictures")

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_F1_a_damaged_picture_is_named_and_leaves_no_cache(
    tmp_path: Path, pictures: list[Path], nothing_changes: Callable[..., None]
) -> None:
    pictures[5].write_bytes(pictures[5].read_bytes()[:-20])
    nothing_changes(tmp_path / "pictures")
    with pytest.raises(ValueError, match=r"图 5\.png: is cut off"):
        cached_pixels(pictures, size=SIZE, folder=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
