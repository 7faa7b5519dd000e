"""The blank sheet of `notebooks/17_your_own_images`, second: a split of the reader's own pictures.

The check opens the files: a copy, or a second shot, on two sides is found by looking, not by its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course_utils.checks.assertions import same_type
from course_utils.checks.blank_sheet import folder_of, needs_keys
from course_utils.checks.exercise import Exercise, Verdict, Wrong
from course_utils.data import duplicates
from course_utils.data.layouts import read_layout
from course_utils.data.scan import scan

_PARTS = ("train", "val", "test")


def _verify_split(answer: Any) -> Verdict:
    needs_keys(answer, ("folder", *_PARTS), "own_split")
    folder = folder_of(answer, "own_split")
    part_of: dict[Path, str] = {}
    for part in _PARTS:
        same_type(answer[part], (list, tuple), what=f"own_split[{part!r}]")
        for name in answer[part]:
            path = folder / str(name)
            if not path.is_file():
                raise Wrong(
                    f"{part} names {str(name)!r}, which is no file below the folder; write paths from the "
                    "folder on"
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
                "examined"
            )
    report = scan(list(part_of), num_workers=1)
    if report.bad:
        raise Wrong(f"{report.bad[0][0].name} cannot be read ({report.bad[0][1]}); leave it out")
    groups = duplicates.near_duplicate_groups(list(part_of), num_workers=1)
    torn = [group for group in groups if len({part_of[path] for path in group.paths}) > 1]
    if torn:
        first, second = torn[0].paths[:2]
        kind = "the same picture" if torn[0].distance == 0 else "nearly the same picture"
        raise Wrong(
            f"{first.name} ({part_of[first]}) and {second.name} ({part_of[second]}) show {kind}; copies "
            "stay on one "
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
        found = near_duplicate_groups([folder / path for path in paths], num_workers=1)
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
