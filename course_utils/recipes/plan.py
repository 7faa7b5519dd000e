"""Which picture is trained on, which validates, which tests: decided once per run, and written down.

The parts a set comes with are kept; the missing ones are held out of its training pictures by the rules of
`data.splits`. The result is a manifest (`split.csv` in the run's folder) with the checksum of every picture,
so a resumed run and an evaluation months later see the same pictures or say that they do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.data import catalog, sources
from course_utils.data.duplicates import hash_files
from course_utils.data.layouts import Layout, Record, read_layout
from course_utils.data.manifest import SPLITS, Manifest, Row
from course_utils.data.scan import scan
from course_utils.data.splits import kfold, stratified_split
from course_utils.data.splitting import copy_groups
from course_utils.recipes.sections import DataConfig


@dataclass(frozen=True)
class Plan:
    """The pictures of a run: `manifest` says which is in which part, with paths from `root` on."""

    root: Path
    manifest: Manifest
    remarks: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Give a SHA-256 over paths, labels, parts and contents of all pictures, and the class names."""
        return files.sha256_text(self.manifest.to_csv() + "\n".join(self.manifest.class_names))

    def num_images(self, part: str) -> int:
        """Give the number of pictures of "train", "val" or "test"; 0 for a part that there is not."""
        return sum(row.split == part for row in self.manifest.rows)

    def summary(self) -> str:
        """Give the counts in words: "3,500 train, 500 val, 1,000 test pictures in 10 classes"."""
        counts = ", ".join(f"{self.num_images(part):,} {part}" for part in self.manifest.splits)
        return f"{counts} pictures in {len(self.manifest.class_names)} classes"


def make_plan(data: DataConfig, *, progress: bool = False) -> Plan:
    """Prepare the set where needed and split it; ValueError says what is wrong with folder or split."""
    layout = find_layout(data, progress=progress)
    remarks = list(layout.remarks)
    records = _usable(layout, data, progress, remarks)
    labels = [str(record.label) for record in records]
    if empty := [name for name in layout.class_names if name not in set(labels)]:
        raise ValueError(
            f"{layout.root} holds no pictures of {', '.join(empty)}; add some, or give the set a name of its "
            "own (data.name) to train on the classes that are there"
        )
    paths = [record.path for record in records]
    places = [path.relative_to(layout.root).as_posix() for path in paths]
    digests = hash_files(paths, progress=progress)
    free = [position for position, record in enumerate(records) if record.split in (None, "train")]
    if not free:
        raise ValueError(f"{layout.root} has no training pictures; it has {', '.join(layout.splits)}")
    groups = [""] * len(free)
    if data.keep_together != "none":
        of_free = [paths[i] for i in free], [digests[i] for i in free]
        groups = copy_groups(*of_free, near=data.keep_together == "near", progress=progress)
    parts = [record.split or "train" for record in records]
    for position, part in zip(free, _hold_out(data, labels, places, groups, free, parts), strict=True):
        parts[position] = part
    remarks += _leaks(digests, parts)
    group_of = dict(zip(free, groups, strict=True))
    kept = _capped(data, labels, places, parts)
    rows = tuple(Row(places[i], labels[i], parts[i], group_of.get(i, ""), digests[i]) for i in kept)
    info = {
        "seed": data.split_seed,
        "val_fraction": data.val_fraction,
        "test_fraction": data.test_fraction,
        "num_folds": data.num_folds,
        "fold": data.fold,
        "keep_together": data.keep_together,
        "max_images": data.max_images,
    }
    return Plan(layout.root, Manifest(rows, layout.class_names, info), tuple(remarks))


