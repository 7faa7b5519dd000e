"""`data prepare | list | check`, and from `data_splits` also `split | audit | stats`."""

import argparse
from typing import Any

from course_utils.cli import data_splits
from course_utils.cli.shared import print_table

_WITHOUT_PATH = ("sample", "kaggle", "download")


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands."""
    group = subparsers.add_parser("data", help="prepare, list, check, split and audit data sets")
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    prepare = commands.add_parser(
        "prepare",
        parents=[common],
        help="put data sets into the data folder, once",
        epilog="Example: python -m course_utils data prepare digits seedlings",
    )
    prepare.add_argument(
        "names", nargs="+", metavar="NAME", help="a data set such as digits; see `data list`"
    )
    prepare.add_argument(
        "--source",
        default="sample",
        help="sample (default, needs no network), kaggle, download (MNIST itself), or a folder or archive",
    )
    prepare.set_defaults(function=_prepare)
    listing = commands.add_parser("list", parents=[common], help="list the known data sets")
    listing.add_argument("names", nargs="*", metavar="NAME", help="describe these; none: a table of all")
    listing.set_defaults(function=_list)
    check = commands.add_parser("check", parents=[common], help="read every picture of prepared data sets")
    check.add_argument(
        "names", nargs="*", metavar="NAME", help="data sets or folders; none: all prepared ones"
    )
    check.set_defaults(function=_check)
    data_splits.register(commands, common)


def _prepare(options: argparse.Namespace) -> int:
    from course_utils.data import catalog, sources

    if options.source in _WITHOUT_PATH:
        for name in options.names:
            catalog.get(name)  # all names are right before anything is written
    for name in options.names:
        try:
            folder = sources.prepare(name, source=options.source, progress=True)
        except RuntimeError as error:  # not reachable; the message says what to do
            raise ValueError(str(error)) from error
        print(f"{name}: {folder}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from course_utils.data import sources

    if options.names:
        print("\n\n".join(sources.describe(name) for name in options.names))
        return 0
    rows = [
        {key: str(value) for key, value in row.items() if key != "sample"} for row in sources.list_datasets()
    ]
    print_table(list(rows[0]), [list(row.values()) for row in rows])
    return 0


def _check(options: argparse.Namespace) -> int:
    from course_utils import runtime
    from course_utils.data import catalog, sources

    names = options.names or [name for name in catalog.CATALOG if (runtime.data_dir() / name).is_dir()]
    if not names:
        raise ValueError(f"no data set is prepared in {runtime.data_dir()}; run `data prepare NAME` first")
    reports = [sources.check(name, progress=True) for name in names]
    print("\n\n".join(map(str, reports)))
    return 0 if all(report.ok for report in reports) else 1
