"""From a folder of labelled pictures to `train/ val/ test/`, in one call that is safe to repeat.

What the usual split script does (`flat class folders -> train/ and val/, 30 %, seed 42`), but stratified,
with copies of one picture on one side, by link instead of copy, and without a moment at which half a tree
exists. Derived step by step in `notebooks/02_dataset_splitting`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_utils.data.duplicates import group_names, hash_files, near_duplicate_groups
from course_utils.data.layouts import Record, read_layout
from course_utils.data.manifest import SPLITS, Manifest, Row
from course_utils.data.materialise import How, materialise, refuse_overlap
from course_utils.data.splits import Rare, stratified_split

KeepTogether = Literal["exact", "near"]
RULE = "stratified by largest remainder; order by BLAKE2b of seed and path"


@dataclass(frozen=True)
class Split:
    """A planned or finished split: its manifest, the folder its paths start at, and what was left out."""

    manifest: Manifest
    root: Path
    remarks: tuple[str, ...] = ()


def split_folder(
    source: str | Path,
    target: str | Path,
    *,
    fractions: Sequence[float] = (0.7, 0.3),
    seed: int = 42,
    how: How = "hardlink",
    keep_together: KeepTogether | None = "exact",
    group_pattern: str | None = None,
    rare: Rare = "error",
    pool: bool = False,
    num_workers: int | None = None,
    progress: bool = False,
) -> Split:
    """Split the pictures below `source` into a new tree at `target`; `source` is only read.

    Two fractions make train and val, three also test. `target` gets split.csv and split.json as well, and is
    refused when something in it would be lost; see `materialise` for `how` and for the errors, and
    `plan_split` for the other arguments.
    """
    refuse_overlap(Path(source), Path(target))
    split = plan_split(
        source,
        fractions=fractions,
        seed=seed,
        keep_together=keep_together,
        group_pattern=group_pattern,
        rare=rare,
        pool=pool,
        num_workers=num_workers,
        progress=progress,
    )
    materialise(split.manifest, target, root=split.root, how=how)
    return split


def plan_split(
    source: str | Path,
    *,
    fractions: Sequence[float] = (0.7, 0.3),
    seed: int = 42,
    keep_together: KeepTogether | None = "exact",
    group_pattern: str | None = None,
    rare: Rare = "error",
    pool: bool = False,
    num_workers: int | None = None,
    progress: bool = False,
) -> Split:
    """Decide where each picture below `source` goes, and write nothing.

    `keep_together`: "exact" keeps files with equal bytes on one side; "near" also pictures that look alike,
    which takes decoding them all. `group_pattern`: a regular expression; pictures in whose path it finds the
    same text (its first group, if it has one) show one object and stay together. `rare`: see
    `splits.stratified_split`. `pool`: put the parts of a set that is already split together first.
    ValueError for a folder without labels, an empty class, a set that is already split, and what the split
    itself refuses.
    """
    if len(fractions) not in (2, 3):
        raise ValueError(
            f"fractions are {tuple(fractions)}; expected two (train, val) or three (train, val, test)"
        )
    if keep_together not in ("exact", "near", None):
        raise ValueError(f'keep_together is {keep_together!r}; expected "exact", "near" or None')
    layout = read_layout(source)
    records, remarks = _labelled(source, layout.records, pool), list(layout.remarks)
    if len(records) < len(layout.records):
        remarks.append(f"left out {len(layout.records) - len(records)} pictures without a label")
    labels = [str(record.label) for record in records]
    if empty := [name for name in layout.class_names if name not in set(labels)]:
        raise ValueError(
            f"{source}: no pictures in the classes {', '.join(empty)}; add some, or remove their folders"
        )
    paths = [record.path for record in records]
    places = [path.relative_to(layout.root).as_posix() for path in paths]
    digests = hash_files(paths, num_workers=num_workers, progress=progress)
    copies = [""] * len(paths)
    if keep_together is not None:
        near = keep_together == "near"
        copies = copy_groups(paths, digests, near=near, num_workers=num_workers, progress=progress)
    groups = _merge(copies, [_found(group_pattern, place) for place in places])
    parts = stratified_split(labels, fractions=fractions, seed=seed, groups=groups, keys=places, rare=rare)
    part_of = {int(position): SPLITS[part] for part, positions in enumerate(parts) for position in positions}
    rows = [
        Row(place, labels[position], part_of[position], groups[position], digests[position])
        for position, place in enumerate(places)
    ]
    recipe = {
        "seed": seed,
        "fractions": list(fractions),
        "rule": RULE,
        "keep_together": keep_together,
        "group_pattern": group_pattern,
        "rare": rare,
    }
    return Split(Manifest(tuple(rows), layout.class_names, recipe), layout.root, tuple(remarks))


def _labelled(source: str | Path, records: Sequence[Record], pool: bool) -> list[Record]:
    """The pictures that have a label; ValueError when there are none, or when they are split already."""
    labelled = [record for record in records if record.label is not None]
    if not labelled:
        raise ValueError(
            f"{source} holds {len(records)} pictures but no labels; expected a folder for each class"
        )
    parts = sorted({record.split for record in labelled if record.split})
    if parts and not pool:
        raise ValueError(
            f"{source} is already split into {', '.join(parts)}. Give the folder of one part to split that, "
            "or pass pool=True (--pool) to put the parts together and split anew."
        )
    return labelled


def copy_groups(
    paths: Sequence[Path],
    digests: Sequence[str],
    *,
    near: bool,
    num_workers: int | None = None,
    progress: bool = False,
) -> list[str]:
    """The name of each picture's group of copies, "" for none: the smallest digest in the group.

    `digests` are the sha256 of the files at `paths`; they tell the exact copies. `near` decodes all of them
    and looks for pictures that look alike, too.
    """
    short = [digest[:12] for digest in digests]
    if near:
        return group_names(
            paths, near_duplicate_groups(paths, num_workers=num_workers, progress=progress), short
        )
    seen = Counter(digests)
    return [name if seen[digest] > 1 else "" for name, digest in zip(short, digests, strict=True)]


def _found(pattern: str | None, place: str) -> str:
    match = re.search(pattern, place) if pattern else None
    if match is None:
        return ""
    return (match[1] if match.re.groups else match[0]) or ""


def _merge(one: list[str], other: list[str]) -> list[str]:
    """Groups that share a picture become one, under the first name met."""
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(node: tuple[int, str]) -> tuple[int, str]:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for first, second in zip(one, other, strict=True):
        if first and second:
            parent[root((1, second))] = root((0, first))
    merged = []
    for first, second in zip(one, other, strict=True):
        merged.append(root((0, first))[1] if first else root((1, second))[1] if second else "")
    return merged
