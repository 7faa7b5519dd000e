"""A recipe from pictures to card: what lies in the folder, resuming, opening, other pictures."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data.manifest import Manifest
from course_utils.recipes import open_run, reporting, resume, train
from course_utils.runs import RunFolder
from course_utils.training import checkpoint

QUIET = {"device": "cpu", "progress": False}


@pytest.fixture
def no_page(monkeypatch):
    """Leave out the page, which takes longer than the training and has tests of its own."""
    monkeypatch.setattr(reporting, "write_page", lambda report, path: path)


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    return RunFolder(shutil.copytree(finished.run.path, tmp_path / "copy"))


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_all_that_is_promised(recipe, finished, lines):
    folder = finished.run.path
    promised = {"config.json", "card.json", "data.json", "metrics.csv", "best.safetensors", "last.pt"}
    promised |= {"split.csv", "split.json", "report.json", "report.html", "predictions.csv"}
    assert promised | {"curves.png", "confusion.png"} <= {path.name for path in folder.iterdir()}
    assert finished.run.config() == json.loads(json.dumps(recipe.resolved().as_dict()))
    with Image.open(folder / "curves.png") as picture:
        assert picture.width > 300
    text = "\n".join(lines)
    assert "27 train, 9 val, 12 test pictures in 3 classes" in text and str(folder) in text
    assert "test accuracy" in text


def test_the_test_part_is_what_the_report_and_the_card_are_of(finished):
    folder = finished.run.path
    manifest = Manifest.read(folder / "split.csv")
    assert manifest.class_names == ("blue and 蓝", "green", "red")
    tested, rows = manifest.of("test"), read_csv(folder / "predictions.csv")
    assert [row["image_id"] for row in rows] == [row.path for row in tested]
    assert [row["true_label"] for row in rows] == [row.label for row in tested]
    right = sum(row["label"] == row["true_label"] for row in rows)
    assert finished.report["part"] == "test"
    assert finished.report["summary"]["accuracy"] == right / len(rows)
    card = finished.run.card()
    assert card["metrics"]["test_accuracy"] == right / len(rows)
    facts = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert (card["seed"], card["data_fingerprint"]) == (3, facts["fingerprint"])
    assert {"versions", "hardware", "git_commit", "peak_memory_bytes", "seconds"} <= set(card)


@pytest.mark.usefixtures("no_page")
def test_a_stopped_run_goes_on_to_the_same_bits(recipe, finished, tmp_path):
    stopped = train(recipe, root=tmp_path, stop_after=1, **QUIET)
    assert stopped.report == {} and not stopped.run.is_finished
    resumed = resume(stopped.run.path, **QUIET)
    states = [checkpoint.load_last(one.run.path / "last.pt") for one in (finished, resumed)]
    assert checkpoint.digest(states[0]) == checkpoint.digest(states[1])
    files = [one.run.path / "predictions.csv" for one in (finished, resumed)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert resumed.run.is_finished


def test_a_finished_run_is_not_resumed(finished):
    with pytest.raises(ValueError, match="nothing is left to resume"):
        resume(finished.run.path, **QUIET)


def test_a_run_that_never_ended_an_epoch_begins_with_the_first(recipe, tmp_path):
    stopped = train(recipe, root=tmp_path, stop_after=0, **QUIET)
    assert not (stopped.run.path / "last.pt").exists()
    with pytest.raises(ValueError, match="no epoch has ended yet"):
        open_run(stopped.run.path)
    assert [row["epoch"] for row in resume(stopped.run.path, stop_after=1, **QUIET).result.history] == [1]


def test_resuming_needs_the_same_pictures(recipe, colours, tmp_path):
    pictures, moved = tmp_path / "pictures", tmp_path / "moved"
    shutil.copytree(colours, pictures)
    started = replace(recipe, data=replace(recipe.data, source=str(pictures)))
    run = train(started, root=tmp_path / "runs", stop_after=1, **QUIET).run
    pictures.rename(moved)
    with pytest.raises(ValueError, match="no longer at"):
        resume(run.path, **QUIET)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(moved / "red" / "03.png")
    with pytest.raises(ValueError, match=r"started with.*03\.png has changed"):
        resume(run.path, data=moved, **QUIET)
    shutil.copy(colours / "red" / "03.png", moved / "red" / "03.png")
    assert len(resume(run.path, data=moved, stop_after=2, **QUIET).result.history) == 2


def test_a_changed_split_is_found(copy_of_finished):
    folder = copy_of_finished.path
    (folder / "card.json").unlink()
    text = (folder / "split.csv").read_text(encoding="utf-8")
    (folder / "split.csv").write_text(text.replace(",val,", ",test,"), encoding="utf-8")
    with pytest.raises(ValueError, match="was changed since the run started"):
        resume(folder, **QUIET)


@pytest.mark.usefixtures("no_page")
def test_without_a_validation_part_the_last_average_is_kept(recipe, tmp_path):
    data = replace(recipe.data, val_fraction=0.0)
    with pytest.raises(ValueError, match=r"set training.keep to 'last'"):
        replace(recipe, data=data)
    training = replace(recipe.training, keep="last", metric="ema_val_accuracy")
    trained = train(replace(recipe, data=data, training=training), root=tmp_path, **QUIET)
    average = checkpoint.load_last(trained.run.path / "last.pt")["ema"]["module"]
    for name, tensor in open_run(trained.run.path).model.state_dict().items():
        torch.testing.assert_close(tensor, average[name], rtol=0, atol=0)
    metrics = trained.run.card()["metrics"]
    assert metrics["kept_epoch"] == 3 and not any("val_" in key for key in metrics)


@pytest.mark.usefixtures("no_page")
def test_without_a_test_part_the_report_says_that_it_is_optimistic(recipe, tmp_path):
    data = replace(recipe.data, test_fraction=0.0)
    trained = train(replace(recipe, data=data), root=tmp_path, **QUIET)
    assert trained.report["part"] == "val" and "optimistic" in trained.report["about"]["part"]


def test_an_opened_run_answers_as_the_run_did(copy_of_finished, colours):
    folder = copy_of_finished.path  # the folder alone is enough, wherever it lies
    opened = open_run(folder)
    rows = read_csv(folder / "predictions.csv")
    answer = opened.predict([colours / row["image_id"] for row in rows])
    assert answer.predicted_names == [row["label"] for row in rows]
    np.testing.assert_allclose(answer.confidence, [float(row["probability"]) for row in rows], atol=2e-6)
    assert opened.pictures("test", root=colours).ids == [row["image_id"] for row in rows]
    with pytest.raises(ValueError, match="this run has train, val, test"):
        opened.pictures("validation")


def test_a_labelled_folder_is_matched_by_name(finished, colours, tmp_path):
    opened = open_run(finished.run.path)
    for name in ("red", "green"):
        (tmp_path / name).mkdir()
        shutil.copy(colours / name / "01.png", tmp_path / name)
    pictures = opened.labelled_folder(tmp_path)
    assert [opened.class_names[target] for target in pictures.targets] == ["green", "red"]
    (tmp_path / "violet").mkdir()
    shutil.copy(colours / "red" / "01.png", tmp_path / "violet")
    with pytest.raises(ValueError, match="violet"):
        opened.labelled_folder(tmp_path)


def test_weights_of_other_classes_are_refused(copy_of_finished):
    path = copy_of_finished.path / "data.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["class_names"].reverse()
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ValueError, match="same names in another order"):
        open_run(copy_of_finished.path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "data.json").unlink(), "no data.json"),
        (lambda folder: (folder / "data.json").write_text("{}"), "lacks fingerprint"),
        (lambda folder: (folder / "data.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text('{"model": {}}'), "'data' is missing"),
    ],
)
def test_a_damaged_run_folder_says_what_is_missing(copy_of_finished, spoil, words):
    spoil(copy_of_finished.path)
    with pytest.raises(ValueError, match=words):
        open_run(copy_of_finished.path)
