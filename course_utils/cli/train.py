"""`train` and `resume`: from a recipe to a finished run."""

import argparse
from typing import Any

from course_utils.cli.shared import add_device, find_run


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands."""
    train = subparsers.add_parser(
        "train",
        parents=[common],
        help="train what a recipe says, and report on the pictures that were held out",
        description="Trains in a new folder of runs/. Ctrl-C or a kill loses at most the epoch under way: "
        "`resume` goes on. With several processes: torchrun --nproc-per-node N -m course_utils train RECIPE.",
        epilog="Example: python -m course_utils train seedlings_efficientnet_lite0 --data ~/seedlings",
    )
    train.add_argument("recipe", metavar="RECIPE", help="a .toml file, or the name of one in recipes/")
    _add_data(train)
    train.add_argument("--epochs", type=int, metavar="N", help="the same as --set training.epochs=N")
    train.add_argument("--seed", type=int, metavar="N", help="the same as --set training.seed=N")
    train.add_argument("--batch-size", type=int, metavar="N", help="the same as --set data.batch_size=N")
    train.add_argument("--fold", type=int, metavar="K", help="the same as --set data.fold=K; counts from 0")
    train.add_argument("--name", help="name of the run folder; default: the recipe's")
    train.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="replace a value of the recipe, such as training.learning_rate=1e-3; may be given several times",
    )
    add_device(train)
    train.set_defaults(function=_train)

    resume = subparsers.add_parser(
        "resume",
        parents=[common],
        help="go on with a run that was stopped, as if it never had been",
        epilog="Example: python -m course_utils resume runs/seedlings_efficientnet_lite0",
    )
    resume.add_argument("run", metavar="RUN", help="the run's folder, or its name in runs/")
    _add_data(resume)
    add_device(resume)
    resume.set_defaults(function=_resume)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="PATH", help="folder or archive with the pictures, or a set such as digits"
    )


def _train(options: argparse.Namespace) -> int:
    from course_utils import recipes

    overrides = recipes.parse_overrides(options.overrides)
    short = {
        "training.epochs": options.epochs,
        "training.seed": options.seed,
        "data.batch_size": options.batch_size,
        "data.fold": options.fold,
    }
    for key, value in short.items():
        if value is not None and key in overrides:
            raise ValueError(f"{key} is given twice, by its own option and by --set; give one")
        overrides |= {} if value is None else {key: value}
    recipes.train(
        recipes.Recipe.load(recipes.find_recipe(options.recipe), overrides),
        data=options.data,
        run_name=options.name,
        device=options.device,
        progress=not options.quiet,
        say=_say,
    )
    return 0


def _resume(options: argparse.Namespace) -> int:
    from course_utils import recipes

    recipes.resume(
        find_run(options.run),
        data=options.data,
        device=options.device,
        progress=not options.quiet,
        say=_say,
    )
    return 0


def _say(text: str) -> None:
    print(text, flush=True)
