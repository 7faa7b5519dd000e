import io
import json
import os
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import psutil
import pytest

from course_utils import notebooks

GOOD = [
    "import sys\nprint(sys.executable)",
    "block = bytearray(b'x') * 150_000_000\ndel block",
    "from course_utils import runs\nruns.key_results({'test accuracy': 0.97123, 'epochs': settings.epochs})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
]
FAILS = ["kept = 1\nprint('before')", "def divide():\n    return 1 / 0\n\ndivide()", "print('never')"]
DIES = [
    "import os, signal, subprocess, sys",
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
    "print(child.pid, flush=True)\n"
    "import time\ntime.sleep(0.6)  # two looks of the watch at the children\n"
    "os.kill(os.getpid(), signal.SIGKILL)",
    "print('never')",
]


class Links(HTMLParser):
    """Collects what a page loads or links to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in ("script", "img", "iframe") and values.get("src"):
            self.loaded.append(str(values["src"]))
        if tag == "link" and values.get("href"):
            self.loaded.append(str(values["href"]))
        if tag == "a" and values.get("href"):
            self.linked.append(str(values["href"]))


def links(page: Path) -> Links:
    parser = Links()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_notebook):
    """One run of four notebooks: a good one, one that fails, one whose kernel is killed, one without the
    parameter.
    """
    folder = tmp_path_factory.mktemp("course {with} braces")
    paths = [
        make_notebook(folder / "01_good.ipynb", GOOD),
        make_notebook(folder / "02_fails.ipynb", FAILS),
        make_notebook(folder / "03_dies.ipynb", DIES),
        make_notebook(
            folder / "04_other.ipynb", parameters="size: int = None", read="print('after the others')"
        ),
    ]
    before = [path.read_bytes() for path in paths]
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        # A kernelspec of the user that leads nowhere must not matter.
        spec = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps({"argv": ["false"], "display_name": "wrong", "language": "python"}))
        patch.setenv("JUPYTER_DATA_DIR", str(folder / "jupyter"))
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        course = notebooks.run_notebooks(
            paths, profile="smoke", parameters={"epochs": "3"}, out=folder / "out", stream=stream
        )
    assert [path.read_bytes() for path in paths] == before, "a notebook is never run in place"
    return course, stream.getvalue()


def outputs(course, name):
    nb = nbformat.read(course.folder / f"{name}.ipynb", as_version=4)
    return {cell.source: cell.get("outputs", []) for cell in nb.cells if cell.cell_type == "code"}


@pytest.mark.slow
def test_each_notebook_has_its_own_end_and_the_others_go_on(finished):
    course, _ = finished
    assert not course.ok
    assert [run.status for run in course.notebooks] == ["ok", "failed", "failed", "ok"]


@pytest.mark.slow
def test_parameters_reach_the_notebooks_that_have_them(finished):
    course, log = finished
    assert [run.parameters for run in course.notebooks] == [
        {"epochs": 3, "profile": "smoke"},
        {"epochs": 3, "profile": "smoke"},
        {"epochs": 3, "profile": "smoke"},
        {},
    ]
    assert log.count("04_other has no parameter epochs and runs without.") == 1


@pytest.mark.slow
def test_the_kernel_is_this_python(finished):
    course, _ = finished
    assert outputs(course, "01_good")[GOOD[0]][0].text.strip() == sys.executable


@pytest.mark.slow
def test_memory_and_key_results_are_collected(finished):
    course, _ = finished
    good, other = course.notebooks[0], course.notebooks[3]
    assert good.key_results == {"test accuracy": 0.97123, "epochs": 3}
    assert list(good.key_results) == ["test accuracy", "epochs"], "in the notebook's order"
    assert 150e6 < good.peak_memory_bytes < 150e6 + 5 * other.peak_memory_bytes
    line = next(line for line in course.table().splitlines() if line.startswith("01_good"))
    assert line.endswith("test accuracy 0.9712, epochs 3") and " MB " in line


@pytest.mark.slow
def test_F34_a_failing_cell_is_named_and_the_partial_notebook_kept(finished):
    course, log = finished
    run = course.notebooks[1]
    assert (run.code_cell, run.num_code_cells) == (5, 6)
    assert run.reason == "ZeroDivisionError: division by zero"
    assert "02_fails, code cell 5 of 6:\n    def divide():\n        return 1 / 0" in log
    assert "    ZeroDivisionError: division by zero\n" in log and "\x1b" not in log
    partial = outputs(course, "02_fails")
    assert partial[FAILS[0]][0].text == "before\n"
    assert partial[FAILS[1]][0].ename == "ZeroDivisionError"
    assert partial[FAILS[2]] == []


@pytest.mark.slow
def test_F33_a_killed_kernel_is_a_failure_with_cell_and_reason(finished):
    course, log = finished
    run = course.notebooks[2]
    assert (run.status, run.code_cell) == ("failed", 5)
    assert "killed by SIGKILL" in run.reason and "memory" in run.reason
    assert "03_dies, code cell 5 of 6" in log
    nb = nbformat.read(course.folder / "03_dies.ipynb", as_version=4)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    assert [cell.metadata.papermill.status for cell in code] == ["completed"] * 4 + ["failed", "pending"]
    assert code[4].id == run.cell_id
    assert code[4].outputs[-1].ename == "DeadKernelError"


@pytest.mark.slow
def test_no_child_of_a_killed_kernel_stays(finished):
    course, _ = finished
    child = int(outputs(course, "03_dies")[DIES[1]][0].text)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_the_status_file_tells_the_same(finished):
    course, _ = finished
    status = json.loads((course.folder / "status.json").read_text())
    assert status["ok"] is False and status["profile"] == "smoke"
    for entry, run in zip(status["notebooks"], course.notebooks, strict=True):
        assert (entry["name"], entry["status"], entry["code_cell"]) == (run.name, run.status, run.code_cell)
        assert (entry["reason"], entry["cell_id"]) == (run.reason, run.cell_id)


@pytest.mark.slow
def test_a_log_gets_whole_lines_and_not_one_per_cell(finished):
    _, log = finished
    assert "\r" not in log
    good = [line for line in log.splitlines() if line.startswith("[1/4] 01_good")]
    assert 2 <= len(good) <= 5
    assert re.fullmatch(r"\[1/4\] 01_good  ok, \d+:\d\d", good[-1])


@pytest.mark.slow
def test_pages_load_nothing_and_the_index_links_them(finished):
    course, _ = finished
    for run in course.notebooks:
        page = links(course.folder / f"{run.name}.html")
        assert [source for source in page.loaded if not source.startswith("data:")] == []
    text = (course.folder / "01_good.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in text
    assert not re.search(r"(url\(|import\(?\s*)[\"']?https?:", text)
    index = links(course.folder / "index.html")
    assert index.loaded == []
    assert all((course.folder / link).is_file() for link in index.linked)
    assert len(index.linked) == 8
    text = (course.folder / "index.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text and "test accuracy 0.9712, epochs 3" in text


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(("signal_name", "exit_code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_F34_a_stopped_run_keeps_the_partial_notebook_and_leaves_no_kernel(
    tmp_path, make_notebook, signal_name, exit_code
):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    waits = (
        f"import os, threading\nopen({str(pipe)!r}, 'w').write(str(os.getpid()))\nthreading.Event().wait()"
    )
    first = make_notebook(tmp_path / "01_waits.ipynb", ["print('before')", waits])
    second = make_notebook(tmp_path / "02_good.ipynb")
    command = [
        sys.executable,
        "-m",
        "course_utils",
        "run",
        str(first),
        str(second),
        "--output",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    kernel = psutil.Process(int(pipe.read_text()))  # blocks until the cell runs
    process.send_signal(getattr(signal, signal_name))
    printed, _ = process.communicate()
    assert process.returncode == exit_code
    assert psutil.wait_procs([kernel], timeout=30)[1] == [], "it ends, and the system has taken it away"
    assert "Traceback" not in printed and "stopped in cell 4 of 4" in printed
    status = json.loads((tmp_path / "out" / "status.json").read_text())
    assert [run["status"] for run in status["notebooks"]] == ["stopped", "waiting"]
    nb = nbformat.read(tmp_path / "out" / "01_waits.ipynb", as_version=4)
    assert nb.cells[3].outputs[0].text == "before\n"
