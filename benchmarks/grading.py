"""How long grading a class takes: 30 made-up submissions in one command, and each step beside the plain way.

    python -m benchmarks.grading [--set ps1_data] [--rounds 3] [--seconds 20] [--record NAME]

The 30 are those of `made_up_class`: good, partial, empty, broken and hostile ones, an endless loop, a memory
hog. The benchmark fails if one mark is not what it has to be, if grading again gives others, if a file
outside was changed, if anybody connected to the port that the attacks know, or if a secret that they reach
for stands in any mark. Then some harmless submissions are graded by ours and in the plain way, taking turns:
a kernel for each, one after the other, that runs the notebook with all tests, as nbgrader does. The limit is
the cells alone: answers and tests in one process, without any protection, over the cores. Claim: 30 in at
most 8 minutes.
"""

import argparse
import contextlib
import io
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmarks.made_up_class import MadeUp, made_up, write_class, wrong_marks
from benchmarks.measuring import ratio, row, show_or_record, take_turns
from benchmarks.provenance import tree_state
from course_utils import runtime
from course_utils.classroom.building import teacher_notebook
from course_utils.classroom.grading import grade_all
from course_utils.classroom.problem_set import ProblemSet, read_problem_set, without_marks

MOST_SECONDS = 480
SECRET = "do not tell anybody: 4711"
NUM_HARMLESS = 6


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[object]]]:
    """Give a port of this machine that counts who connects."""
    calls: list[object] = []

    class Count(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            calls.append(self.client_address)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Count) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], calls
        server.shutdown()


def run_class(*arguments: str) -> float:
    """Run one command of `class`; give its seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "course_utils", "class", *arguments], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"class {' '.join(arguments)} failed:\n{done.stderr}")
    return time.perf_counter() - start


def grade_class(problem_set: ProblemSet, source: Path, folder: Path, seconds: float) -> dict[str, float]:
    """Collect, check, grade twice, report; give the seconds of each. SystemExit if anything is not right."""
    inbox, klass = folder / "inbox", folder / "class"
    secret = klass / "marks" / "secret.json"
    secret.parent.mkdir(parents=True)
    secret.write_text(SECRET, encoding="utf-8")
    with listening() as (port, calls):
        students = made_up(problem_set, source=source, secret=secret, port=port)
        write_class(problem_set, students, inbox)
        before = {path: path.read_bytes() for path in [source, secret, *inbox.rglob("*.ipynb")]}
        options = [str(source), "--class", str(klass)]
        found = {"collect": run_class("collect", str(source), str(inbox), "--class", str(klass))}
        found["check"] = run_class("check", *options)
        found["grade"] = run_class("grade", *options, "--seconds", str(seconds))
        table = (klass / f"{problem_set.name}.csv").read_bytes()
        found["feedback and report"] = run_class("feedback", *options) + run_class("report", *options)
        problems = wrong_marks(students, klass / "marks" / problem_set.name)
        if calls:
            problems.append(f"{len(calls)} connections were made")
    problems += [f"{path} was changed" for path, data in before.items() if path.read_bytes() != data]
    made = [path for path in klass.rglob("*") if path.is_file() and path != secret]
    problems += [f"the secret stands in {path}" for path in made if SECRET.encode() in path.read_bytes()]
    problems += said_wrongly(students, (klass / f"{problem_set.name}.html").read_text(encoding="utf-8"))
    if len(table.splitlines()) != len(students) + 1:
        problems.append(f"the table has {len(table.splitlines()) - 1} rows")
    if problems:
        raise SystemExit("\n".join(problems))
    return found


def said_wrongly(students: list[MadeUp], page: str) -> list[str]:
    """Give what the report on the class does not say as it has to."""
    by_hand = [one.student for one in students if one.status != "graded"]
    wrong = [f"the report does not name {name}" for name in by_hand if name not in page]
    alike = page[page.index("Answers that are nearly the same") :]
    if not all(name in alike for name in ("alike1", "alike2")) or "good" in alike:
        wrong.append("the report does not pair alike1 and alike2 alone")
    if f"{len(students)} submissions" not in page:
        wrong.append("the report counts others")
    return wrong


def harmless(problem_set: ProblemSet, folder: Path) -> tuple[dict[str, Path], list[nbformat.NotebookNode]]:
    """Give good submissions, and the same answers in notebooks with all tests, as nbgrader would run them."""
    good = {cell.name: without_marks(cell.source) for cell in problem_set.of_kind("answer")}
    students = [MadeUp(f"student{number}", 0, cells=good) for number in range(NUM_HARMLESS)]
    write_class(problem_set, students, folder)
    whole = teacher_notebook(problem_set)
    for cell in whole.cells:
        cell.source = without_marks(cell.source)
    paths = {one.student: folder / one.student / f"{problem_set.name}.ipynb" for one in students}
    return paths, [nbformat.from_dict(whole) for _ in students]


def cells_alone(problem_set: ProblemSet) -> None:
    """Run answers and tests of one good submission in this process."""
    names: dict[str, object] = {"__name__": "alone"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in problem_set.of_kind("given", "answer", "test"):
            exec(compile(without_marks(cell.source), f"<{cell.name}>", "exec"), names)  # our own source


def in_kernels(notebooks: list[nbformat.NotebookNode]) -> None:
    """Run each notebook in a kernel of its own, one after the other."""
    for notebook in notebooks:
        quiet = ["--IPKernelApp.log_level=ERROR"]
        client = NotebookClient(
            nbformat.from_dict(notebook), timeout=600, kernel_name="python3", extra_arguments=quiet
        )
        client.execute()


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", default="ps1_data", dest="problem_set", help="of assignments/")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="for one cell or call; the loop's time")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    started = tree_state()
    source = runtime.project_root() / "assignments" / f"{given.problem_set}.py"
    problem_set = read_problem_set(source)
    with tempfile.TemporaryDirectory() as scratch:
        steps = grade_class(problem_set, source, Path(scratch), given.seconds)
        paths, notebooks = harmless(problem_set, Path(scratch) / "harmless")
        ways = {
            "ours": lambda: grade_all(problem_set, paths, hidden=[source.parent]),
            "a kernel each, one after the other": lambda: in_kernels(notebooks),
            "the cells alone": lambda: [cells_alone(problem_set) for _ in paths],
        }
        seconds = take_turns(ways, given.rounds)
    ours, kernels, alone = seconds.values()
    limit = [one / runtime.cpu_count() for one in alone]
    rows = [row(f"30 submissions: {name}", [value], "s") for name, value in steps.items()]
    rows += [row(f"{NUM_HARMLESS} good ones: {name}", values, "s") for name, values in seconds.items()]
    rows.append(ratio("a kernel each / ours", kernels, ours))
    rows.append(ratio("ours / the cells alone on all cores", ours, limit))
    command = f"python -m benchmarks.grading --set {given.problem_set} --rounds {given.rounds}"
    command += f" --seconds {given.seconds:g}"
    what = (
        f"30 made-up submissions to {given.problem_set}, eight attacks, an endless loop and a memory hog "
        "among them, graded in one command: every mark was what it had to be, nothing outside was read, "
        f"written or sent. Claim: at most {MOST_SECONDS} s. Then {NUM_HARMLESS} good ones by ours and by a "
        "kernel each."
    )
    show_or_record(given.record, command=command, what=what, rows=rows, started=started)
    if steps["grade"] > MOST_SECONDS:
        raise SystemExit(f"grading took more than {MOST_SECONDS} s")


if __name__ == "__main__":
    main()
