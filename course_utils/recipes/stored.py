"""What a run's folder says of its pictures: `split.csv` with every picture, `data.json` with the rest.

A resumed run has to see the pictures it started with; an evaluation those that were held out then.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from course_utils.data.datasets import PictureSet
from course_utils.data.eval_transform import EvalTransform
from course_utils.data.manifest import Manifest, Row
from course_utils.recipes.plan import Plan
from course_utils.runs import RunFolder

_NEEDED = ("fingerprint", "root", "class_names", "transform")


def write_facts(run: RunFolder, plan: Plan, transform: EvalTransform) -> None:
    """Write split.csv, split.json and data.json into the folder of `run`."""
    plan.manifest.write(run.path / "split.csv")
    facts = {
        "fingerprint": plan.fingerprint,
        "root": str(plan.root.resolve()),
        "class_names": list(plan.manifest.class_names),
        "counts": plan.manifest.counts(),
        "transform": transform.as_dict(),
        "remarks": list(plan.remarks),
    }
    run.write_json("data.json", facts)


def read_facts(run: RunFolder) -> dict[str, Any]:
    """Give data.json of `run`; ValueError when it is missing or damaged."""
    path = run.path / "data.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in _NEEDED if key not in facts]
    except FileNotFoundError:
        raise ValueError(
            f"{run.path} has no data.json: it is no run of a recipe, or it never began"
        ) from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Train again.") from None
    if missing:
        raise ValueError(f"{path} is damaged: it lacks {', '.join(missing)}. Train again.")
    return facts


def read_plan(run: RunFolder, *, root: str | Path | None = None, verify: bool = True) -> Plan:
    """Give the plan that `run` started with; `root` is where its pictures lie now, if they were moved.

    With `verify` every picture is read and compared. ValueError when they, or the split, are not the same.
    """
    facts = read_facts(run)
    plan = Plan(Path(root or facts["root"]), Manifest.read(run.path / "split.csv"))
    if plan.fingerprint != facts["fingerprint"]:
        raise ValueError(
            f"{run.path / 'split.csv'} was changed since the run started: its fingerprint is "
            f"{plan.fingerprint[:12]}, expected {facts['fingerprint'][:12]}. Restore it, or start a new run."
        )
    if not plan.root.is_dir():
        raise ValueError(f"the pictures of this run are no longer at {plan.root}; give --data PATH")
    if verify:
        try:
            plan.manifest.verify(plan.root)
        except ValueError as error:
            raise ValueError(f"these are not the pictures that the run started with: {error}") from None
    return replace(plan, remarks=tuple(facts.get("remarks", ())))


def picture_set(
    rows: Sequence[Row], root: Path, class_names: Sequence[str], rule: dict[str, Any]
) -> PictureSet:
    """Give the pictures of manifest `rows`, read by `rule`; their ids are their paths from `root` on."""
    place = {name: position for position, name in enumerate(class_names)}
    return PictureSet(
        [root / row.path for row in rows],
        [place[row.label] for row in rows],
        [row.path for row in rows],
        class_names=class_names,
        **rule,
    )
