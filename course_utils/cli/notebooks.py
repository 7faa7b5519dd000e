"""`run`, and `notebooks store | check | nav`."""

import argparse
from typing import Any


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands."""
    run = subparsers.add_parser(
        "run",
        parents=[common],
        help="run notebooks and keep the executed copies",
        description="Run notebooks, all if none is named. The notebooks themselves are not changed: executed "
        "copies, HTML pages, index.html and status.json go to a new folder. Exit code 1 if a notebook fails.",
        epilog="Example: python -m course_utils run 01 09 --profile smoke -p epochs=2",
    )
    _add_names(run)
    run.add_argument(
        "--profile",
        choices=("smoke", "quick", "full"),
        help="smoke: seconds; quick: a minute each; full: the real recipe. Default: quick, or COURSE_PROFILE",
    )
    run.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a parameter, read as the type that the notebook declares; may be given several times",
    )
    run.add_argument(
        "--output", metavar="FOLDER", help="a new or empty folder for the copies, instead of runs/course-..."
    )
    run.set_defaults(function=_run)

    group = subparsers.add_parser("notebooks", help="keep the committed notebooks in order")
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    store = commands.add_parser(
        "store", parents=[common], help="run at quick and write the cleaned outputs into the notebooks"
    )
    _add_names(store)
    store.set_defaults(function=_store)
    check = commands.add_parser(
        "check", parents=[common], help="check the stored outputs without running anything"
    )
    _add_names(check)
    check.set_defaults(function=_check)
    nav = commands.add_parser(
        "nav", parents=[common], help="write the notebooks' links, the README's table, the glossary"
    )
    nav.set_defaults(function=_nav)


def parse_assignments(texts: list[str]) -> dict[str, str]:
    """Give name and text of each NAME=VALUE; raises ValueError for another form or a repeated name."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ValueError(f"-p {text}: expected NAME=VALUE, such as -p epochs=2")
        if name.strip() in values:
            raise ValueError(f"-p {text}: {name.strip()} is given twice; give one")
        values[name.strip()] = value
    return values


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "notebooks", nargs="*", metavar="NB", help="number, name or path, such as 01; none: all"
    )


def _run(options: argparse.Namespace) -> int:
    parameters = parse_assignments(options.parameters)
    profile = parameters.pop("profile", None)
    if profile and options.profile and profile != options.profile:
        raise ValueError(
            f"--profile {options.profile} and -p profile={profile} contradict each other; give one"
        )
    from course_utils.notebooks import run_notebooks

    course = run_notebooks(
        options.notebooks, profile=options.profile or profile, parameters=parameters, out=options.output
    )
    print(f"\n{course.table()}\n\nPages: {course.folder / 'index.html'}")
    return 0 if course.ok else 1


def _store(options: argparse.Namespace) -> int:
    from course_utils.notebooks import store_outputs

    print(f"\n{store_outputs(options.notebooks).table()}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from course_utils.notebooks import check_stored, find_notebooks

    problems = check_stored(options.notebooks)
    for problem in problems:
        print(problem)
    print(f"{len(find_notebooks(options.notebooks))} notebooks checked, {len(problems)} problems.")
    return 1 if problems else 0


def _nav(options: argparse.Namespace) -> int:
    from course_utils.notebooks import write_glossary, write_navigation

    changed = write_navigation() + write_glossary()
    print("Written: " + (", ".join(path.name for path in changed) or "nothing, all links are up to date"))
    return 0
