"""The blank sheet of `notebooks/17_your_own_images`, first: which pictures are used, and which are not.

Unlike other exercises these judge the reader's own files: the answer says where they lie and what was decided
about them, and the check opens them. `example_folder` makes a tiny set with faults, for solutions and tests.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from course_utils import files
from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong
from course_utils.data.layouts import read_layout
from course_utils.data.scan import scan


def temporary_folder() -> Path:
    """A new folder in the system's temporary folder; it goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="course-sheet-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def example_folder(seed: int = 0) -> Path:
    """A folder of two classes with ten small pictures each, which goes when this process ends.

    Among them are a broken file (`apple/broken.jpg`), a copy (`apple/a0 (1).png`), a second shot
    (`pear/p0b.png`), and a picture that lies in both classes (`apple/both.png`, `pear/both.png`).
    """
    folder = temporary_folder()
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


def folder_of(answer: dict[str, Any], what: str) -> Path:
    """The folder that an answer names; Wrong if it is not there."""
    same_type(answer["folder"], (str, Path), what=f"{what}['folder']")
    folder = Path(answer["folder"]).expanduser()
    if not folder.is_dir():
        raise Wrong(
            f"there is no folder {folder.name!r}; give the path of the folder that holds the class folders"
        )
    return folder


def needs_keys(answer: Any, keys: tuple[str, ...], what: str) -> None:
    """Pass if the answer is a dictionary with these keys, else Wrong."""
    same_type(answer, dict, what=what)
    if missing := [key for key in keys if key not in answer]:
        raise Wrong(f"{what} lacks {', '.join(missing)}; it needs {', '.join(keys)}")


def _verify_folder(answer: Any) -> Verdict:
    needs_keys(answer, ("folder", "left_out"), "own_folder")
    folder = folder_of(answer, "own_folder")
    same_type(answer["left_out"], dict, what="own_folder['left_out']")
    layout = read_layout(folder)
    place = {record.path.relative_to(layout.root).as_posix(): record for record in layout.records}
    left_out = {str(path) for path in answer["left_out"]}
    if unknown := sorted(left_out - set(place)):
        raise Wrong(
            f"left_out names {unknown[0]!r}, which is no picture below the folder; write paths from the "
            "folder on, with /"
        )
    if silent := [path for path, reason in answer["left_out"].items() if not str(reason).strip()]:
        raise Wrong(f"say why {silent[0]} is left out; in a month nobody knows")
    if unlabelled := [
        path for path, record in place.items() if record.label is None and path not in left_out
    ]:
        raise Wrong(f"{unlabelled[0]} has no label; expected a folder for each class")
    kept = {path: record for path, record in place.items() if path not in left_out}
    report = scan([record.path for record in kept.values()], num_workers=1)
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
            "classes of three are needed to train, choose and test"
        )
    if len(left_out) > 0.5 * len(place):
        raise Wrong(f"{len(left_out)} of {len(place)} pictures are left out; what remains is another set")
    return Verdict(
        "correct",
        f"{len(kept)} pictures in {len(counts)} classes can be used, {len(left_out)} are left out with a "
        "reason.",
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
        report = audit(folder, num_workers=1)
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
        bad = scan(list_images(folder), num_workers=1).bad
        left_out = {path.relative_to(folder).as_posix(): why for path, why in bad}
        left_out["apple/both.png"] = left_out["pear/both.png"] = "two labels"
        own_folder = {"folder": folder, "left_out": left_out}
        """,
    ],
)
