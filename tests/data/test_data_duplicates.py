"""Duplicates: planted copies are found, different pictures are not, chains do not swallow everything."""

import tracemalloc
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from course_utils import runtime
from course_utils.data.decode import ImageError, decode
from course_utils.data.duplicates import exact_groups, group_alike, group_names, near_duplicate_groups
from course_utils.data.fingerprints import HASH_BITS, Fingerprint, close_pairs, fingerprint
from course_utils.data.images import list_images


def drawn(seed: int, side: int = 120) -> Image.Image:
    """A picture of its own: soft colour fields with some discs on them."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (5, 5, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)).copy()
    rows, columns = np.mgrid[:side, :side]
    for _ in range(6):
        row, column, radius = generator.integers(0, side, 3)
        pixels[(rows - row) ** 2 + (columns - column) ** 2 < (5 + radius / 5) ** 2] = generator.integers(
            0, 256, 3
        )
    return Image.fromarray(pixels)


def copies(picture: Image.Image) -> dict[str, tuple[Image.Image, dict]]:
    width, height = picture.size
    dx, dy = max(1, round(width * 0.02)), max(1, round(height * 0.02))
    return {
        "half.png": (picture.resize((width // 2, height // 2)), {}),
        "larger.png": (picture.resize((width * 3 // 2, height * 3 // 2), Image.Resampling.BICUBIC), {}),
        "coarse.jpg": (picture, {"quality": 40}),
        "brighter.png": (ImageEnhance.Brightness(picture).enhance(1.25), {}),
        "darker.png": (ImageEnhance.Brightness(picture).enhance(0.75), {}),
        "cropped.png": (picture.crop((dx, dy, width - dx, height - dy)), {}),
    }


def test_planted_copies_are_found_and_nothing_else(tmp_path):
    """F11. 60 pictures, six kinds of copies of the first 12: 12 groups of 7."""
    for number in range(60):
        drawn(number).save(tmp_path / f"{number:02d}.png")
        if number < 12:
            for name, (picture, options) in copies(drawn(number)).items():
                picture.save(tmp_path / f"{number:02d} {name}", **options)
    paths = list_images(tmp_path)
    groups = near_duplicate_groups(paths)
    assert {frozenset(path.name[:2] for path in group.paths) for group in groups} == {
        frozenset({f"{number:02d}"}) for number in range(12)
    }
    assert [len(group.paths) for group in groups] == [7] * 12
    assert all(0 < group.distance <= 28 and group.kind == "near" and group.links_cut == 0 for group in groups)
    assert [group.distance for group in groups] == sorted(group.distance for group in groups)


def test_exact_groups_by_bytes_and_by_pixels(tmp_path):
    picture = drawn(1)
    picture.save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    picture.save(tmp_path / "c.bmp")
    turned = Image.Exif()
    turned[0x0112] = 3
    picture.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "d.png", exif=turned)
    changed = picture.copy()
    changed.putpixel((0, 0), tuple(255 - value for value in changed.getpixel((0, 0))))
    changed.save(tmp_path / "e.png")
    picture.resize((60, 240)).save(tmp_path / "f.png")
    paths = list_images(tmp_path)
    (by_bytes,) = exact_groups(paths)
    assert [path.name for path in by_bytes.paths] == ["a.png", "b.png"]
    (by_pixels,) = exact_groups(paths, compare="pixels")
    assert [path.name for path in by_pixels.paths] == ["a.png", "b.png", "c.bmp", "d.png"]
    with pytest.raises(ValueError, match="compare is 'near'"):
        exact_groups(paths, compare="near")


def test_colour_counts_and_plain_pictures_are_not_all_alike(tmp_path):
    """The hash is blind to both: the thumbnail decides."""
    rows, columns = np.mgrid[:64, :64]
    disc = (rows - 30) ** 2 + (columns - 34) ** 2 < 400
    for name, colour in {"red": (200, 0, 0), "blue": (0, 70, 220)}.items():
        pixels = np.full((64, 64, 3), 90, np.uint8)
        pixels[disc] = colour
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    for name, colour in {
        "white": "white",
        "black": "black",
        "grey": (128, 128, 128),
        "grey 2": (129, 128, 128),
    }.items():
        Image.new("RGB", (64, 64), colour).save(tmp_path / f"{name}.png")
    (group,) = near_duplicate_groups(list_images(tmp_path))
    assert [path.name for path in group.paths] == ["grey 2.png", "grey.png"]


def prints(hashes: np.ndarray) -> list[Fingerprint]:
    """Fingerprints with these hashes, (N, 24) uint8, and one thumbnail for all."""
    thumbnail = np.arange(768, dtype=np.uint32).astype(np.uint8)
    return [Fingerprint(str(n), row.view(np.uint64), thumbnail) for n, row in enumerate(hashes)]


def test_distances_are_those_of_imagehash():
    pictures = [drawn(seed, 64) for seed in range(40)]
    own = [imagehash.phash(picture, hash_size=12) for picture in pictures]
    expected = {(i, j): own[i] - own[j] for i, j in combinations(range(40), 2) if own[i] - own[j] <= 66}
    pairs, distances = close_pairs([fingerprint(p) for p in pictures], max_distance=66, min_similarity=-1.01)
    assert len(expected) > 20
    assert dict(zip(map(tuple, pairs.tolist()), distances.tolist(), strict=True)) == expected
    assert (np.diff(distances) >= 0).all()


def test_ten_thousand_pictures_in_bounded_memory():
    """200 planted pairs among 10,000 random hashes are found, and only they, without a table of all pairs."""
    generator = np.random.default_rng(0)
    hashes = generator.integers(0, 256, (10_000, 24), dtype=np.uint8)
    hashes[:, HASH_BITS // 8 :] = 0
    planted = {(number, number + 5000): int(generator.integers(0, 29)) for number in range(0, 4000, 20)}
    for (one, other), distance in planted.items():
        bits = np.unpackbits(hashes[one])
        bits[generator.choice(HASH_BITS, distance, replace=False)] ^= 1
        hashes[other] = np.packbits(bits)
    everything = prints(hashes)
    tracemalloc.start()
    pairs, distances = close_pairs(everything, max_distance=28, min_similarity=0.9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dict(zip(map(tuple, pairs.tolist()), distances.tolist(), strict=True)) == planted
    assert peak < 100e6


def chain(num_steps: int) -> list[Fingerprint]:
    """Each differs from the next in 6 bits, and from the one after in 12."""
    bits = np.zeros((num_steps, 192), dtype=np.uint8)
    for step in range(1, num_steps):
        bits[step] = bits[step - 1]
        bits[step, np.arange(6 * step, 6 * step + 6) % HASH_BITS] ^= 1
    return prints(np.packbits(bits, axis=1))


def test_a_chain_is_followed_but_does_not_swallow_a_class():
    paths = [Path(f"{number}.png") for number in range(20)]
    (whole,) = group_alike(paths, chain(20), max_distance=6, max_group_size=50)
    assert len(whole.paths) == 20
    assert (whole.distance, whole.links_cut) == (6, 0)
    cut = group_alike(paths, chain(20), max_distance=6, max_group_size=8)
    assert max(len(group.paths) for group in cut) <= 8
    assert sum(group.links_cut for group in cut) >= 2
    assert len({path for group in cut for path in group.paths}) == sum(len(group.paths) for group in cut)


def test_the_closest_links_are_kept_when_a_chain_is_cut():
    """1-2 and 3-4 differ in 1 bit, 2-3 in 5: groups of two must be these pairs."""
    bits = np.zeros((4, 192), dtype=np.uint8)
    bits[1, 0] = 1
    bits[2, :6] = 1
    bits[3, :7] = 1
    paths = [Path(name) for name in "abcd"]
    groups = group_alike(paths, prints(np.packbits(bits, axis=1)), max_distance=6, max_group_size=2)
    assert [[str(path) for path in group.paths] for group in groups] == [["a", "b"], ["c", "d"]]
    assert [group.links_cut for group in groups] == [3, 3]  # 2-3, 1-3 and 2-4; 1-4 differ in 7


def test_equal_pixels_are_joined_whatever_their_number():
    one = fingerprint(drawn(0))
    paths = [Path(f"{number}.png") for number in range(100)]
    (group,) = group_alike(paths, [one] * 100, max_group_size=10)
    assert len(group.paths) == 100


def test_group_names_are_the_smallest_and_empty_outside(tmp_path):
    for name in ("x", "y", "z"):
        drawn(1 if name != "y" else 2).save(tmp_path / f"{name}.png")
    paths = list_images(tmp_path)
    assert group_names(paths, exact_groups(paths), ["c", "b", "a"]) == ["a", "", "a"]


def test_errors_name_the_file_or_the_argument(tmp_path):
    drawn(0).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"<html>")
    with pytest.raises(ImageError, match=r"bad\.png"):
        near_duplicate_groups(list_images(tmp_path))
    with pytest.raises(ValueError, match="max_distance is 200; expected 0 to 72"):
        near_duplicate_groups([], max_distance=200)
    with pytest.raises(ValueError, match="max_group_size is 1"):
        near_duplicate_groups([], max_group_size=1)
    assert near_duplicate_groups([]) == exact_groups([]) == []


def test_too_many_alike_is_an_error_instead_of_all_memory(monkeypatch):
    monkeypatch.setattr("course_utils.data.fingerprints._MAX_PAIRS", 1000)
    with pytest.raises(ValueError, match=r"more than 1,000 pairs.*Lower max_distance"):
        close_pairs(prints(np.zeros((60, 24), np.uint8)), max_distance=4, min_similarity=0.9)


@pytest.mark.skipif(runtime.real_data_dir() is None, reason="COURSE_REAL_DATA is not set")
@pytest.mark.parametrize("name", ["seedlings_150px", "food11_64px", "satellite_rsscn7", "hymenoptera"])
def test_real_pictures_planted_copies_are_found(tmp_path, name):
    """120 real pictures, six copies of 20 of them: at least 95 % found, no two others joined."""
    originals = list_images(runtime.real_data_dir() / name)
    originals = originals[:: max(1, len(originals) // 120)]
    paths, wanted = list(originals), 0
    for number, path in enumerate(originals[:20]):
        for kind, (picture, options) in copies(decode(path)).items():
            paths.append(tmp_path / f"{number} {kind}")
            picture.save(paths[-1], **options)
            wanted += 1
    groups = near_duplicate_groups(paths)
    original_of = {path: path for path in originals} | {
        path: originals[int(path.name.split()[0])] for path in paths[len(originals) :]
    }
    found = 0
    for group in groups:
        sources = {original_of[path] for path in group.paths}
        assert len(sources) == 1
        found += len(group.paths) - 1
    assert found >= 0.95 * wanted
