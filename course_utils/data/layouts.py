"""From a folder to labelled pictures, whatever way the folder says what its pictures show.

Known are class folders (`cat/1.jpg`), split folders (`train/cat/1.jpg`, `val/...`, `test/...`), names that
start with the class number (`3_127.jpg`), and pictures without labels; splits may differ in kind (labelled
`train`, unlabelled `test`). Labels are names, never numbers, so no order of folders can shift them. What is
left out is said in `remarks`. See `notebooks/02_dataset_splitting`.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.data.class_names import match_class_names
from course_utils.data.layout_part import PREFIX, Kind, Part, Record
from course_utils.data.listing import Listing, check_case, natural_key, walk

__all__ = ["FACTS_NAME", "SPLIT_NAMES", "Kind", "Layout", "Record", "read_layout", "records"]
FACTS_NAME = "dataset.json"  # what `sources.prepare` writes beside the pictures it makes
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "train_images", "trainset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "val_images", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "evaluation", "eval", "test_images", "testset"), "test"),
}


@dataclass(frozen=True)
class Layout:
    """What a folder holds. `root` is the folder itself, or the one in it that everything lies in."""

    kind: Kind
    root: Path
    records: list[Record]
    class_names: tuple[str, ...]  # those found, in natural order; those given, when names were given
    splits: tuple[str, ...] = ()  # () for a set that is not split
    remarks: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures by split ("all" without splits) and class ("" without label)."""
        table: dict[str, dict[str, int]] = {}
        for split in self.splits or ("all",):
            found = Counter(r.label or "" for r in self.records if (r.split or "all") == split)
            names = self.class_names if set(found) - {""} else ()
            table[split] = {name: found[name] for name in (*names, *([""] if "" in found else []))}
        return table


def records(
    path: str | Path, *, class_names: Sequence[str] | None = None, kind: Kind | None = None
) -> list[Record]:
    """Give every picture below `path` with its label and split; arguments and errors as in `read_layout`."""
    return read_layout(path, class_names=class_names, kind=kind).records


def read_layout(
    path: str | Path, *, class_names: Sequence[str] | None = None, kind: Kind | None = None
) -> Layout:
    """Find out how the folder `path` is arranged and list its pictures in natural order.

    `class_names` gives the names behind class numbers and checks folder names against them; without it the
    folder's own `dataset.json` counts, if there is one. `kind="unlabelled"` ignores what names seem to say.
    Raises ValueError (with the file or folder in it) when there is no picture, a name does not fit its
    neighbours, class names differ only in case or are not among the given ones, or splits and other folders
    are mixed.
    """
    listing = walk(path)
    if not listing.images:
        raise ValueError(_nothing_there(listing))
    root = _unwrap(listing)
    remarks = listing.remarks()
    names = class_names if class_names is not None else _stored_class_names(root)
    parts = _split_parts(listing, root, remarks) if kind is None or kind == "split_folders" else {}
    if kind == "split_folders" and not parts:
        raise ValueError(f"{root} holds no split folders; expected folders named train, val or test")
    kinds: dict[str | None, Kind] = {}
    found: list[Record] = []
    empty: set[str] = set()
    for split, folder in (parts or {None: root}).items():
        reader = Part(listing, folder, split, remarks)
        kinds[split] = reader.kind(kind if kind != "split_folders" else None)
        found += reader.records(kinds[split])
        empty |= reader.empty_classes if kinds[split] == "class_folders" else set()
    found = _without_dummy_class(found, kinds, remarks)
    found, ordered = _name_classes(found, empty, names, kinds, root, remarks)
    return Layout(
        kind=_overall(kinds, bool(parts)),
        root=root,
        records=found,
        class_names=ordered,
        splits=tuple(split for split in parts if split),
        remarks=remarks,
    )


def _unwrap(listing: Listing) -> Path:
    """Go down while a folder holds one folder and nothing else, as unpacked archives do."""
    root = listing.folder
    while True:
        inside = [path for path in listing.folders if path.parent == root]
        if len(inside) != 1 or any(path.parent == root for path in listing.images):
            return root
        only = inside[0]
        flat = all(path.parent == only for path in listing.images)
        if only.name.casefold() in SPLIT_NAMES:
            return root
        if flat and not all(PREFIX.fullmatch(path.stem) for path in listing.images):
            return root  # a set of one class, rather than a wrapper
        root = only


