"""`evaluate`: figures of trained runs on their held-out pictures, or on any labelled folder."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.cli.shared import add_device, find_run

if TYPE_CHECKING:
    from course_utils.recipes.evaluating import Members


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    evaluate = subparsers.add_parser(
        "evaluate",
        parents=[common],
        help="measure a trained run, or several together, on the test part or on any labelled folder",
        description="Writes report.json, report.html, predictions.csv and confusion.png. Classes are matched "
        "by name; a folder may hold some of them only. Several runs answer together: their probabilities are "
        "averaged. Then they have to hold out the same pictures.",
        epilog="Example: python -m course_utils evaluate digits_mobilenetv3_small --views five_crops "
        "--temperature --compare digits_mobilenetv3_large",
    )
    evaluate.add_argument("runs", nargs="+", metavar="RUN", help="a run's folder, or its name in runs/")
    evaluate.add_argument("--data", metavar="PATH", help="a labelled folder; default: the run's own pictures")
    evaluate.add_argument(
        "--part",
        choices=("train", "val", "test"),
        help="default: test (val, if the run has no test part); of a folder all labelled pictures",
    )
    evaluate.add_argument(
        "--views",
        metavar="NAME",
        help="average over views of each picture: flips, turns, eight, five_crops, ten_crops, or single ones "
        "such as crop_centre; the compared run gets the same",
    )
    evaluate.add_argument(
        "--temperature",
        action="store_true",
        help="divide the logits by a temperature that is fitted on the validation part",
    )
    evaluate.add_argument(
        "--compare", metavar="RUN2", help="test the difference to another run, picture by picture (McNemar)"
    )
    evaluate.add_argument(
        "--output", metavar="FOLDER", help="default: evaluation_... in the folder of the (first) run"
    )
    add_device(evaluate)
    evaluate.set_defaults(function=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from course_utils import runtime
    from course_utils.evaluation.slices import picture_columns
    from course_utils.recipes import reporting
    from course_utils.recipes.evaluating import PLAIN, Members, check_views, open_named, ways_of

    check_views(options.views)
    device = runtime.select_device(options.device)
    paths = [find_run(text) for text in [*options.runs, *([options.compare] if options.compare else [])]]
    opened = open_named(paths, device=device)
    asked = {"data": options.data, "device": device, "progress": not options.quiet}
    names = list(opened)
    members = Members({name: opened[name] for name in names[: len(options.runs)]}, part=options.part, **asked)
    views = options.views or PLAIN
    temperature = members.temperature(views) if options.temperature else None
    compare = {
        name: Members({name: opened[name]}, part=members.part, **asked).alone(name, views)
        for name in names[len(options.runs) :]
    }
    ways = ways_of(members, views=options.views, temperature=temperature)
    pictures = members.pictures(members.first)
    part = members.part or Path(options.data).resolve().name
    folder = Path(options.output) if options.output else _folder(members, part, options.views)
    report = reporting.write_report(
        folder,
        members.together(views),
        name=" + ".join(members.runs),
        part=part,
        about=_about(members, part, options.views),
        paths=pictures.paths,
        facts=picture_columns(pictures.paths),
        temperature=temperature,
        compare=compare,
        ways=ways if len(ways) > 1 else None,
    )
    print(_table(report["summary"]["per_class"]))
    print(reporting.in_words(report))
    for line in reporting.further_words(report):
        print(line)
    print(f"report: {folder / 'report.html'}")
    return 0


def _folder(members: "Members", part: str, views: str | None) -> Path:
    """Give the folder in the first run's that is named by what was asked, so that no report hides another."""
    several = f"_ensemble_of_{len(members.runs)}" if len(members.runs) > 1 else ""
    viewed = f"_{views}" if views else ""
    return members.runs[members.first].run.path / f"evaluation_{part}{several}{viewed}"


def _about(members: "Members", part: str, views: str | None) -> dict[str, str]:
    networks = dict.fromkeys(run.recipe.model.name for run in members.runs.values())
    about = {"network": ", ".join(networks), "part": part}
    if len(members.runs) > 1:
        about["ensemble"] = f"mean of the probabilities of {', '.join(members.runs)}"
    if views:
        about["views"] = f"mean of the probabilities over {views}"
    return about


def _table(rows: list[dict[str, Any]]) -> str:
    width = max(len("class"), *(len(row["class"]) for row in rows))
    lines = [f"{'class':<{width}}  precision  recall      f1  pictures"]
    for row in rows:
        lines.append(
            f"{row['class']:<{width}}  {row['precision']:>9.4f}  {row['recall']:.4f}  {row['f1']:.4f}  "
            f"{row['num_images']:>8,}"
        )
    return "\n".join(lines)
