"""`evaluate`: figures of a trained run on its held-out pictures, or on any labelled folder."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.cli.train import find_run

if TYPE_CHECKING:
    from course_utils.data.datasets import PictureSet
    from course_utils.recipes.opening import OpenedRun


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    evaluate = subparsers.add_parser(
        "evaluate",
        parents=[common],
        help="measure a trained run on its own test part, or on any labelled folder",
        description="Writes report.json, report.html, predictions.csv and confusion.png. Classes are matched "
        "by name; a folder may hold some of them only.",
        epilog="Example: python -m course_utils evaluate runs/digits_mobilenetv3_small --data ~/my_digits",
    )
    evaluate.add_argument("run", metavar="RUN", help="the run's folder, or its name in runs/")
    evaluate.add_argument("--data", metavar="PATH", help="a labelled folder; default: the run's own pictures")
    evaluate.add_argument(
        "--part",
        choices=("train", "val", "test"),
        help="default: test (val, if the run has no test part); of a folder all labelled pictures",
    )
    evaluate.add_argument("--out", metavar="FOLDER", help="default: evaluation_... in the run's folder")
    evaluate.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    evaluate.add_argument("--quiet", action="store_true", help="no progress bar")
    evaluate.set_defaults(function=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from course_utils import runtime
    from course_utils.evaluation.predict import predict
    from course_utils.evaluation.slices import picture_columns
    from course_utils.recipes import open_run, reporting

    device = runtime.select_device(options.device)
    opened = open_run(find_run(options.run), device=device)
    pictures, part = _pictures(opened, options.data, options.part)
    predictions = predict(opened.model, opened.batches(pictures), device=device, progress=not options.quiet)
    folder = Path(options.out) if options.out else opened.run.path / f"evaluation_{part}"
    report = reporting.write_report(
        folder,
        predictions,
        name=opened.run.path.name,
        part=part,
        about={"network": opened.recipe.model.name, "part": part},
        paths=pictures.paths,
        facts=picture_columns(pictures.paths),
    )
    print(_table(report["summary"]["per_class"]))
    print(reporting.in_words(report))
    print(f"report: {folder / 'report.html'}")
    return 0


def _pictures(opened: "OpenedRun", data: str | None, part: str | None) -> "tuple[PictureSet, str]":
    """Give the pictures to measure on, and what to call them."""
    if data is None:
        from course_utils.recipes.stored import read_plan

        parts = read_plan(opened.run, verify=False).manifest.splits
        chosen = part or ("test" if "test" in parts else "val" if "val" in parts else "test")
        return opened.pictures(chosen), chosen
    return opened.labelled_folder(data, part=part), part or Path(data).resolve().name


def _table(rows: list[dict[str, Any]]) -> str:
    width = max(len("class"), *(len(row["class"]) for row in rows))
    lines = [f"{'class':<{width}}  precision  recall      f1  pictures"]
    for row in rows:
        lines.append(
            f"{row['class']:<{width}}  {row['precision']:>9.4f}  {row['recall']:.4f}  {row['f1']:.4f}  "
            f"{row['num_images']:>8,}"
        )
    return "\n".join(lines)