def _split_parts(listing: Listing, root: Path, remarks: list[str]) -> dict[str | None, Path]:
    """Give the folder of each split that holds pictures, train first; {} when the set is not split."""
    holders = {root / path.relative_to(root).parts[0] for path in listing.images if path.parent != root}
    named = sorted(folder for folder in holders if folder.name.casefold() in SPLIT_NAMES)
    others = sorted(holders - set(named))
    if not named:
        return {}
    if others:
        if not any(SPLIT_NAMES[folder.name.casefold()] == "train" for folder in named):
            return {}  # classes that happen to be called so
        raise ValueError(
            f"{root} mixes split folders ({', '.join(f.name for f in named)}) with others that hold pictures "
            f"({', '.join(f.name for f in others)}). Give the folder of one of them, or move the others away."
        )
    parts: dict[str | None, Path] = {}
    for folder in named:
        split = SPLIT_NAMES[folder.name.casefold()]
        if split in parts:
            raise ValueError(
                f"{root}: {parts[split].name} and {folder.name} both mean {split!r}; keep one of them"
            )
        parts[split] = folder
    loose = [path for path in listing.images if path.parent == root]
    if loose:
        remarks.append(f"left out {len(loose)} pictures beside the split folders, such as {loose[0].name}")
    return {split: parts[split] for split in ("train", "val", "test") if split in parts}


def _without_dummy_class(
    found: list[Record], kinds: dict[str | None, Kind], remarks: list[str]
) -> list[Record]:
    """Take a test split in one folder that is no class of `train` as unlabelled (an ImageFolder habit)."""
    known = {record.label for record in found if record.split == "train"}
    dummy = {record.label for record in found if record.split == "test"}
    if "train" not in kinds or kinds.get("test") != "class_folders" or len(dummy) != 1 or dummy <= known:
        return found
    remarks.append(
        f"the pictures in test/{next(iter(dummy))} are taken as unlabelled: no such class in train"
    )
    kinds["test"] = "unlabelled"
    return [Record(r.path, None, r.split, r.id) if r.split == "test" else r for r in found]


def _name_classes(
    found: list[Record],
    empty: set[str],
    given: Sequence[str] | None,
    kinds: dict[str | None, Kind],
    root: Path,
    remarks: list[str],
) -> tuple[list[Record], tuple[str, ...]]:
    """Give the records with their final labels, and the class names in order."""
    labels = {record.label for record in found if record.label is not None} | empty
    check_case(labels, where=str(root))
    if given is not None and labels:
        spelling = match_class_names(sorted(labels, key=natural_key), given, where=str(root))
        for record in found:
            if record.label is not None and record.label not in spelling:
                raise ValueError(
                    f"{record.path}: class number {record.label}; expected 0 to {len(given) - 1} "
                    f"for the {len(given)} classes"
                )
        found = [Record(r.path, spelling.get(r.label or ""), r.split, r.id) for r in found]
        ordered = tuple(given)
    else:
        ordered = tuple(sorted(labels, key=lambda name: (natural_key(name), name)))
    for split in kinds:
        here = {record.label for record in found if record.split == split} - {None}
        if split in ("val", "test") and "train" in kinds and here:
            learnt = {record.label for record in found if record.split == "train"}
            extra = sorted(str(name) for name in here - learnt)
            if extra and learnt - {None}:
                remarks.append(f"{split} holds classes that train lacks: {', '.join(extra)}")
    return found, ordered


def _overall(kinds: dict[str | None, Kind], is_split: bool) -> Kind:
    labelled = [kind for kind in kinds.values() if kind != "unlabelled"]
    if not labelled:
        return "unlabelled"
    return "split_folders" if is_split and "class_folders" in labelled else labelled[0]


def _stored_class_names(root: Path) -> list[str] | None:
    facts = root / FACTS_NAME
    if not facts.is_file():
        return None
    try:
        names = json.loads(facts.read_text(encoding="utf-8")).get("class_names")
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{facts} is no valid JSON object ({error}); remove it or prepare the set again"
        ) from None
    return [str(name) for name in names] if isinstance(names, list) else None


def _nothing_there(listing: Listing) -> str:
    text = f"{listing.folder} holds no pictures"
    if listing.remarks():
        text += f" ({'; '.join(listing.remarks())})"
    if any(listing.folder.rglob("*idx3-ubyte*")):
        return (
            text + ". It holds idx files: `data prepare digits --source THIS_FOLDER` makes pictures of them."
        )
    if {".zip", ".gz", ".tar", ".tgz"} & set(listing.left_out):
        return text + ". Give one of its archives as source, or unpack them first."
    return text
