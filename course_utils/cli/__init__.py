"""The command line: `python -m course_utils COMMAND`.

Each group of commands lives in a module of its own with a function `register(subparsers)`. Heavy imports
happen in the functions that need them, so that `--help` answers at once.

What may be changed: a command is a module more in `_GROUPS`; what several share stands in `shared`. Others
rely on: the names of commands and options, which stand in the README and the notebooks, and the exit codes.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from course_utils import __version__
from course_utils.cli import classroom, data, doctor, evaluate, models, notebooks, predict, submit, train

_GROUPS = (notebooks, data, train, evaluate, predict, submit, models, classroom, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give the exit code: 0 done, 1 something failed, 2 wrong use, 130 Ctrl-C, 143
    terminated.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, _terminate)
    try:
        return options.function(options)
    except KeyboardInterrupt as stop:
        print(f"Stopped{f': {stop}' if str(stop) else ''}.", file=sys.stderr)
        return _code_of(stop)
    except BrokenPipeError:  # the reader of our output, such as `head`, has closed it
        sys.stderr.close()
        return 1
    except (ValueError, OSError, ModuleNotFoundError, FloatingPointError) as error:
        if options.debug:
            raise
        print(f"{parser.prog}: {_words(error)}", file=sys.stderr)
        return 1 if isinstance(error, FloatingPointError | ChildProcessError) else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils",
        description="The image classification course: run its notebooks, prepare data, train networks.",
        epilog="Example: python -m course_utils run 01 09 --profile smoke -p epochs=2",
    )
    parser.add_argument("--version", action="version", version=__version__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for group in _GROUPS:
        group.register(subparsers, common)
    return parser


def _code_of(stop: KeyboardInterrupt) -> int:
    """Give 143 when training was stopped by SIGTERM, else 130; without importing anything for it."""
    interrupts = sys.modules.get("course_utils.training.interrupts")
    return 130 if interrupts is None else interrupts.exit_code(stop)


def _words(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the package {error.name} is not installed; run `pip install -r requirements.txt`"
    return str(error) or type(error).__name__


def _terminate(signal_number: int, frame: FrameType | None) -> None:
    sys.exit(128 + signal_number)
