"""Plain papermill with other parameters, and with wrong ones.

Every notebook has three sets: two that it runs with from top to bottom, and one that it refuses at once.
Both runs take place in one kernel, the second after the first: imports, half of such a short run, are paid
for once. Add a notebook's sets to `SETS`. Keep them cheap: the profile is smoke, and each set changes a thing
or two.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell


class Sets(NamedTuple):
    """Parameters for two whole runs, wrong ones, and what the refusal must say."""

    first: dict[str, Any]
    second: dict[str, Any]
    wrong: dict[str, Any]
    says: str


SETS = {
    "00_start_here": Sets(
        {"seed": 1},
        {"epochs": 2, "learning_rate": 0.01},
        {"epochs": 0},
        "epochs: got 0, expected a whole number, at least 1",
    ),
    "01_mean_std": Sets(
        {"num_pictures": 60, "num_rates": 3},
        {"num_digits": 200, "num_rates": 3, "seed": 5},
        {"num_pictures": 10},
        "num_pictures: got 10, expected a whole number, at least 40",
    ),
    "02_dataset_splitting": Sets(
        {"val_fraction": 0.2, "num_repeats": 3},
        {"num_tries": 50, "num_repeats": 3, "seed": 7},
        {"val_fraction": 0.9},
        "val_fraction: got 0.9, expected a number, at least 0.1 and at most 0.5",
    ),
    "03_losses": Sets(
        {"num_digits": 300},
        {"num_digits": 200, "seed": 3},
        {"num_seeds": 1},
        "num_seeds: got 1, expected a whole number, at least 2",
    ),
    "04_optimizers": Sets(
        {"num_digits": 250, "seed": 1},
        {"num_digits": 200, "num_rates": 4},
        {"num_rate": 5},
        "num_rate: this notebook has no such parameter. Did you mean 'num_rates'?",
    ),
    "05_first_cnn": Sets(
        {"limit": 80, "patience": 1, "clip_norm": 0.5},
        {"limit": 80, "image_size": 40, "width_factor": 0.125, "reuse": False},
        {"image_size": 16},
        "image_size: got 16, expected a whole number, at least 32 and at most 512",
    ),
    "06_augmentation": Sets(
        {"num_pictures": 40, "eps": 8.0},
        {"num_pictures": 40, "image_size": 24, "seed": 3, "reuse": False},
        {"eps": "strong"},
        "eps: got 'strong' (text), expected a number, above 0 and at most 128",
    ),
    "08_transfer_resnet34": Sets(
        {"limit": 16, "image_size": 72, "backbone": "tf_efficientnet_lite0"},
        {"limit": 16, "sizes": [8], "fine_tune": "all", "reuse": False},
        {"backbone": "resnet43"},
        "backbone: got 'resnet43', expected one of",
    ),
    "07_resnet": Sets(
        {"depth_digits": 96, "limit": 60, "width_factor": 0.125},
        {"depth_digits": 96, "depth_width": 12, "limit": 60, "image_size": 48, "reuse": False},
        {"depth_blocks": 1},
        "depth_blocks: got 1, expected a whole number, at least 2 and at most 60",
    ),
    "09_mobilenetv3_digits": Sets(
        {"limit": 128, "keep_resolution": 0, "train_on_val": True},
        {"limit": 128, "image_size": 28, "label_smoothing": 0.0, "reuse": False},
        {"model": "mobilenet_v3_smal"},
        "Did you mean 'mobilenet_v3_small'?",
    ),
    "10_ema": Sets(
        {"limit": 120, "decay": 0.97},
        {"limit": 100, "image_size": 12, "batch_size": 25, "reuse": False},
        {"decay": 1.0},
        "decay: got 1.0, expected a number, above 0 and below 1",
    ),
    "11_rdnet_seedlings": Sets(
        {"limit": 80, "model": "rdnet_mini_additive", "mix_prob": 1.0},
        {"limit": 60, "image_size": 48, "precision": "float32", "cutmix_alpha": 0.0, "reuse": False},
        {"mix_prob": 0.0},
        "mix_prob: got 0.0, expected a number, above 0 and at most 1",
    ),
    "12_tsne": Sets(
        {"num_pictures": 80, "perplexity": 10.0},
        {"num_pictures": 60, "map_steps": 260, "reuse": False},
        {"map_steps": 250},
        "map_steps: got 250, expected a whole number, at least 251",
    ),
    "13_reading_errors": Sets(
        {"num_train": 150, "wrong_share": 0.1},
        {"num_pictures": 700, "attacked": 20, "seed": 2, "reuse": False},
        {"num_train": 20},
        "num_train: got 20, expected a whole number, at least 100 and at most 5000",
    ),
    "14_compression": Sets(
        {"repair_pictures": 100},
        {"repair_pictures": 64, "seed": 2, "reuse": False},
        {"epochs": 1.5},
        "epochs: got 1.5 (a number with a fraction), expected a whole number, at least 1",
    ),
    "15_scaling_up": Sets(
        {"num_pictures": 12, "num_processes": 2},
        {"camera_width": 200, "image_size": 40, "seed": 4},
        {"num_processes": 0},
        "num_processes: got 0, expected a whole number, at least 1 and at most 8",
    ),
    "16_kaggle_submission": Sets(
        {"num_folds": 2, "public_share": 0.4},
        {"num_labelled": 80, "num_entries": 4, "seed": 2},
        {"public_share": 0.9},
        "public_share: got 0.9, expected a number, at least 0.05 and at most 0.6",
    ),
    "17_your_own_images": Sets(
        {"fit": "crop", "batch_size": 8},
        {"test_fraction": 0.3, "seed": 1},
        {"fit": "stretch"},
        "fit: got 'stretch', expected one of squash, crop, pad",
    ),
}
NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.slow


def run(notebook, output, cwd, **parameters):
    return papermill.execute_notebook(
        str(notebook),
        None if output is None else str(output),
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


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_kernels_are_forked_and_end_with_the_run(tmp_path, make_notebook):
    look = "import os, sys\nprint(os.getpid(), os.getpgid(0) == os.getpid(), 'torch' in sys.modules)"
    nb = run(make_notebook(tmp_path / "01_x.ipynb", [look]), None, tmp_path)
    pid, leads_its_group, has_torch = nb.cells[-2].outputs[0].text.split()
    assert leads_its_group == "True", "an interrupt for the kernel must not hit the tests"
    assert has_torch == "True"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


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
def test_F32_wrong_parameters_stop_in_the_first_cells(tmp_path, make_notebook, parameters, parts):
    notebook = make_notebook(tmp_path / "01_x.ipynb", ["print('never')"])
    message = refused_at_once(notebook, tmp_path, **parameters)
    for part in parts:
        assert part in message


def test_every_notebook_has_its_sets():
    assert sorted(SETS) == [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_F32_every_notebook_refuses_wrong_and_unknown_parameters_at_once(tmp_path, notebook):
    message = refused_at_once(notebook, tmp_path, profil="smoke", **SETS[notebook.stem].wrong)
    assert "profil: this notebook has no such parameter. Did you mean 'profile'?" in message
    assert SETS[notebook.stem].says in message


def twice(notebook, second, path):
    """Write the notebook, followed by itself with the parameters `second`, to be run in one kernel."""
    whole, again = nbformat.read(notebook, as_version=4), nbformat.read(notebook, as_version=4).cells
    place = next(i for i, cell in enumerate(again) if "parameters" in cell.metadata.get("tags", []))
    lines = ["# Parameters", *(f"{name} = {value!r}" for name, value in second.items())]  # as papermill's
    again.insert(place + 1, new_code_cell("\n".join(lines)))
    for number, cell in enumerate(again):
        cell.id = f"again-{number}"
        cell.metadata.pop("tags", None)  # papermill's own set goes into the first half
    whole.cells += again
    nbformat.write(whole, path)
    return path


def settings_shown(nb):
    """Give for each half what the cell that reads the parameters showed: name to (value, where from)."""
    tables = []
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/plain", "")
            if text.startswith("parameter "):
                rows = [line.split(maxsplit=1) for line in text.splitlines()[1:]]
                tables.append({name: tuple(rest.split("  ", 1)) for name, rest in rows})
    return tables


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_runs_with_two_other_sets(tmp_path, notebook):
    first, second, _, _ = SETS[notebook.stem]
    both = twice(notebook, {"profile": "smoke", **second}, tmp_path / "both.ipynb")
    nb = run(both, None, tmp_path, profile="smoke", **first)  # papermill would write it 200 times
    tables = settings_shown(nb)
    assert len(tables) == 2
    for table, given in zip(tables, (first, second), strict=True):
        by_hand = {name for name, (_, origin) in table.items() if origin.strip() == "given by hand"}
        assert by_hand == {"profile", *given}
        for name, value in given.items():
            assert table[name][0] == repr(value)
