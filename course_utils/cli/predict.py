"""`predict`: what a trained run says of a picture, or of a folder of them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.cli.shared import add_device, find_run

if TYPE_CHECKING:
    from course_utils.recipes.opening import OpenedRun


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    predict = subparsers.add_parser(
        "predict",
        parents=[common],
        help="name the class of a picture (a copy with the answer drawn on it), or of a folder (a csv)",
        description="Needs the run's folder alone: no training data, no network, no GPU.",
        epilog="Example: python -m course_utils predict runs/satellite_resnet34 a.jpg --output answer.png",
    )
    predict.add_argument("run", metavar="RUN", help="the run's folder, or its name in runs/")
    predict.add_argument("path", nargs="?", metavar="PICTURE|FOLDER", help="what to look at")
    predict.add_argument("--input", metavar="PICTURE|FOLDER", help="the same as the second argument")
    predict.add_argument(
        "--output",
        metavar="FILE",
        help="picture or csv to write; default: predictions/... in the run's folder",
    )
    predict.add_argument(
        "--top", type=int, default=3, metavar="K", help="how many classes to name (default: 3)"
    )
    add_device(predict, default="cpu")
    predict.set_defaults(function=_predict)


def _predict(options: argparse.Namespace) -> int:
    if (options.path is None) == (options.input is None):
        raise ValueError("give one picture or folder: predict RUN PICTURE, or predict RUN --input PICTURE")
    if options.top < 1:
        raise ValueError(f"--top is {options.top}; expected at least 1")
    path = Path(options.path or options.input)
    if not path.exists():
        raise ValueError(f"there is no picture or folder {path}")
    from course_utils import runtime
    from course_utils.recipes.opening import open_run

    opened = open_run(find_run(options.run), device=runtime.select_device(options.device))
    return _folder(opened, path, options) if path.is_dir() else _picture(opened, path, options)


def _picture(opened: "OpenedRun", path: Path, options: argparse.Namespace) -> int:
    from course_utils.recipes.annotating import annotate

    answer = opened.predict([path], device=options.device)
    chances = answer.probabilities[0]
    best = chances.argsort(kind="stable")[::-1][: options.top].tolist()
    ranked = [(opened.class_names[position], float(chances[position])) for position in best]
    out = Path(options.output) if options.output else _default(opened, f"{path.stem}.png")
    annotate(path, ranked, out)
    print(f"{path.name}: " + ", ".join(f"{name} {chance:.4f}" for name, chance in ranked))
    print(f"picture: {out}")
    return 0


def _folder(opened: "OpenedRun", path: Path, options: argparse.Namespace) -> int:
    from course_utils.data.listing import walk
    from course_utils.recipes.tables import write_predictions

    listing = walk(path)
    for remark in listing.remarks():
        print(f"note: {remark}")
    if not listing.images:
        raise ValueError(f"{path} holds no pictures")
    ids = [image.relative_to(path).as_posix() for image in listing.images]
    answer = opened.predict(listing.images, ids=ids, device=options.device, progress=not options.quiet)
    out = Path(options.output) if options.output else _default(opened, f"{path.resolve().name}.csv")
    write_predictions(out, answer)
    names = answer.predicted_names
    counts = {name: names.count(name) for name in opened.class_names if name in names}
    print(f"{len(ids):,} pictures: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    print(f"table: {out}")
    return 0


def _default(opened: "OpenedRun", name: str) -> Path:
    folder = opened.run.path / "predictions"
    folder.mkdir(exist_ok=True)
    return folder / name
