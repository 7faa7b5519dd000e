import base64
import io
import json
import re
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output

from course_utils import notebooks, runtime
from course_utils.notebooks.checking import MAX_BYTES, find_problems
from course_utils.notebooks.cleaning import clean

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
PRESENT = (
    "from IPython.display import publish_display_data\n"
    f"publish_display_data({{'image/png': {PNG!r}}}, metadata={{'image/png': {{'alt': 'A black square.'}}}})"
)
BARS = "from tqdm.auto import tqdm\nimport sys, time\nfor step in tqdm(range(3), desc='Training'):\n    pass"
TEXT_BARS = BARS.replace("tqdm.auto", "tqdm")
WIDGET = (
    "import ipywidgets\nfrom IPython.display import display\n"
    "display(ipywidgets.IntProgress(value=3, max=3))\nprint('done')"
)


def executed(*outputs, source="pass", **metadata):
    """Give a notebook of one executed cell with these outputs."""
    nb = nbformat.v4.new_notebook()
    nb.cells = [new_code_cell(source, execution_count=7, outputs=list(outputs), metadata=metadata)]
    return clean(nb)


def stream(text, name="stdout"):
    return new_output("stream", text=text, name=name)


def shown(data, metadata=None):
    return new_output("display_data", data, metadata=metadata or {})


# What may not be stored


@pytest.mark.parametrize(
    ("output", "part"),
    [
        (stream("UserWarning: old\n", "stderr"), "stderr: UserWarning: old"),
        (stream("100%|###| 3/3 [00:00<00:00]\nUserWarning: old\n", "stderr"), "stderr: UserWarning: old"),
        (new_output("error", ename="ValueError", evalue="no", traceback=[]), "it failed: ValueError: no"),
        (stream(f"saved to {Path.home()}/x"), f"a path of this machine is shown: {Path.home()}"),
        (stream(f"{runtime.project_root()}"), f"shown: {runtime.project_root()}"),
        (stream(f"in {tempfile.gettempdir()}/tmp123/x.png"), f"shown: {tempfile.gettempdir()}"),
        (shown({"text/plain": "PosixPath('/home/ann/data')"}), "shown: /home/ann"),
        (shown({"text/html": "<b>C:\\Users\\ann</b>"}), "shown: C:\\Users"),
        (shown({"application/vnd.course.results+json": [["out", "/Users/ann/x"]]}), "shown: /Users/ann"),
        (shown({"image/png": PNG}), "an image (image/png) without alt text"),
        (shown({"image/png": PNG}, {"image/png": {"alt": ""}}), "an image (image/png) without alt text"),
        (shown({"image/svg+xml": "<svg/>"}), "an image (image/svg+xml) without alt text"),
        (shown({"text/html": '<img src="data:image/png;base64,AAAA">'}), "<img> in HTML without alt text"),
    ],
)
def test_each_bad_output_is_found_with_its_cell(output, part):
    nb = executed(output)
    problems = find_problems(nb, "01_x")
    assert len(problems) == 1
    assert problems[0].startswith(f"01_x, cell 1 ({nb.cells[0].id}): ")
    assert part in problems[0]


@pytest.mark.parametrize(
    "output",
    [
        stream("accuracy 0.97, 3/4 of train/cat/1.png, https://example.org/home/x, ../runs/digits\n"),
        shown({"text/html": f'<img alt="A cat" src="data:image/png;base64,{"/tmp/" * 8}">'}),
        shown({"image/png": PNG}, {"image/png": {"alt": "A black square."}}),
        stream("Training: 100%|██████████| 3/3 [00:01<00:00,  1.9it/s]\n", "stderr"),
        stream("\r0it [00:00, ?it/s]\r12it [00:01, 9.8it/s]\n\n", "stderr"),
    ],
)
def test_good_outputs_raise_no_alarm(output):
    assert find_problems(executed(output), "01_x") == []


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("\n".join(["x = 1"] * 31), "31 lines of code"),
        ("x = 1\n  !pip install torch", "installs packages"),
        ("%pip install torch", "installs packages"),
    ],
)
def test_bad_code_cells_are_found(source, part):
    problems = find_problems(executed(source=source), "01_x")
    assert len(problems) == 1 and part in problems[0]


