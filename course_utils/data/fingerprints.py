"""What two copies of a picture share: digests of bytes and pixels, a perceptual hash, a thumbnail.

The perceptual hash is that of the imagehash library (`phash`: the signs of the lowest 12 x 12 coefficients of
a discrete cosine transform of the grey picture, after Zauner 2010, "Implementation and Benchmarking of
Perceptual Image Hash Functions"): 144 bits that hardly change when a picture is scaled, compressed again, or
made brighter. It sees no colour and little of a smooth picture, so a 16 x 16 colour thumbnail confirms each
match. Used by `duplicates` and `audit`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.decode import decode
from course_utils.data.parallel import map_chunks

HASH_SIDE = 12
HASH_BITS = HASH_SIDE * HASH_SIDE
THUMBNAIL_SIDE = 16
_WORDS = -(-HASH_BITS // 64)
_ROWS_AT_ONCE = 256
_MAX_PAIRS = 2_000_000


@dataclass(frozen=True)
class Fingerprint:
    """Of one picture: sha256 of its upright RGB pixels, hash (3,) uint64, thumbnail (768,) uint8."""

    pixels: str
    hash_words: np.ndarray
    thumbnail: np.ndarray


def fingerprint(picture: Image.Image) -> Fingerprint:
    """The fingerprint of a decoded picture."""
    import imagehash

    rgb = picture.convert("RGB")
    digest = hashlib.sha256(f"{rgb.width}x{rgb.height}:".encode())
    digest.update(rgb.tobytes())
    bits = imagehash.phash(rgb, hash_size=HASH_SIDE).hash.ravel()  # (12, 12) -> (144,)
    padded = np.zeros(_WORDS * 64, dtype=bool)
    padded[:HASH_BITS] = bits
    words = np.packbits(padded).view(np.uint64)  # (192,) -> (24,) bytes -> (3,)
    thumbnail = np.asarray(rgb.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)).ravel()
    return Fingerprint(digest.hexdigest(), words, thumbnail)


def fingerprint_files(
    paths: Sequence[str | Path], *, num_workers: int | None = None, progress: bool = False
) -> list[Fingerprint]:
    """The fingerprints of all files, decoded on all cores. ImageError names the first that cannot be read."""

    def work(_start: int, chunk: Sequence[str | Path]) -> list[Fingerprint]:
        return [fingerprint(decode(path)) for path in chunk]

    parts = map_chunks(
        work, paths, num_workers=num_workers, progress=progress, description="comparing pictures"
    )
    return [one for part in parts for one in part]


def close_pairs(
    prints: Sequence[Fingerprint], *, max_distance: int, min_similarity: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (M, 2) of positions that look alike, closest first, and their distances (M,) in bits.

    Alike: the hashes differ in at most `max_distance` of 144 bits, and the thumbnails correlate with at least
    `min_similarity`. All pairs are compared, 256 rows at a time, so memory grows with the number of pictures
    only. ValueError when more than two million pairs are that close.
    """
    if len(prints) < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    hashes = np.stack([one.hash_words for one in prints])  # (N, 3)
    thumbnails = np.stack([one.thumbnail for one in prints])  # (N, 768)
    found, distances, total = [], [], 0
    for pairs, distance in _near_hashes(hashes, max_distance):
        alike = _similarity(thumbnails, pairs) >= min_similarity
        found.append(pairs[alike])
        distances.append(distance[alike])
        total += int(alike.sum())
        if total > _MAX_PAIRS:
            raise ValueError(
                f"more than {_MAX_PAIRS:,} pairs of pictures differ in at most {max_distance} of {HASH_BITS} "
                "bits; the pictures are too much alike for this hash. Lower max_distance."
            )
    pairs, distance = np.concatenate(found), np.concatenate(distances)
    order = np.lexsort((pairs[:, 1], pairs[:, 0], distance))
    return pairs[order], distance[order]


def _near_hashes(hashes: np.ndarray, max_distance: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (M, 2), first < second, within `max_distance`, and their distances (M,), block by block."""
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        block = hashes[start : start + _ROWS_AT_ONCE]
        distance = np.zeros((len(block), len(hashes) - start), dtype=np.uint8)
        for word in range(hashes.shape[1]):
            distance += np.bitwise_count(block[:, None, word] ^ hashes[None, start:, word])
        first, second = np.nonzero(distance <= max_distance)
        keep = first < second
        first, second = first[keep], second[keep]
        yield np.stack([first, second], axis=1) + start, distance[first, second].astype(np.int64)


def _similarity(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Correlation, in [-1, 1], of each pair's thumbnails, (M,); brightness and contrast do not change it.

    Two plain pictures (no contrast, so no correlation) are alike when their colours are.
    """
    result = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), 4096):
        some = pairs[start : start + 4096]
        one, other = (thumbnails[some[:, side]].astype(np.float32) for side in (0, 1))  # (m, 768)
        plain = np.abs(one - other).max(axis=1) <= 2
        one -= one.mean(axis=1, keepdims=True)
        other -= other.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        correlation = (one * other).sum(axis=1) / np.maximum(norms, 1e-6)  # (m, 768) -> (m,)
        result[start : start + 4096] = np.where(plain, 1.0, correlation)
    return result
