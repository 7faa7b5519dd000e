"""`submit`: make a submission from runs, check one, send one."""

import argparse
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.cli.shared import DEVICES, find_run

if TYPE_CHECKING:
    from course_utils.evaluation.predict import Predictions
    from course_utils.evaluation.submission_format import SubmissionFormat
    from course_utils.recipes import OpenedRun

_USAGE = """\
python -m course_utils submit RUN [RUN ...] --data FOLDER --sample FILE [--output FILE] [--views VIEW ...]
       python -m course_utils submit check FILE --sample FILE [--classes NAME ...]
       python -m course_utils submit send FILE --sample FILE --competition NAME [--message TEXT]"""
_FORMS = {  # which options mean something in which form
    "make": {"data", "output", "views", "ids", "labels", "batch_size", "device"},
    "check": {"labels", "classes"},
    "send": {"labels", "classes", "competition", "message"},
}


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    submit = subparsers.add_parser(
        "submit",
        parents=[common],
        help="make, check or send a submission",
        usage=_USAGE,
        description="Column names, ids, labels and the order of the rows are learnt from the competition's "
        "sample submission. What is made is checked before it is said to be done.",
        epilog="Example: python -m course_utils submit runs/seedlings --data data/seedlings/test "
        "--sample sample_submission.csv",
    )
    submit.add_argument(
        "words", nargs="+", metavar="RUN", help="run folders (several: an ensemble), or check FILE, send FILE"
    )
    submit.add_argument("--sample", required=True, metavar="FILE", help="the competition's sample submission")
    submit.add_argument(
        "--labels", choices=["name", "index"], help="how labels are written, if the sample leaves it open"
    )
    make = submit.add_argument_group("to make one")
    make.add_argument("--data", metavar="FOLDER", help="the test pictures")
    make.add_argument("--output", metavar="FILE", help="default: submission.csv in the run folder")
    make.add_argument("--views", nargs="+", metavar="VIEW", help="test-time augmentation, such as flips")
    make.add_argument(
        "--ids",
        choices=["names", "files"],
        help="how rows find their pictures: by file names (default), or by the order of the files",
    )
    make.add_argument("--batch-size", type=int, help="default: twice that of training")
    make.add_argument("--device", choices=DEVICES, help="default: cpu")
    check = submit.add_argument_group("to check or send one")
    check.add_argument("--classes", nargs="+", metavar="NAME", help="the class names, so labels are checked")
    check.add_argument("--competition", metavar="NAME", help="its name in the address: kaggle.com/c/NAME")
    check.add_argument("--message", metavar="TEXT", help="a note that Kaggle shows beside the score")
    submit.set_defaults(function=_submit)


def _submit(options: argparse.Namespace) -> int:
    form = options.words[0] if options.words[0] in ("check", "send") else "make"
    _refuse_idle(options, form)
    if form == "make":
        return _make(options)
    if len(options.words) != 2:
        raise ValueError(f"submit {form} takes one file, got {options.words[1:]}")
    return _check(options) if form == "check" else _send(options)


def _refuse_idle(options: argparse.Namespace, form: str) -> None:
    """An option without effect is an error."""
    for name in sorted(set().union(*_FORMS.values()) - _FORMS[form]):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} has no effect here.\nusage: {_USAGE}")


def _make(options: argparse.Namespace) -> int:
    from course_utils.evaluation.ensembles import ensemble
    from course_utils.evaluation.submission import check_submission, from_sample, write_submission
    from course_utils.evaluation.submission_ids import ids_by_order, ids_of_files

    runs = [find_run(word) for word in options.words]
    if options.data is None:
        raise ValueError("say where the test pictures are: --data FOLDER")
    if len(runs) > 1 and options.output is None:
        raise ValueError("several runs make one submission; say where it goes: --output FILE")
    output = Path(options.output) if options.output else runs[0] / "submission.csv"
    members: dict[str, Predictions] = {}
    paths: list[Path] = []
    form: SubmissionFormat | None = None
    for run in runs:
        opened = _open(run, options)
        if form is None:  # before the slow part, so that a wrong sample is said at once
            form = from_sample(options.sample, label_style=options.labels, class_names=opened.class_names)
            paths = _pictures(options.data)
            name_ids = ids_by_order if options.ids == "files" else ids_of_files
            ids = name_ids(paths, form)
        members[str(run)] = _predict(opened, paths, ids, options)
    assert form is not None
    merged = ensemble(members) if len(members) > 1 else next(iter(members.values()))
    names = merged.class_names
    write_submission(output, merged.ids, merged.predicted_names, form, class_names=names)
    check_submission(output, form=form, class_names=names).raise_if_wrong()
    print(f"{output}: {len(merged.ids)} rows, checked against {options.sample}")
    counts = Counter(merged.predicted_names)
    print("predicted: " + ", ".join(f"{name} {counts[name]}" for name in names if counts[name]))
    if len(counts) == 1 and len(merged.ids) > 1:
        print("Every picture gets the same class: is the model trained, and normalised as in training?")
    return 0


def _open(run: Path, options: argparse.Namespace) -> "OpenedRun":
    from course_utils import recipes, runtime

    return recipes.open_run(run, device=runtime.select_device(options.device or "cpu"))


def _pictures(folder: str) -> list[Path]:
    from course_utils.data.layouts import read_layout

    return [record.path for record in read_layout(folder, kind="unlabelled").records]


def _predict(
    opened: "OpenedRun", paths: Sequence[Path], ids: Sequence[str], options: argparse.Namespace
) -> "Predictions":
    from course_utils import runtime
    from course_utils.evaluation.tta import predict_views

    batches = opened.batches(opened.files(paths, ids), batch_size=options.batch_size)
    device = runtime.select_device(options.device or "cpu")
    views = options.views or "identity"
    return predict_views(opened.model, batches, views=views, device=device, progress=True)


def _check(options: argparse.Namespace) -> int:
    result = _checked(options)
    print(result)
    return 0 if result.ok else 1


def _checked(options: argparse.Namespace) -> Any:
    from course_utils.evaluation.submission import check_submission, from_sample

    form = from_sample(options.sample, label_style=options.labels, class_names=options.classes)
    return check_submission(options.words[1], form=form, class_names=options.classes)


def _send(options: argparse.Namespace) -> int:
    if options.competition is None:
        raise ValueError("say where it goes: --competition NAME, the last part of its address on Kaggle")
    _checked(options).raise_if_wrong()
    path, message = Path(options.words[1]), options.message or f"{Path(options.words[1]).name}"
    client = shutil.which("kaggle")
    if client is None:
        print(_by_hand(path, options.competition, "the kaggle client is not installed"))
        return 1
    command = [client, "competitions", "submit", "-c", options.competition, "-f", str(path), "-m", message]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0 or "success" not in said.lower():  # the client may fail with exit code 0
        reason = said.splitlines()[-1] if said else f"exit code {done.returncode}"
        print(_by_hand(path, options.competition, f"the kaggle client says: {reason}"))
        return 1
    print(said)
    return 0


def _by_hand(path: Path, competition: str, reason: str) -> str:
    return (
        f"{path} is correct but was not sent: {reason}.\nBy hand:\n"
        f"  1. open kaggle.com/competitions/{competition}/submit in a browser and sign in\n"
        "  2. accept the rules of the competition (button 'Join' or 'Late Submission')\n"
        f"  3. press 'Submit Predictions' and choose {path}\n"
        "From here: `pip install kaggle`, make a token under kaggle.com/settings, 'API', put it where the "
        "client asks for it, and run this command again."
    )
