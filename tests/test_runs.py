import json
import math
import multiprocessing
import os

import numpy as np
import pytest

from course_utils import runs
from course_utils.runs import RunFolder, find_finished

CONFIG = {"model": "small", "epochs": 2, "learning_rate": 3e-3, "widths": (16, 32)}


def finish(run, config=CONFIG, fingerprint="abc", **metrics):
    run.write_card(config=config, metrics=metrics, data_fingerprint=fingerprint, seed=0, seconds=1.234)
    return run


def _create(root, ready, names):
    ready.wait()
    names.put(RunFolder.create("same", root).path.name)


def test_eight_processes_with_one_name_get_eight_folders(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, names = context.Barrier(8), context.Queue()
    processes = [context.Process(target=_create, args=(tmp_path, ready, names)) for _ in range(8)]
    for process in processes:
        process.start()
    found = {names.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert found == {"same", *(f"same-{number}" for number in range(2, 9))}
    assert {path.name for path in tmp_path.iterdir()} == found


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x\n"])
def test_a_name_is_a_plain_name(tmp_path, name):
    with pytest.raises(ValueError, match="no plain name"):
        RunFolder.create(name, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_default_root_is_the_runs_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RUNS", str(tmp_path / "elsewhere"))
    assert RunFolder.create("数字-1").path == tmp_path / "elsewhere" / "数字-1"


def test_the_card_tells_what_is_needed_to_repeat_the_run(tmp_path):
    run = RunFolder.create("digits", tmp_path)
    assert not run.is_finished
    finish(run, accuracy=np.float32(0.5), loss=math.nan)
    again = RunFolder.load(run.path)
    assert again.is_finished
    assert again.config() == json.loads(json.dumps(CONFIG))
    card = again.card()
    assert card["metrics"] == {"accuracy": 0.5, "loss": None}
    assert card["seed"] == 0 and card["seconds"] == 1.23 and card["data_fingerprint"] == "abc"
    assert card["peak_memory_bytes"] > 1e6
    assert {"python", "torch"} <= card["versions"].keys()
    assert card["hardware"]["cpu_cores"] >= 1
    assert "git_commit" in card


def test_loading_says_what_is_missing_or_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run folder"):
        RunFolder.load(tmp_path / "nothing")
    run = RunFolder.create("digits", tmp_path)
    with pytest.raises(ValueError, match=r"has no config\.json; it holds: nothing"):
        RunFolder.load(run.path)
    run.write_config(CONFIG)
    with pytest.raises(ValueError, match=r"has no card\.json; it holds: config.json"):
        RunFolder.load(run.path).card()
    (run.path / "card.json").write_text('{"half": ')
    with pytest.raises(ValueError, match=r"card\.json is damaged"):
        RunFolder.load(run.path)


def test_metrics_grow_by_rows_with_fixed_columns(tmp_path):
    run = RunFolder.create("digits", tmp_path)
    assert run.read_metrics() == []
    run.append_metrics_row({"epoch": 1, "loss": np.float64(1) / 3, "note": "a,b", "accuracy": None})
    run.append_metrics_row({"epoch": 2, "loss": 0.25, "note": "", "accuracy": 1.0})
    assert run.read_metrics() == [
        {"epoch": 1, "loss": 1 / 3, "note": "a,b", "accuracy": None},
        {"epoch": 2, "loss": 0.25, "note": None, "accuracy": 1.0},
    ]
    with pytest.raises(ValueError, match=r"metrics\.csv has the columns"):
        run.append_metrics_row({"epoch": 3, "accuracy": 1.0})
    assert len(run.read_metrics()) == 2


def test_a_resumed_run_leaves_no_epoch_twice(tmp_path):
    run = RunFolder.create("digits", tmp_path)
    for epoch in (1, 2, 3):
        run.append_metrics_row({"epoch": epoch, "loss": 1.0})
    resumed = RunFolder(run.path)
    resumed.append_metrics_row({"epoch": 2, "loss": 0.5})
    assert [(row["epoch"], row["loss"]) for row in resumed.read_metrics()] == [(1, 1.0), (2, 0.5)]


def test_a_finished_run_is_found_again_by_its_config(tmp_path):
    assert find_finished(CONFIG, "digits", tmp_path / "none") is None
    older = finish(RunFolder.create("digits", tmp_path))
    newer = finish(RunFolder.create("digits", tmp_path))
    os.utime(older.path / "card.json", (1, 1))
    finish(RunFolder.create("digits", tmp_path), {**CONFIG, "epochs": 3})
    finish(RunFolder.create("digits-other", tmp_path))
    RunFolder.create("digits", tmp_path).write_config(CONFIG)  # not finished
    damaged = finish(RunFolder.create("digits", tmp_path))
    (damaged.path / "card.json").write_text("{")
    found = find_finished(CONFIG, "digits", tmp_path)
    assert found is not None and found.path == newer.path
    assert find_finished({**CONFIG, "epochs": 4}, "digits", tmp_path) is None
    assert find_finished(CONFIG, "digits", tmp_path, data_fingerprint="abc") is not None
    assert find_finished(CONFIG, "digits", tmp_path, data_fingerprint="other data") is None


def test_key_results_show_a_table_and_carry_the_figures():
    results = runs.key_results({"test accuracy": np.float64(0.97123456), "images": 500, "<b>": math.nan})
    bundle = results._repr_mimebundle_()
    assert repr(results).splitlines()[0].split("  ")[-1] == "0.9712"
    assert "&lt;b&gt;" in bundle["text/html"]
    assert dict(bundle[runs.RESULTS_MIMETYPE]) == {"test accuracy": 0.97123456, "images": 500, "<b>": None}
    assert [name for name, _ in bundle[runs.RESULTS_MIMETYPE]] == ["test accuracy", "images", "<b>"]
    with pytest.raises(ValueError, match="no values"):
        runs.key_results({})
