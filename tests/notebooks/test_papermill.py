"""Plain papermill with other parameters, and with wrong ones."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.slow


def run(notebook, output, cwd, **parameters):
    return papermill.execute_notebook(
        str(notebook),
        str(output),
        parameters=parameters,
        progress_bar=False,
        cwd=str(cwd),
    )


def refused_at_once(notebook, tmp_path, **parameters):
    """Give the error of wrong parameters; only the parameter cells may have been executed."""
    output = tmp_path / "out.ipynb"
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run(notebook, output, tmp_path, **parameters)
    code = [cell for cell in nbformat.read(output, as_version=4).cells if cell.cell_type == "code"]
    executed = [cell for cell in code if cell.execution_count is not None]
    tags = [cell.metadata.get("tags", []) for cell in executed]
    assert tags[:2] == [["parameters"], ["injected-parameters"]], "the parameters are the first code cell"
    assert len(executed) == 3, "and the next one reads them"
    assert caught.value.ename == "ParameterError"
    assert len(caught.value.traceback) == 1, "no traceback through the package, the message alone"
    return caught.value.evalue


def test_other_parameters_from_another_folder(tmp_path, make_notebook):
    notebook = make_notebook(
        tmp_path / "a" / "01_x.ipynb", ["print(settings.profile, settings.epochs, settings.model)"]
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    nb = run(notebook, tmp_path / "out.ipynb", elsewhere, profile="full", epochs=2)
    assert nb.cells[-2].outputs[0].text == "full 2 rdnet_tiny\n"


def test_the_command_line_of_papermill(tmp_path, make_notebook):
    notebook = make_notebook(tmp_path / "01_x.ipynb", ["print(settings.profile, settings.epochs)"])
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(notebook),
        "out.ipynb",
        "-p",
        "epochs",
        "2",
        "--no-progress-bar",
    ]
    subprocess.run(
        command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "COURSE_PROFILE": "full"}
    )
    nb = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert nb.cells[-2].outputs[0].text == "full 2\n"


@pytest.mark.parametrize(
    ("parameters", "parts"),
    [
        ({"epoch": 1}, ["epoch: this notebook has no such parameter. Did you mean 'epochs'?"]),
        ({"epochs": -1}, ["epochs: got -1, expected a whole number, at least 1"]),
        ({"model": "rdnett", "profile": "fast"}, ["Did you mean 'rdnet_tiny'?", "profile: got 'fast'"]),
    ],
)
def test_wrong_parameters_stop_in_the_first_cells(tmp_path, make_notebook, parameters, parts):
    notebook = make_notebook(tmp_path / "01_x.ipynb", ["print('never')"])
    message = refused_at_once(notebook, tmp_path, **parameters)
    for part in parts:
        assert part in message


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_refuses_an_unknown_parameter_at_once(tmp_path, notebook):
    message = refused_at_once(notebook, tmp_path, profil="smoke")
    assert "profil: this notebook has no such parameter. Did you mean 'profile'?" in message