@pytest.mark.parametrize(
    "data", [{"image/png": PNG}, {"text/html": f'<img alt="A square." src="data:image/png;base64,{PNG}">'}]
)
def test_a_picture_is_not_compared(data):
    output = shown(data, {"image/png": {"alt": "A black square."}})
    problems = find_problems(executed(output, tags=["nbval-check-output"]), "01_x")
    assert len(problems) == 1 and "a cell without that tag" in problems[0]
    assert find_problems(executed(output, tags=["other"]), "01_x") == []


def test_too_large_notebooks_name_the_biggest_cells():
    nb = executed(stream("x" * 10))
    nb.cells.append(new_code_cell("y", execution_count=2, outputs=[stream("x" * MAX_BYTES)]))
    (problem,) = find_problems(nb, "01_x")
    assert re.search(r"7\d\d KB, allowed are 700 KB; the biggest are cell 2 \(700 KB\), cell 1", problem)


def test_outputs_of_several_runs_are_found():
    nb = executed(stream("x"))
    nb.cells.append(new_code_cell("not_run"))
    assert any("not of one run" in problem for problem in find_problems(clean(nb), "01_x"))


def test_cleaning_takes_out_what_belongs_to_the_run():
    widget = shown({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "0%| | 0/3"})
    result = new_output("execute_result", {"text/plain": "1"}, execution_count=7)
    bar = stream("100%|##| 3/3 [00:00<00:00]\n", "stderr")
    timing = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    nb = executed(widget, bar, result, execution=timing, papermill={"duration": 1}, tags=["keep"])
    nb.metadata.papermill = {"input_path": "/home/ann/x.ipynb"}
    nb.metadata.widgets = {"state": {}}
    nb.cells.insert(
        0, new_code_cell("# Parameters", execution_count=1, metadata={"tags": ["injected-parameters"]})
    )
    nb = clean(nb)
    (cell,) = nb.cells
    assert cell.metadata == {"tags": ["keep"]}
    assert [output.output_type for output in cell.outputs] == ["execute_result"]
    assert (cell.execution_count, cell.outputs[0].execution_count) == (1, 1)
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert "version" not in nb.metadata.language_info


# Running and storing


@pytest.mark.slow
def test_outputs_are_stored_clean_and_pass_the_check(tmp_path, make_notebook):
    path = make_notebook(tmp_path / "01_x.ipynb", ["1 + 1", BARS, TEXT_BARS, WIDGET, PRESENT])
    bad = make_notebook(tmp_path / "02_bad.ipynb", ["import pathlib\npathlib.Path.cwd()"])
    before = bad.read_bytes()
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    with pytest.raises(ValueError, match=r"02_bad, cell 4 .* a path of this machine is shown") as caught:
        notebooks.store_outputs([path, bad], stream=io.StringIO())
    assert str(caught.value).count("\n") == 1, "the good one is no problem"
    assert bad.read_bytes() == before
    nb = nbformat.read(path, as_version=4)
    assert [cell.source for cell in nb.cells] == sources
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6, 7]
    assert [len(cell.outputs) for cell in code] == [0, 1, 1, 0, 0, 1, 1]
    assert "quick" in code[1].outputs[0].data["text/plain"]
    assert "given by hand" not in code[1].outputs[0].data["text/plain"]
    text = path.read_text(encoding="utf-8")
    assert "papermill" not in text and "iopub" not in text and "widget" not in text.replace("ipywidgets", "")
    assert notebooks.check_stored([path]) == []
    measured = json.loads((tmp_path / "measured.json").read_text())
    assert list(measured) == ["01_x"]
    assert measured["01_x"]["profile"] == "quick" and measured["01_x"]["peak_memory_bytes"] > 1e7
    assert {entry.name for entry in tmp_path.iterdir()} == {"01_x.ipynb", "02_bad.ipynb", "measured.json"}


def test_notebooks_that_were_never_run_or_not_cleaned_fail_the_check(tmp_path, make_notebook):
    path = make_notebook(tmp_path / "01_x.ipynb", parameters="epochs = None")
    problems = "\n".join(notebooks.check_stored([path]))
    assert "not of one run" in problems
    assert "holds metadata or progress bars of a run" in problems
    assert "epochs declares the type None" in problems


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stored_outputs_of_every_notebook_are_in_order(notebook):
    assert notebooks.check_stored([notebook]) == []
