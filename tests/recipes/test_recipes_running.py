"""A recipe from pictures to card: what lies in the folder, resuming, opening, other pictures."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data.manifest import Manifest
from course_utils.recipes import open_run, resume, train
from course_utils.runs import RunFolder
from course_utils.training import checkpoint

QUIET = {"device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def files_of(run):
    return {path.name for path in run.path.iterdir()}


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_all_that_is_promised(recipe, colours, tmp_path):
    lines = []
    trained = train(recipe, root=tmp_path, say=lines.append, **QUIET)
    run = trained.run
    promised = {"config.json", "card.json", "data.json", "metrics.csv", "best.safetensors", "last.pt"}
    promised |= {"split.csv", "split.json", "report.json", "report.html", "predictions.csv"}
    assert promised | {"curves.png", "confusion.png"} <= files_of(run)
    assert run.config() == json.loads(json.dumps(recipe.resolved().as_dict()))

    manifest = Manifest.read(run.path / "split.csv")
    assert manifest.class_names == ("blue and 蓝", "green", "red")
    tested = manifest.of("test")
    rows = read_csv(run.path / "predictions.csv")
    assert [row["image_id"] for row in rows] == [row.path for row in tested]
    assert [row["true_label"] for row in rows] == [row.label for row in tested]
    right = sum(row["label"] == row["true_label"] for row in rows)
    assert trained.report["summary"]["accuracy"] == right / len(rows)
    assert trained.report["part"] == "test"

    card = run.card()
    assert card["metrics"]["test_accuracy"] == right / len(rows)
    assert (
        card["seed"] == 3
        and card["data_fingerprint"]
        == json.loads((run.path / "data.json").read_text(encoding="utf-8"))["fingerprint"]
    )
    assert {"versions", "hardware", "git_commit", "peak_memory_bytes", "seconds"} <= set(card)
    with Image.open(run.path / "curves.png") as picture:
        assert picture.width > 300
    text = "\n".join(lines)
    assert "27 train, 9 val, 12 test pictures in 3 classes" in text and str(run.path) in text
    assert "test accuracy" in text


def test_a_stopped_run_goes_on_to_the_same_bits(recipe, tmp_path):
    straight = train(recipe, root=tmp_path, run_name="straight", **QUIET)
    stopped = train(recipe, root=tmp_path, run_name="stopped", stop_after=1, **QUIET)
    assert stopped.report == {} and not stopped.run.is_finished
    with pytest.raises(ValueError, match="nothing is left to resume"):
        resume(straight.run.path, **QUIET)
    resumed = resume(stopped.run.path, **QUIET)
    digests = [
        checkpoint.digest(checkpoint.load_last(one.run.path / "last.pt")) for one in (straight, resumed)
    ]
    assert digests[0] == digests[1]
    assert (resumed.run.path / "predictions.csv").read_bytes() == (
        straight.run.path / "predictions.csv"
    ).read_bytes()
    assert resumed.run.is_finished


def test_a_run_that_never_ended_an_epoch_starts_anew(recipe, tmp_path):
    stopped = train(recipe, root=tmp_path, stop_after=0, **QUIET)
    assert "last.pt" not in files_of(stopped.run)
    with pytest.raises(ValueError, match="no epoch has ended yet"):
        open_run(stopped.run.path)
    resumed = resume(stopped.run.path, **QUIET)
    assert len(resumed.result.history) == 3


def test_resuming_needs_the_same_pictures(recipe, colours, tmp_path):
    import shutil

    pictures = tmp_path / "pictures"
    shutil.copytree(colours, pictures)
    started = replace(recipe, data=replace(recipe.data, source=str(pictures)))
    run = train(started, root=tmp_path / "runs", stop_after=1, **QUIET).run
    moved = tmp_path / "moved"
    pictures.rename(moved)
    with pytest.raises(ValueError, match="no longer at"):
        resume(run.path, **QUIET)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(moved / "red" / "03.png")
    with pytest.raises(ValueError, match=r"started with.*03\.png has changed"):
        resume(run.path, data=moved, **QUIET)
    shutil.copy(colours / "red" / "03.png", moved / "red" / "03.png")
    assert resume(run.path, data=moved, **QUIET).run.is_finished


def test_a_changed_split_is_found(recipe, tmp_path):
    run = train(recipe, root=tmp_path, stop_after=1, **QUIET).run
    path = run.path / "split.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",val,", ",test,"), encoding="utf-8")
    with pytest.raises(ValueError, match="was changed since the run started"):
        resume(run.path, **QUIET)


def test_without_a_validation_part_the_last_average_is_kept(recipe, tmp_path):
    data = replace(recipe.data, val_fraction=0.0)
    trained = train(replace(recipe, data=data), root=tmp_path, **QUIET)
    state = checkpoint.load_last(trained.run.path / "last.pt")
    opened = open_run(trained.run.path)
    for name, tensor in opened.model.state_dict().items():
        torch.testing.assert_close(tensor, state["ema"]["module"][name], rtol=0, atol=0)
    card = trained.run.card()
    assert card["metrics"]["kept_epoch"] == 3
    assert not any("val_" in key for key in card["metrics"])


def test_without_a_test_part_the_report_says_that_it_is_optimistic(recipe, tmp_path):
    data = replace(recipe.data, test_fraction=0.0)
    trained = train(replace(recipe, data=data), root=tmp_path, **QUIET)
    assert trained.report["part"] == "val" and "optimistic" in trained.report["about"]["part"]


def test_an_opened_run_answers_as_the_run_did(recipe, colours, tmp_path):
    trained = train(recipe, root=tmp_path, **QUIET)
    moved = tmp_path / "elsewhere"
    trained.run.path.rename(moved)  # the folder alone is enough
    opened = open_run(moved)
    rows = read_csv(moved / "predictions.csv")
    answer = opened.predict([colours / row["image_id"] for row in rows])
    assert answer.predicted_names == [row["label"] for row in rows]
    np.testing.assert_allclose(answer.confidence, [float(row["probability"]) for row in rows], atol=2e-6)
    again = opened.pictures("test", root=colours)
    assert again.ids == [row["image_id"] for row in rows]
    with pytest.raises(ValueError, match="this run has train, val, test"):
        opened.pictures("validation")


def test_a_labelled_folder_is_matched_by_name(recipe, colours, tmp_path):
    trained = train(recipe, root=tmp_path / "runs", **QUIET)
    opened = open_run(trained.run.path)
    some = tmp_path / "some"
    for name in ("red", "green"):
        (some / name).mkdir(parents=True)
        (some / name / "1.png").write_bytes((colours / name / "01.png").read_bytes())
    pictures = opened.labelled_folder(some)
    assert [opened.class_names[target] for target in pictures.targets] == ["green", "red"]
    (some / "violet").mkdir()
    (some / "violet" / "1.png").write_bytes((colours / "red" / "01.png").read_bytes())
    with pytest.raises(ValueError, match="violet"):
        opened.labelled_folder(some)


def test_weights_of_other_classes_are_refused(recipe, tmp_path):
    run = train(recipe, root=tmp_path, **QUIET).run
    facts = json.loads((run.path / "data.json").read_text(encoding="utf-8"))
    facts["class_names"].reverse()
    (run.path / "data.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ValueError, match="same names in another order"):
        open_run(run.path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "data.json").unlink(), "no data.json"),
        (lambda folder: (folder / "data.json").write_text("{}"), "lacks fingerprint"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text('{"model": 1}'), "'data'|'training'"),
    ],
)
def test_a_damaged_run_folder_says_what_is_missing(recipe, tmp_path, spoil, words):
    folder = RunFolder.create("broken", tmp_path).path
    (folder / "config.json").write_text(json.dumps(recipe.as_dict()), encoding="utf-8")
    (folder / "data.json").write_text("{}", encoding="utf-8")
    spoil(folder)
    with pytest.raises(ValueError, match=words):
        open_run(folder)
