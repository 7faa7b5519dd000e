"""Groups of equal and nearly equal pictures, so that no picture is learnt and examined at the same time.

Exact copies are found by SHA-256 of the bytes or of the decoded pixels; near copies (scaled, compressed
again, brighter, cropped by a little) by a perceptual hash, see `fingerprints`. Near copies are joined from
the closest pair on; a link that would make a group too large is cut, so that a chain of likenesses cannot
swallow a class. `notebooks/02_dataset_splitting` shows what copies on both sides do to a score.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_utils import files
from course_utils.data.fingerprints import HASH_BITS, Fingerprint, close_pairs, fingerprint_files
from course_utils.data.parallel import map_chunks

# Chosen on 10,363 photographs of four sets (39 million pairs), where all nine pairs found are true copies,
# and on drawn sets, where different plates and fields are not taken for copies. Planted copies lie within 14
# bits when scaled, compressed or made brighter by 25 %, most within 28 when cropped by 2 % at each side.
MAX_DISTANCE = 28
MIN_SIMILARITY = 0.9
MAX_GROUP_SIZE = 50


@dataclass(frozen=True)
class DuplicateGroup:
    """Pictures that belong together, in the order they were given.

    `distance`: the largest number of bits, of 144, by which a joined pair differs; 0 for exact copies.
    `links_cut`: likenesses to pictures outside that were cut because the group would have grown too large.
    """

    paths: tuple[Path, ...]
    kind: Literal["bytes", "pixels", "near"]
    distance: int = 0
    links_cut: int = 0


def exact_groups(
    paths: Sequence[str | Path],
    *,
    compare: Literal["bytes", "pixels"] = "bytes",
    num_workers: int | None = None,
    progress: bool = False,
) -> list[DuplicateGroup]:
    """Groups of two or more files with equal bytes, or with equal upright RGB pixels whatever the format.

    Comparing pixels decodes every file; ImageError names the first that cannot be read.
    """
    if compare == "bytes":
        digests = hash_files(paths, num_workers=num_workers, progress=progress)
    elif compare == "pixels":
        digests = [one.pixels for one in fingerprint_files(paths, num_workers=num_workers, progress=progress)]
    else:
        raise ValueError(f'compare is {compare!r}; expected "bytes" or "pixels"')
    return group_equal(paths, digests, kind=compare)


def near_duplicate_groups(
    paths: Sequence[str | Path],
    *,
    max_distance: int = MAX_DISTANCE,
    min_similarity: float = MIN_SIMILARITY,
    max_group_size: int = MAX_GROUP_SIZE,
    num_workers: int | None = None,
    progress: bool = False,
) -> list[DuplicateGroup]:
    """Groups of two or more pictures that look alike, exact copies among them; the closest groups first.

    `max_distance`: bits of 144 that may differ; `min_similarity`: correlation of the colour thumbnails, in
    [-1, 1]. Where many different pictures look alike by nature (digits, frames of a film), lower the first to
    about 8. `max_group_size` bounds what chains of likenesses can join; copies with equal pixels are joined
    whatever their number. ImageError names the first file that cannot be read.
    """
    if not 0 <= max_distance <= HASH_BITS // 2:
        raise ValueError(
            f"max_distance is {max_distance}; expected 0 to {HASH_BITS // 2} bits (unrelated: about 72)"
        )
    if max_group_size < 2:
        raise ValueError(f"max_group_size is {max_group_size}; expected at least 2")
    prints = fingerprint_files(paths, num_workers=num_workers, progress=progress)
    return group_alike(
        paths, prints, max_distance=max_distance, min_similarity=min_similarity, max_group_size=max_group_size
    )


def hash_files(
    paths: Sequence[str | Path], *, num_workers: int | None = None, progress: bool = False
) -> list[str]:
    """The sha256 of each file's bytes, read on all cores."""

    def work(_start: int, chunk: Sequence[str | Path]) -> list[str]:
        return [files.sha256_file(path) for path in chunk]

    parts = map_chunks(work, paths, num_workers=num_workers, progress=progress, description="reading files")
    return [digest for part in parts for digest in part]


def group_equal(
    paths: Sequence[str | Path], digests: Sequence[Hashable], *, kind: Literal["bytes", "pixels"]
) -> list[DuplicateGroup]:
    """Groups of two or more paths with the same digest, in the order of their first paths."""
    members: dict[Hashable, list[Path]] = defaultdict(list)
    for path, digest in zip(paths, digests, strict=True):
        members[digest].append(Path(path))
    return [DuplicateGroup(tuple(group), kind) for group in members.values() if len(group) > 1]


def group_alike(
    paths: Sequence[str | Path],
    prints: Sequence[Fingerprint],
    *,
    max_distance: int = MAX_DISTANCE,
    min_similarity: float = MIN_SIMILARITY,
    max_group_size: int = MAX_GROUP_SIZE,
) -> list[DuplicateGroup]:
    """As `near_duplicate_groups`, from fingerprints that are there already."""
    first_of: dict[str, int] = {}
    owner = [first_of.setdefault(one.pixels, position) for position, one in enumerate(prints)]
    distinct = sorted(first_of.values())
    pairs, distances = close_pairs(
        [prints[position] for position in distinct], max_distance=max_distance, min_similarity=min_similarity
    )
    forest = _Forest(Counter(owner), max_group_size)
    for (first, second), distance in zip(pairs.tolist(), distances.tolist(), strict=True):
        forest.join(distinct[first], distinct[second], distance)
    members: dict[int, list[Path]] = defaultdict(list)
    for position, path in enumerate(paths):
        members[forest.root(owner[position])].append(Path(path))
    cut = forest.links_cut()
    groups = [
        DuplicateGroup(tuple(group), "near", forest.distance[root], cut[root])
        for root, group in members.items()
        if len(group) > 1
    ]
    return sorted(groups, key=lambda group: group.distance)  # stable: by first path among equals


def group_names(
    paths: Sequence[str | Path], groups: Iterable[DuplicateGroup], names: Sequence[str]
) -> list[str]:
    """For each path the name of its group, the smallest of its members' `names`; "" without a group."""
    name_of = {Path(path): name for path, name in zip(paths, names, strict=True)}
    result = dict.fromkeys(name_of, "")
    for group in groups:
        result.update(dict.fromkeys(group.paths, min(name_of[path] for path in group.paths)))
    return [result[Path(path)] for path in paths]


class _Forest:
    """Union-find whose trees hold at most `max_size` pictures; `sizes` counts those of each root."""

    def __init__(self, sizes: Counter[int], max_size: int) -> None:
        self.parent = {root: root for root in sizes}
        self.size = dict(sizes)
        self.distance = dict.fromkeys(sizes, 0)
        self.max_size = max_size
        self.refused: list[tuple[int, int]] = []

    def root(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, one: int, other: int, distance: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        if first == second:
            return
        if self.size[first] + self.size[second] > self.max_size:
            self.refused.append((one, other))
            return
        self.parent[second] = first
        self.size[first] += self.size[second]
        self.distance[first] = max(distance, self.distance[first], self.distance[second])

    def links_cut(self) -> Counter[int]:
        """How many refused links leave each tree."""
        ends = [(self.root(one), self.root(other)) for one, other in self.refused]
        return Counter(root for pair in ends if pair[0] != pair[1] for root in pair)
