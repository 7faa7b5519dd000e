"""The blank sheet of `notebooks/17_your_own_images`, first half: which pictures, and how they are split.

Unlike other exercises these judge the reader's own files: the answer says where they lie and what was decided
about them, and the check opens them. `example_folder` makes a tiny set with faults, for solutions and tests.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from course_utils import files
from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong
from course_utils.data import duplicates
from course_utils.data.layouts import read_layout
from course_utils.data.scan import scan

_PARTS = ("train", "val", "test")


def example_folder(seed: int = 0) -> Path:
    """A folder of two classes with ten small pictures each, in the system's temporary folder.

    Among them are a broken file (`apple/broken.jpg`), a copy (`apple/a0 (1).png`), a second shot
    (`pear/p0b.png`), and a picture that lies in both classes (`apple/both.png`, `pear/both.png`).
    """
    folder = Path(tempfile.mkdtemp(prefix="course-sheet-"))
    generator = np.random.default_rng(seed)
    for name, start in (("apple", "a"), ("pear", "p")):
        (folder / name).mkdir()
        for number in range(10):
            coarse = generator.integers(0, 230, size=(6, 6, 3)).astype(np.uint8)
            Image.fromarray(coarse).resize((48, 48)).save(folder / name / f"{start}{number}.png")
    (folder / "apple" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "apple" / "a0 (1).png").write_bytes((folder / "apple" / "a0.png").read_bytes())
    with Image.open(folder / "pear" / "p0.png") as first:
        first.point(lambda value: min(255, value + 6)).save(folder / "pear" / "p0b.png")
    both = generator.integers(0, 230, size=(6, 6, 3)).astype(np.uint8)
    for name in ("apple", "pear"):
        Image.fromarray(both).resize((48, 48)).save(folder / name / "both.png")
    return folder


def _folder_of(answer: dict[str, Any], what: str) -> Path:
    same_type(answer["folder"], (str, Path), what=f"{what}['folder']")
    folder = Path(answer["folder"]).expanduser()
    if not folder.is_dir():
        raise Wrong(
            f"there is no folder {folder.name!r}; give the path of the folder that holds the class folders"
        )
    return folder


def _needs_keys(answer: Any, keys: tuple[str, ...], what: str) -> None:
    same_type(answer, dict, what=what)
    if missing := [key for key in keys if key not in answer]:
        raise Wrong(f"{what} lacks {', '.join(missing)}; it needs {', '.join(keys)}")


def _verify_folder(answer: Any) -> Verdict:
    _needs_keys(answer, ("folder", "left_out"), "own_folder")
    folder = _folder_of(answer, "own_folder")
    same_type(answer["left_out"], dict, what="own_folder['left_out']")
    layout = read_layout(folder)
    place = {record.path.relative_to(layout.root).as_posix(): record for record in layout.records}
    left_out = {str(path) for path in answer["left_out"]}
    if unknown := sorted(left_out - set(place)):
        raise Wrong(
            f"left_out names {unknown[0]!r}, which is no picture below the folder; write paths from the "
            f"folder on, with /"
        )
    if silent := [path for path, reason in answer["left_out"].items() if not str(reason).strip()]:
        raise Wrong(f"say why {silent[0]} is left out; in a month nobody knows")
    if unlabelled := [
        path for path, record in place.items() if record.label is None and path not in left_out
    ]:
        raise Wrong(f"{unlabelled[0]} has no label; expected a folder for each class")
    kept = {path: record for path, record in place.items() if path not in left_out}
    report = scan([record.path for record in kept.values()], workers=1)
    if report.bad:
        first, reason = report.bad[0]
        raise Wrong(
            f"{len(report.bad)} pictures that you keep cannot be read; the first, {first.name}: {reason}"
        )
    labels_of = defaultdict(set)
    for record in kept.values():
        labels_of[files.sha256_file(record.path)].add((record.label, record.path.name))
    for copies in labels_of.values():
        if len({label for label, _ in copies}) > 1:
            names = " and ".join(f"{label}/{name}" for label, name in sorted(copies, key=str))
            raise Wrong(
                f"{names} are the same picture under two labels; leave both out, or find out which is right"
            )
    counts = {name: sum(record.label == name for record in kept.values()) for name in layout.class_names}
    small = min(counts, key=counts.__getitem__)
    if len(counts) < 2 or counts[small] < 3:
        raise Wrong(
            f"the class {small!r} keeps {counts[small]} pictures of {len(counts)} class(es); at least two "
            f"classes of three are needed to train, choose and test"
        )
    if len(left_out) > 0.5 * len(place):
        raise Wrong(f"{len(left_out)} of {len(place)} pictures are left out; what remains is another set")
    return Verdict(
        "correct",
        f"{len(kept)} pictures in {len(counts)} classes can be used, {len(left_out)} are left out with a "
        f"reason.",
    )


own_folder = Exercise(
    name="own_folder",
    question=(
        "Look through your folder, and give a dictionary `own_folder`: `folder`, where the class folders "
        "lie, and "
        "`left_out`, a dictionary from the path of each picture that you will not use (from the folder "
        "on) to the "
        "reason. What you keep has to be readable, and no picture may have two labels."
    ),
    verify=_verify_folder,
    hint_text=(
        "`scan([...]).bad` lists what cannot be read, with reasons. `audit(folder)` lists copies: those with "
        "`.conflicts` lie under two labels."
    ),
    solution_source="""
        from course_utils.checks.blank_sheet import example_folder
        from course_utils.data.audit import audit

        folder = example_folder()  # your own folder here
        report = audit(folder, workers=1)
        left_out = {damaged.path: damaged.reason for damaged in report.damaged}
        for copies in report.copies:
            if copies.conflicts:
                left_out |= {path: "the same picture has two labels" for path in copies.paths}
        own_folder = {"folder": folder, "left_out": left_out}
    """,
    wrong_answers={
        "cannot be read": """
            from course_utils.checks.blank_sheet import example_folder

            own_folder = {"folder": example_folder(), "left_out": {}}
        """,
        "under two labels": """
            from course_utils.checks.blank_sheet import example_folder

            own_folder = {"folder": example_folder(), "left_out": {"apple/broken.jpg": "broken"}}
        """,
        "say why": """
            from course_utils.checks.blank_sheet import example_folder

            own_folder = {"folder": example_folder(), "left_out": {"apple/broken.jpg": ""}}
        """,
        "no picture below": """
            from course_utils.checks.blank_sheet import example_folder

            own_folder = {"folder": example_folder(), "left_out": {"broken.jpg": "broken"}}
        """,
    },
    other_right_answers=[
        """
        from course_utils.checks.blank_sheet import example_folder

        own_folder = {
            "folder": str(example_folder(1)),
            "left_out": {"apple/broken.jpg": "cut off", "pear/both.png": "it is an apple"},
        }
        """,
        """
        from course_utils.checks.blank_sheet import example_folder
        from course_utils.data.images import list_images
        from course_utils.data.scan import scan

        folder = example_folder(2)
        bad = scan(list_images(folder), workers=1).bad
        left_out = {path.relative_to(folder).as_posix(): why for path, why in bad}
        left_out["apple/both.png"] = left_out["pear/both.png"] = "two labels"
        own_folder = {"folder": folder, "left_out": left_out}
        """,
    ],
)


def _verify_split(answer: Any) -> Verdict:
    _needs_keys(answer, ("folder", *_PARTS), "own_split")
    folder = _folder_of(answer, "own_split")
    part_of: dict[Path, str] = {}
    for part in _PARTS:
        same_type(answer[part], (list, tuple), what=f"own_split[{part!r}]")
        for name in answer[part]:
            path = folder / str(name)
            if not path.is_file():
                raise Wrong(
                    f"{part} names {str(name)!r}, which is no file below the folder; write paths from the "
                    f"folder on"
                )
            if path in part_of:
                raise Wrong(f"{name} is in {part_of[path]} and in {part}; a picture has one part")
            part_of[path] = part
    label_of = {record.path.resolve(): record.label for record in read_layout(folder).records}
    labels = {path: label_of.get(path.resolve()) for path in part_of}
    for part in _PARTS:
        here = {labels[path] for path in part_of if part_of[path] == part}
        if missing := sorted(str(name) for name in set(labels.values()) - here):
            raise Wrong(
                f"{part} has no picture of {missing[0]!r}: what is not there cannot be learnt, or not be "
                f"examined"
            )
    report = scan(list(part_of), workers=1)
    if report.bad:
        raise Wrong(f"{report.bad[0][0].name} cannot be read ({report.bad[0][1]}); leave it out")
    groups = duplicates.near_duplicate_groups(list(part_of), workers=1)
    torn = [group for group in groups if len({part_of[path] for path in group.paths}) > 1]
    if torn:
        first, second = torn[0].paths[:2]
        kind = "the same picture" if torn[0].distance == 0 else "nearly the same picture"
        raise Wrong(
            f"{first.name} ({part_of[first]}) and {second.name} ({part_of[second]}) show {kind}; copies "
            f"stay on one "
            "side, or the test asks for memory"
        )
    sizes = {part: sum(one == part for one in part_of.values()) for part in _PARTS}
    if sizes["train"] < len(part_of) / 2:
        raise Wrong(
            f"train has {sizes['train']} of {len(part_of)} pictures; learn from more than half of them"
        )
    return Verdict(
        "correct", f"{sizes['train']} train, {sizes['val']} val, {sizes['test']} test; no copy on two sides."
    )


own_split = Exercise(
    name="own_split",
    question=(
        "Split your pictures: a dictionary `own_split` with `folder`, and the lists `train`, `val` and "
        "`test` of "
        "paths from the folder on. Every class in every part, more than half in train, and copies, near "
        "ones too, "
        "on one side."
    ),
    verify=_verify_split,
    hint_text=(
        "`duplicates.near_duplicate_groups` and `group_names` give each picture the name of its group; "
        "`splits.stratified_split(labels, fractions=..., seed=..., groups=...)` keeps groups together."
    ),
    solution_source="""
        from course_utils.checks.blank_sheet import example_folder
        from course_utils.data.duplicates import group_names, near_duplicate_groups
        from course_utils.data.layouts import read_layout
        from course_utils.data.splits import stratified_split

        folder = example_folder()  # your own folder here
        left_out = {"apple/broken.jpg", "apple/both.png", "pear/both.png"}  # as you decided before
        records = [
            (record.path.relative_to(folder).as_posix(), record.label)
            for record in read_layout(folder).records
        ]
        paths = [path for path, label in records if path not in left_out]
        labels = [label for path, label in records if path not in left_out]
        found = near_duplicate_groups([folder / path for path in paths], workers=1)
        groups = group_names([folder / path for path in paths], found, paths)
        parts = stratified_split(labels, fractions=(0.6, 0.2, 0.2), seed=42, groups=groups, keys=paths)
        own_split = {"folder": folder} | {
            name: [paths[position] for position in rows]
            for name, rows in zip(("train", "val", "test"), parts)
        }
    """,
    wrong_answers={
        "copies stay on one side": """
            from course_utils.checks.blank_sheet import example_folder

            apple, pear = [f"apple/a{i}.png" for i in range(10)], [f"pear/p{i}.png" for i in range(10)]
            own_split = {"folder": example_folder(), "train": apple[:6] + pear[:6],
                         "val": apple[6:8] + pear[6:8],
                         "test": apple[8:] + pear[8:] + ["apple/a0 (1).png"]}
        """,
        "not be examined": """
            from course_utils.checks.blank_sheet import example_folder

            apple, pear = [f"apple/a{i}.png" for i in range(10)], [f"pear/p{i}.png" for i in range(10)]
            own_split = {"folder": example_folder(), "train": apple[:8] + pear[:6],
                         "val": apple[8:] + pear[6:8],
                         "test": pear[8:]}
        """,
        "a picture has one part": """
            from course_utils.checks.blank_sheet import example_folder

            apple, pear = [f"apple/a{i}.png" for i in range(10)], [f"pear/p{i}.png" for i in range(10)]
            own_split = {"folder": example_folder(), "train": apple[:6] + pear[:6],
                         "val": apple[6:8] + pear[6:8], "test": apple[7:] + pear[7:]}
        """,
        "cannot be read": """
            from course_utils.checks.blank_sheet import example_folder

            apple, pear = [f"apple/a{i}.png" for i in range(10)], [f"pear/p{i}.png" for i in range(10)]
            own_split = {"folder": example_folder(), "train": apple[:6] + pear[:6] + ["apple/broken.jpg"],
                         "val": apple[6:8] + pear[6:8], "test": apple[8:] + pear[8:]}
        """,
    },
    other_right_answers=[
        """
        from course_utils.checks.blank_sheet import example_folder

        apple, pear = [f"apple/a{i}.png" for i in range(10)], [f"pear/p{i}.png" for i in range(10)]
        own_split = {"folder": str(example_folder()), "train": apple[:6] + pear[:6] + ["pear/p0b.png"],
                     "val": apple[6:8] + pear[6:8], "test": apple[8:] + pear[8:]}
        """,
        """
        from course_utils.checks.blank_sheet import example_folder

        apple, pear = [f"apple/a{i}.png" for i in range(10)], [f"pear/p{i}.png" for i in range(10)]
        own_split = {"folder": example_folder(3), "train": tuple(apple[3:] + pear[3:]),
                     "val": ("apple/a1.png", "pear/p1.png"), "test": ("apple/a2.png", "pear/p2.png")}
        """,
    ],
)
