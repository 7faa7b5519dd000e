"""Two processes do what one does with the whole batch; they talk over the loopback address only."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from two_processes import CASES, batches, counts, network, steps, trained

from course_utils import runtime
from course_utils.data.ranks import Processes, all_sum, broadcast_object, current, gather_arrays
from course_utils.evaluation.predict import predict
from course_utils.runs import RunFolder
from course_utils.training import distributed

pytestmark = pytest.mark.slow  # it starts processes

SCRIPT = Path(__file__).parent / "two_processes.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> list[dict]:
    """Give what two processes, started by torchrun, wrote: a dictionary each."""
    folder = tmp_path_factory.mktemp("two")
    command = [*TORCHRUN, "--nproc-per-node", "2", str(SCRIPT), str(folder)]
    environment = runtime.child_environment(OMP_NUM_THREADS="1")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(2)]


def test_each_process_knows_its_place(both):
    assert [result["place"] for result in both] == [[0, 2, 0], [1, 2, 1]]


@pytest.mark.parametrize("case", CASES)
def test_twenty_steps_with_unequal_shares_equal_those_of_one_process(both, case):
    alone = steps(case)
    first, second = (result[f"steps, {case}"] for result in both)
    assert first == second  # the same losses and weights on both, to the bit
    epochs = {"one batch": 20, "four batches": 5, "accumulated": 10}[case]
    assert alone[epochs - 1] < alone[0] - 0.05  # it learns
    np.testing.assert_allclose(first[:epochs], alone[:epochs], atol=1e-6, rtol=0)
    np.testing.assert_allclose(first[epochs:], alone[epochs:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("num_images", [1001, 1])
def test_every_picture_counts_once_in_an_evaluation_by_two(both, num_images):
    alone = counts(num_images)
    first, second = (result[f"counts {num_images}"] for result in both)
    assert first == second
    assert first["rows"] == num_images and first["correct"] == alone["correct"]
    np.testing.assert_allclose(first["sums"], alone["sums"], atol=1e-5)  # each row at its place


def test_a_run_of_two_equals_that_of_one(both, tmp_path):
    alone = trained(tmp_path)["whole"]
    for result in both:
        got = result["fit"]["whole"]
        assert got["keys"] == alone["keys"]  # the model's own names, without "module."
        assert got["epochs_in_file"] == [1, 2, 3]
        for row, expected in zip(got["history"], alone["history"], strict=True):
            assert row.keys() == expected.keys()
            for key, value in expected.items():
                assert row[key] == pytest.approx(value, abs=1e-6), key


def test_a_resumed_run_of_two_goes_on_to_the_bit(both):
    for result in both:
        assert result["fit"]["resumed"] == result["fit"]["whole"]
    assert both[0]["fit"] == both[1]["fit"]


def test_only_the_first_process_writes(both):
    assert both[0]["writes"]
    assert both[1]["writes"] == []


def test_what_the_processes_tell_each_other(both):
    for result in both:
        assert result["talk"] == {
            "sum": [3.0, 1.0],
            "rows": [[1, 1, 1], [1, 1, 1]],
            "value": {"from": 0},
            "buffer": [1.0] * 4,
        }


def test_one_process_needs_no_session():
    assert current() == Processes(0, 1, 0) and current().is_main
    model = network()
    with distributed.session("cpu") as here:
        assert here == Processes() and not torch.distributed.is_initialized()
        assert distributed.wrap(model) is model and distributed.unwrap(model) is model
    assert all_sum([1.5, 2]) == [1.5, 2.0] and broadcast_object("x") == "x"
    array = np.arange(3)
    assert gather_arrays(array) is array


@pytest.mark.parametrize(
    "variables",
    [
        {"RANK": "0", "WORLD_SIZE": "2"},
        {"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0"},
        {"RANK": "0", "WORLD_SIZE": "two", "LOCAL_RANK": "0"},
    ],
)
def test_half_an_environment_of_torchrun_is_refused(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"RANK=.*expected all of RANK, WORLD_SIZE and LOCAL_RANK"):
        current()


def test_processes_that_are_not_connected_are_told(monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"process 1 of 2, but they are not connected.*session"):
        all_sum([1.0])


def test_batches_for_other_processes_are_refused():
    few = batches(8, 4, train=False)
    few.rank, few.world_size = 1, 3
    with pytest.raises(ValueError, match="for 3 processes, but 1 run"):
        predict(network(), few)


def test_a_batch_too_small_to_share_is_refused():
    few = batches(7, 3, train=True)  # batches of 3, 2, 2
    few.world_size = 3
    with pytest.raises(ValueError, match=r"make batches of 2, too few for 3 processes"):
        distributed.check_shares(few)
    few.world_size = 2
    distributed.check_shares(few)


def test_launch_runs_the_command_line_and_shows_its_output(capsys):
    assert distributed.launch(["--version"], num_processes=2) == 0
    from course_utils import __version__

    assert capsys.readouterr().out.split() == [__version__] * 2
    with pytest.raises(ValueError, match="num_processes is 0"):
        distributed.launch(["--version"], num_processes=0)


def test_batch_norm_for_gpus_takes_the_whole_batch(monkeypatch):
    """What `wrap` asks torch for; a machine without GPUs cannot run it."""
    monkeypatch.setattr(distributed, "current", lambda: Processes(1, 2, 1))
    monkeypatch.setattr(distributed, "DistributedDataParallel", lambda model, **options: (model, options))
    model, options = distributed.wrap(network(batch_norm=True), device="cuda")
    assert options == {"device_ids": [1]}
    assert [type(layer) for layer in model if "Norm" in type(layer).__name__] == [nn.SyncBatchNorm]


RECIPE = """
name = "together"
[data]
name = "colours"
source = {source}
image_size = 32
batch_size = 7
[model]
name = "simple_cnn"
width_factor = 0.125
[training]
epochs = 2
"""


def test_the_command_trains_with_two_processes_into_one_run_folder(tmp_path, monkeypatch, capsys):
    pictures = tmp_path / "pictures"
    for place, name in enumerate(("dark", "bright")):
        (pictures / name).mkdir(parents=True)
        for number in range(17):
            values = np.random.default_rng(number).integers(0, 100, (20, 20, 3)) + 150 * place
            Image.fromarray(values.astype(np.uint8)).save(pictures / name / f"{number}.png")
    recipe = tmp_path / "together.toml"
    recipe.write_text(RECIPE.format(source=json.dumps(str(pictures))))
    monkeypatch.setenv("COURSE_RUNS", str(tmp_path / "runs"))
    arguments = ["train", str(recipe), "--device", "cpu", "--quiet"]
    code = distributed.launch(arguments, num_processes=2)
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert printed.count("run folder:") == 1  # one process speaks
    (run,) = (RunFolder.load(path) for path in (tmp_path / "runs").iterdir())
    assert run.is_finished and [row["epoch"] for row in run.read_metrics()] == [1, 2]
    assert distributed.launch([*arguments, "--set", "training.epoch=3"], num_processes=2) != 0
    assert "epoch" in capsys.readouterr().out