def find_layout(data: DataConfig, *, progress: bool = False) -> Layout:
    """Give what the folder of the data set holds, made or fetched first where needed.

    ValueError for a set of one's own without a path, and for a folder that does not fit.
    """
    info = catalog.CATALOG.get(data.name)
    if info is None and data.source in ("sample", "kaggle", "download"):
        near = f"the catalog has {', '.join(catalog.CATALOG)}"
        raise ValueError(
            f"{data.name!r} is a set of your own, since {near}; say where it lies: --data PATH "
            "(or source = PATH in [data])"
        )
    try:
        folder = sources.prepare(data.name, source=data.source, progress=progress)
    except RuntimeError as error:  # not reachable; the message says what to do
        raise ValueError(str(error)) from error
    except ValueError as error:
        if "among the expected" not in str(error):
            raise
        raise ValueError(f"{error} Then name it: --set data.name=my_set.") from None
    return read_layout(folder, class_names=info.class_names if info else None)


def _usable(layout: Layout, data: DataConfig, progress: bool, remarks: list[str]) -> list[Record]:
    """Give the labelled pictures, without damaged ones if so wanted; what is left out is remarked."""
    records = [record for record in layout.records if record.label is not None]
    if not records:
        raise ValueError(
            f"{layout.root} holds {len(layout.records)} pictures but no labels; expected a folder per class"
        )
    if len(records) < len(layout.records):
        remarks.append(f"left out {len(layout.records) - len(records)} pictures without a label")
    if data.damaged == "stop":
        return records  # decoding them stops at the first one that is damaged
    report = scan([record.path for record in records], progress=progress)
    if report.bad:
        remarks.append(f"left out: {report.message()}")
    good = set(report.good)
    return [record for record in records if record.path in good]


def _hold_out(
    data: DataConfig,
    labels: Sequence[str],
    places: Sequence[str],
    groups: Sequence[str],
    free: Sequence[int],
    given: Sequence[str],
) -> list[str]:
    """Give the part of each of the `free` pictures; a part in `given` is not held out again."""
    arguments: dict[str, Any] = {"seed": data.split_seed}
    own_labels, own_places = [labels[i] for i in free], [places[i] for i in free]
    parts = ["train"] * len(free)
    rest = list(range(len(free)))
    fractions = {}
    if "val" not in given:
        fractions["val"] = data.val_fraction
    if data.num_folds:
        if "test" in given:
            raise ValueError("the set comes with a test part, so num_folds has to be 0 (or give its train/)")
        folds = kfold(own_labels, num_folds=data.num_folds, groups=groups, keys=own_places, **arguments)
        for position in folds[data.fold][1].tolist():
            parts[position] = "test"
        rest = folds[data.fold][0].tolist()
    elif "test" not in given:
        fractions["test"] = data.test_fraction
    fractions = {part: share for part, share in fractions.items() if share > 0}
    if fractions:
        dealt = stratified_split(
            [own_labels[i] for i in rest],
            fractions=(1 - sum(fractions.values()), *fractions.values()),
            groups=[groups[i] for i in rest],
            keys=[own_places[i] for i in rest],
            **arguments,
        )
        for part, positions in zip(("train", *fractions), dealt, strict=True):
            for position in positions.tolist():
                parts[rest[position]] = part
    return parts


def _leaks(digests: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Say how many pictures of the given parts are also training pictures."""
    trained = {digest for digest, part in zip(digests, parts, strict=True) if part == "train"}
    twice = sum(part != "train" and digest in trained for digest, part in zip(digests, parts, strict=True))
    if not twice:
        return []
    return [f"{twice} pictures of val or test are also in train, byte for byte: see `data audit`"]


def _capped(
    data: DataConfig, labels: Sequence[str], places: Sequence[str], parts: Sequence[str]
) -> list[int]:
    """Give the places of the pictures to use: all, or about `max_images` of each part, stratified."""
    kept: list[int] = []
    for part in SPLITS:
        own = [position for position, name in enumerate(parts) if name == part]
        if 0 < data.max_images < len(own):
            share = data.max_images / len(own)
            chosen = stratified_split(
                [labels[i] for i in own],
                fractions=(share, 1 - share),
                seed=data.split_seed,
                keys=[places[i] for i in own],
                rare="train",
            )[0]
            own = [own[position] for position in chosen.tolist()]
        kept += own
    return sorted(kept)
