"""The idx decoder against bytes written by hand, and every way such a file can be wrong."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from course_utils import runtime
from course_utils.data.idx import find_idx, read_idx, read_pair


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 3, 9, 8, 7], dtype=np.uint8)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("array", [IMAGES, LABELS], ids=["images", "labels"])
def test_round_trip(tmp_path: Path, pack: Callable[[bytes], bytes], array: np.ndarray) -> None:
    path = tmp_path / "file"
    path.write_bytes(pack(idx_bytes(array)))
    read = read_idx(path)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.uint8 and read.flags.writeable


GOOD = idx_bytes(IMAGES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "starts with nothing"),
        (b"\x89PNG\r\n", "no idx file"),
        (GOOD[:2] + b"\x0d" + GOOD[3:], "type 0x0d; only unsigned bytes"),
        (GOOD[:3] + b"\x00", "0 dimensions"),
        (GOOD[:3] + b"\x09" + GOOD[4:], "9 dimensions"),
        (GOOD[:10], "header is cut off"),
        (GOOD[:-1], r"cut off: 155 bytes, but shape \(7, 5, 4\) needs 156"),
        (GOOD + b"x", "too long: 157 bytes"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "cut off"),
        (gzip.compress(GOOD)[:-9], "damaged or cut off"),
        (gzip.compress(GOOD)[:20] + b"\0\0\0\0" + gzip.compress(GOOD)[24:], "damaged or cut off"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_name(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_gzip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_utils.data.idx._MAX_BYTES", 100)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(GOOD))
    with pytest.raises(ValueError, match="more than 100 bytes when unpacked"):
        read_idx(tmp_path / "bomb.gz")


def write(path: Path, array: np.ndarray) -> Path:
    path.write_bytes(idx_bytes(array))
    return path


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES, LABELS[:-1], "7 images.*6 labels"),
        (IMAGES[0], LABELS, "2 dimensions; expected 3"),
        (IMAGES, IMAGES, "3 dimensions; expected 1"),
        (IMAGES, LABELS + 5, "label 14; expected 0 to 9"),
    ],
)
def test_files_that_do_not_belong_together(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_pair(write(tmp_path / "images", images), write(tmp_path / "labels", labels))


@pytest.mark.parametrize("separator", ["-", "."])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_both_spellings_are_found(tmp_path: Path, separator: str, ending: str) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    names = [f"train-images{separator}idx3-ubyte{ending}", f"train-labels{separator}idx1-ubyte{ending}"]
    for name in names:
        (folder / name).write_bytes(b"")
    assert find_idx(tmp_path, "train") == (folder / names[0], folder / names[1])
    assert find_idx(tmp_path, "t10k") is None


def test_real_mnist_files() -> None:
    real = runtime.real_data_dir()
    if real is None or not (real / "mnist" / "idx").is_dir():
        pytest.skip("COURSE_REAL_DATA is not set, or has no mnist/idx")
    for part in ("train", "t10k"):
        pair = find_idx(real / "mnist" / "idx", part)
        assert pair is not None
        images, labels = read_pair(*pair)
        assert images.shape[1:] == (28, 28) and set(labels.tolist()) == set(range(10))
        assert 0.1 < images.mean() / 255 < 0.17  # MNIST's mean is 0.1307
