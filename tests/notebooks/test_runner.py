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
from course_utils.notebooks import inspecting
from course_utils.notebooks.finding import find_notebooks
from course_utils.params import ParameterError

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
        "--out",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    kernel = psutil.Process(int(pipe.read_text()))  # blocks until the cell runs
    process.send_signal(getattr(signal, signal_name))
    printed, _ = process.communicate()
    assert process.returncode == exit_code
    assert not kernel.is_running()
    assert "Traceback" not in printed and "stopped in cell 4 of 4" in printed
    status = json.loads((tmp_path / "out" / "status.json").read_text())
    assert [run["status"] for run in status["notebooks"]] == ["stopped", "waiting"]
    nb = nbformat.read(tmp_path / "out" / "01_waits.ipynb", as_version=4)
    assert nb.cells[3].outputs[0].text == "before\n"


# What is refused before a kernel starts


def refused(paths, parameters, **options):
    with pytest.raises(ValueError) as caught:
        notebooks.run_notebooks(paths, parameters=parameters, stream=io.StringIO(), **options)
    return str(caught.value)


@pytest.fixture
def no_kernel(monkeypatch):
    def started(*arguments: object, **options: object) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr("course_utils.notebooks.kernels.execute", started)


def test_F32_a_name_that_no_notebook_declares_is_refused_with_the_nearest(tmp_path, make_notebook, no_kernel):
    paths = [make_notebook(tmp_path / "01_a.ipynb"), make_notebook(tmp_path / "02_b.ipynb")]
    out = tmp_path / "out"
    message = refused(paths, {"epoch": "3", "epochs": "x"}, out=out)
    assert "epoch: no chosen notebook has such a parameter. Did you mean 'epochs'?" in message
    assert "epochs: got 'x', expected int in 01_a" in message
    assert not out.exists()


def test_a_wrong_profile_is_refused(tmp_path, make_notebook, no_kernel):
    message = refused([make_notebook(tmp_path / "01_a.ipynb")], {}, profile="fast", out=tmp_path / "out")
    assert "profile: got 'fast', expected one of smoke, quick, full" in message


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [
        ("007", "str", "007"),
        ("007", "int", 7),
        ("-1", "int", -1),
        ("1e-3", "float", 0.001),
        ("2", "float", 2.0),
        ("true", "bool", True),
        ("No", "bool", False),
        ("[1, 2]", "list", [1, 2]),
        ("1, 2", "list", [1, 2]),
        ('["a"]', "list", ["a"]),
        (3, "int", 3),
        ((1, 2), "list", [1, 2]),
        (True, "bool", True),
    ],
)
def test_text_is_read_as_the_declared_type(text, type_name, value):
    result = inspecting.as_declared(text, type_name)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        ("x", "int"),
        ("1.5", "int"),
        ("x", "float"),
        ("2", "bool"),
        ("maybe", "bool"),
        ("[1", "list"),
        ("a", "list"),
        (True, "int"),
        (1.5, "int"),
        (True, "float"),
        (3, "str"),
        (1, "bool"),
        ("", "int"),
    ],
)
def test_another_type_is_refused(value, type_name):
    with pytest.raises(ValueError, match=rf"got .* expected {type_name}"):
        inspecting.as_declared(value, type_name)


def test_parameters_are_declared_once_and_with_a_type(tmp_path, make_notebook):
    path = make_notebook(tmp_path / "01_a.ipynb")
    declared = inspecting.declared_parameters(path)
    assert [(parameter.name, parameter.type_name) for parameter in declared.values()] == [
        ("profile", "str"),
        ("epochs", "int"),
        ("model", "str"),
    ]
    assert declared["epochs"].help == "passes"
    untyped = make_notebook(tmp_path / "02_b.ipynb", parameters="epochs = None")
    with pytest.raises(ValueError, match="epochs declares the type None; write it as `epochs: int = None"):
        inspecting.declared_parameters(untyped)
    nb = nbformat.read(path, as_version=4)
    nb.cells[2].metadata["tags"] = ["parameters"]
    nbformat.write(nb, path)
    with pytest.raises(ValueError, match="has 2 cells tagged `parameters`; it needs exactly one"):
        inspecting.declared_parameters(path)


def test_a_folder_with_something_in_it_is_refused(tmp_path, make_notebook, no_kernel):
    (tmp_path / "mine.txt").write_text("mine")
    assert "holds something already" in refused([make_notebook(tmp_path / "01_a.ipynb")], {}, out=tmp_path)


def test_notebooks_are_found_by_number_name_and_path(tmp_path, make_notebook):
    first = make_notebook(tmp_path / "01_mean_std.ipynb")
    second = make_notebook(tmp_path / "10_rdnet.ipynb")
    make_notebook(tmp_path / ".ipynb_checkpoints" / "01_mean_std-checkpoint.ipynb")
    assert find_notebooks(folder=tmp_path) == [first, second]
    for name in ("01", "1", "01_mean_std", "01_mean_std.ipynb", str(first), first):
        assert find_notebooks([name], folder=tmp_path) == [first]
    assert find_notebooks(["10", "01", "10"], folder=tmp_path) == [second, first]
    with pytest.raises(ValueError, match=r"no notebook '01_meam'.* Did you mean '01_mean_std'\?"):
        find_notebooks(["01_meam"], folder=tmp_path)
    with pytest.raises(ValueError, match="There is no notebook in"):
        find_notebooks(folder=tmp_path / "empty")
    make_notebook(tmp_path / "01_other.ipynb")
    with pytest.raises(ValueError, match="fits several notebooks: 01_mean_std, 01_other"):
        find_notebooks(["01"], folder=tmp_path)


def test_parameter_errors_are_value_errors():
    assert issubclass(ParameterError, ValueError)
