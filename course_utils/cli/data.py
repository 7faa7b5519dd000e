"""`data prepare | list | check`."""

import argparse
from typing import Any


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands."""
    group = subparsers.add_parser("data", help="prepare, list and check the data sets")
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    prepare = commands.add_parser("prepare", parents=[common], help="put data sets into data/, once")
    prepare.add_argument(
        "names", nargs="+", metavar="NAME", help="a data set, such as digits; see `data list`"
    )
    prepare.add_argument(
        "--source",
        default="sample",
        help="sample (default, comes with the install), kaggle, or a folder or zip",
    )
    prepare.set_defaults(function=_prepare)
    listing = commands.add_parser("list", parents=[common], help="list the known data sets")
    listing.set_defaults(function=_list)
    check = commands.add_parser("check", parents=[common], help="read every image of prepared data sets")
    check.add_argument("names", nargs="*", metavar="NAME", help="data sets; none: all that are prepared")
    check.set_defaults(function=_check)


def _prepare(options: argparse.Namespace) -> int:
    from course_utils.data import catalog, sources

    for name in options.names:
        catalog.get(name)
    for name in options.names:
        print(f"{name}: {sources.prepare(name, source=options.source, progress=True)}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from course_utils.data import catalog

    width = max(map(len, catalog.CATALOG))
    for name, info in catalog.CATALOG.items():
        print(f"{name:<{width}}  {len(info.class_names):>3} classes  {info.title}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from course_utils import runtime
    from course_utils.data import catalog, images

    names = options.names or [name for name in catalog.CATALOG if (runtime.data_dir() / name).is_dir()]
    if not names:
        print(f"No data set is prepared in {runtime.data_dir()}; run `data prepare NAME`.")
    num_bad = 0
    for name in names:
        catalog.get(name)
        folder = runtime.data_dir() / name
        if not folder.is_dir():
            raise ValueError(f"{name} is not prepared: there is no {folder}. Run `data prepare {name}`.")
        report = images.scan(images.list_images(folder))
        print(f"{name}: {len(report.good)} images can be read, {len(report.bad)} cannot")
        for path, reason in report.bad:
            print(f"  {path}: {reason}")
        num_bad += len(report.bad)
    return 1 if num_bad else 0
