"""The reader against formulas: orientation, modes, alpha, 16 bits, animation, size; scanning in order."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.data.images import (
    IMAGE_EXTENSIONS,
    ImageError,
    read_image,
    read_image_float,
    read_many,
    scan,
)

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREYS = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
# What each Exif tag asks for, in terms of the stored array; tag 1 is "as it is".
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "tiff", "webp"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, tag: int, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    options = {"webp": {"lossless": True}, "jpg": {"quality": 95}}.get(ending, {})
    plain = save(Image.fromarray(COLOURS), tmp_path / f"plain.{ending}", **options)
    turned = save(Image.fromarray(COLOURS), tmp_path / f"turned.{ending}", exif=exif, **options)
    np.testing.assert_array_equal(read_image(turned), UPRIGHT[tag](read_image(plain)))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_block_does_not_hide_the_picture(tmp_path: Path) -> None:
    path = save(Image.fromarray(COLOURS), tmp_path / "x.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0")
    assert read_image(path).shape == (6, 9, 3)


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    weight = alpha.astype(float)[..., None] / 255
    return colour.astype(float) * weight + 255 * (1 - weight)


def grey3(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def make_mode(mode: str) -> tuple[Image.Image, str, np.ndarray, float]:
    """Give a picture, the ending of a format that keeps the mode, the expected RGB, and the tolerance."""
    alpha = RNG.integers(0, 256, GREYS.shape, dtype=np.uint8)
    alpha[0, 0], alpha[0, 1] = 0, 255
    rgb = Image.fromarray(COLOURS)
    if mode == "1":
        return Image.fromarray(GREYS > 127), "png", grey3(np.where(GREYS > 127, 255, 0)), 0
    if mode == "L":
        return Image.fromarray(GREYS), "png", grey3(GREYS), 0
    if mode == "LA":
        return Image.fromarray(np.dstack([GREYS, alpha])), "png", over_white(grey3(GREYS), alpha), 1
    if mode == "P":
        return rgb.quantize(16), "png", np.asarray(rgb.quantize(16).convert("RGB")), 0
    if mode == "PA":
        picture = rgb.quantize(16).convert("RGBA").convert("PA")
        return picture, "tiff", np.asarray(picture.convert("RGBA"))[..., :3], 1
    if mode == "RGB":
        return rgb, "bmp", COLOURS, 0
    if mode == "RGBA":
        return Image.fromarray(np.dstack([COLOURS, alpha])), "png", over_white(COLOURS, alpha), 1
    if mode == "CMYK":
        return rgb.convert("CMYK"), "tiff", COLOURS, 1
    if mode == "YCbCr":
        return rgb.convert("YCbCr"), "tiff", COLOURS, 3
    if mode == "LAB":
        flat = Image.new("LAB", (9, 6), (137, 128, 128))  # a grey; L* = 137 / 255 * 100
        lightness = (137 / 255 * 100 + 16) / 116
        return flat, "tiff", np.full((6, 9, 3), srgb(lightness**3)), 4
    deep = RNG.integers(0, 65536, GREYS.shape, dtype=np.uint16)
    if mode == "I;16":
        return Image.fromarray(deep), "png", grey3(deep / 257), 0.5
    if mode == "I;16B":
        return Image.fromarray(deep.astype(">u2")), "tiff", grey3(deep / 257), 0.5
    if mode == "I":
        return Image.fromarray(deep.astype(np.int32)), "tiff", grey3(deep / 257), 0.5
    assert mode == "F"
    return Image.fromarray((deep / 65535).astype(np.float32)), "tiff", grey3(deep / 257), 0.5


def srgb(linear: float) -> float:
    return 255 * (1.055 * linear ** (1 / 2.4) - 0.055)


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I;16B", "I", "F"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    image, ending, expected, tolerance = make_mode(mode)
    path = save(image, tmp_path / f"x.{ending}")
    with Image.open(path) as stored:
        assert stored.mode == mode or (mode, stored.mode) == ("I;16", "I")  # as old Pillow calls it
    pixels = read_image(path)
    assert pixels.dtype == np.uint8 and pixels.shape == (6, 9, 3) and pixels.flags.writeable
    assert np.abs(pixels.astype(float) - expected).max() <= tolerance
    values = read_image_float(path)
    assert values.dtype == np.float32 and values.shape == (6, 9, 3)
    assert values.min() >= 0 and values.max() <= 1
    assert np.abs(values - expected / 255).max() <= max(tolerance, 1e-4) / 255


def test_a_16_bit_value_of_1000_keeps_its_size(tmp_path: Path) -> None:
    path = save(Image.fromarray(np.full((4, 4), 1000, np.uint16)), tmp_path / "deep.png")
    assert read_image_float(path) == pytest.approx(1000 / 65535, abs=1e-7)
    assert (read_image(path) == round(1000 / 257)).all()


@pytest.mark.parametrize("highest", [1.0, 200.0])
def test_floats_count_to_1_or_to_255(tmp_path: Path, highest: float) -> None:
    path = save(Image.fromarray(np.full((2, 2), highest, np.float32)), tmp_path / "x.tiff")
    assert read_image_float(path) == pytest.approx(1.0 if highest == 1 else 200 / 255)


@pytest.mark.parametrize("values", [[[-1.0]], [[300.0]], [[np.nan]], [[np.inf]]])
def test_floats_without_a_meaning_are_refused(tmp_path: Path, values: list) -> None:
    path = save(Image.fromarray(np.array(values, np.float32)), tmp_path / "x.tiff")
    with pytest.raises(ImageError, match=r"x\.tiff: holds values"):
        read_image(path)


def test_integers_beyond_16_bits_are_refused(tmp_path: Path) -> None:
    path = save(Image.fromarray(np.array([[70000]], np.int32)), tmp_path / "x.tiff")
    with pytest.raises(ImageError, match="from 70000 to 70000; expected 0 to 65535"):
        read_image(path)


@pytest.mark.parametrize("kind", ["L", "RGB", "P", "1", "I;16"])
def test_a_transparent_colour_becomes_white(tmp_path: Path, kind: str) -> None:
    pixels = np.zeros((2, 3), np.uint16 if kind == "I;16" else np.uint8)
    pixels[0, 0] = 1 if kind == "1" else 77
    image = Image.fromarray(pixels)
    image = image if kind == "I;16" else image.convert(kind)
    key = {"RGB": (0, 0, 0), "P": 0}.get(kind, 0)
    path = save(image, tmp_path / "x.png", transparency=key)
    read = read_image(path)
    assert (read[1] == 255).all() and (read[0, 1:] == 255).all()
    if kind not in ("1", "I;16"):
        assert (read[0, 0] == 77).all()


def test_grey_reading_gives_one_channel(tmp_path: Path) -> None:
    path = save(Image.fromarray(COLOURS), tmp_path / "x.png")
    grey = read_image(path, mode="L")
    assert grey.shape == (6, 9, 1)
    luma = COLOURS.astype(float) @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert np.abs(grey[..., 0] - luma).max() <= 1
    assert read_image_float(path, mode="L").shape == (6, 9, 1)


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tiff"])
def test_of_an_animation_the_first_frame_counts(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if ending == "webp" else {}
    path = save(frames[0], tmp_path / f"x.{ending}", save_all=True, append_images=frames[1:], **options)
    assert (read_image(path) == [255, 0, 0]).all()


def test_resizing_averages_what_it_drops(tmp_path: Path) -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    path = save(Image.fromarray(board.astype(np.uint8)), tmp_path / "x.png")
    small = read_image(path, size=(8, 4))
    assert small.shape == (8, 4, 3)
    assert np.abs(small.astype(int) - 127).max() <= 4  # taking single pixels would give 0 or 255
    assert np.abs(read_image_float(path, size=(8, 4)) - 0.5).max() <= 4 / 255


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_an_impossible_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save(Image.fromarray(COLOURS), tmp_path / "x.png")
    with pytest.raises(ValueError, match="at least 1 pixel"):
        read_image(path, size=size)


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected one of RGB, L"):
        read_image(tmp_path / "x.png", mode="BGR")


def test_the_limit_on_megapixels_is_exact(tmp_path: Path) -> None:
    path = save(Image.new("L", (1000, 2000)), tmp_path / "x.png")
    assert read_image(path, max_megapixels=2.0).shape == (2000, 1000, 3)
    with pytest.raises(ImageError, match=r"1000 x 2000 pixels, more than the limit of 1\.9 megapixels"):
        read_image(path, max_megapixels=1.9)


@pytest.mark.parametrize("ending", sorted(IMAGE_EXTENSIONS))
def test_every_ending_can_be_read_in_upper_case(tmp_path: Path, ending: str) -> None:
    formats = {".apng": "PNG", ".jfif": "JPEG", ".pnm": "PPM", ".pgm": "PPM", ".pbm": "PPM"}
    Image.init()
    if ending == ".avif" and "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow has no AVIF")
    mode = {".pgm": "L", ".pbm": "1"}.get(ending, "RGB")
    path = save(Image.new(mode, (8, 8), 255 if mode != "RGB" else "white"), tmp_path / f"A{ending.upper()}",
                format=formats.get(ending) or Image.registered_extensions()[ending])  # fmt: skip
    assert read_image(path).min() >= 250


def test_read_many_equals_reading_one_by_one(tmp_path: Path) -> None:
    paths = [
        save(Image.fromarray(np.full((5 + i, 7, 3), i, np.uint8)), tmp_path / f"{i}.png") for i in range(40)
    ]
    together = read_many(paths, size=(4, 4), num_workers=3)
    assert together.shape == (40, 4, 4, 3)
    np.testing.assert_array_equal(together, np.stack([read_image(path, size=(4, 4)) for path in paths]))


def test_scan_keeps_the_order_and_counts(tmp_path: Path) -> None:
    paths = [save(Image.fromarray(COLOURS), tmp_path / f"{i}.png") for i in range(40)]
    paths[17].write_bytes(b"")
    paths[30].write_bytes(paths[0].read_bytes()[:60])
    report = scan([*paths, tmp_path / "missing.png"], num_workers=2)
    assert report.good == [path for i, path in enumerate(paths) if i not in (17, 30)]
    assert [path for path, _ in report.bad] == [paths[17], paths[30], tmp_path / "missing.png"]
    assert report.message().startswith("3 of 41 pictures cannot be read:")
    assert "and 2 more" in report.message(limit=1)
    with pytest.raises(ValueError, match="3 of 41"):
        report.raise_if_bad()
    scan(report.good).raise_if_bad()
    assert str(scan(report.good)) == "all 38 pictures can be read"


def test_scan_refuses_no_workers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="num_workers is 0"):
        scan([tmp_path / "x.png"], num_workers=0)


def test_the_file_is_closed_after_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Image.fromarray(COLOURS), tmp_path / "x.png")
    opened: list[io.BufferedReader] = []
    original = Path.open

    def spy(self: Path, *args: str, **kwargs: int) -> io.BufferedReader:
        opened.append(original(self, *args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(Path, "open", spy)
    read_image(path)
    assert opened and all(stream.closed for stream in opened)
