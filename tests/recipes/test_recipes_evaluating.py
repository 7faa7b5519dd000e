"""Views, temperature, ensemble and comparison of `evaluate`, against figures computed by hand."""

import csv
import json
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax

from course_utils import cli
from course_utils.evaluation import metrics
from course_utils.evaluation.comparison import difference_interval
from course_utils.recipes import open_run, train
from course_utils.recipes.evaluating import Members, check_views, open_named, ways_of

pytestmark = pytest.mark.slow  # they train


@pytest.fixture(scope="module")
def runs(recipe, tmp_path_factory):
    """Two runs of the recipe with other seeds, half trained, so that they err and differ."""
    root = tmp_path_factory.mktemp("runs")
    paths = []
    for seed in (1, 2):
        training = replace(recipe.training, epochs=1, seed=seed, learning_rate=1e-3)
        one = replace(recipe, name=f"seed{seed}", training=training)
        paths.append(train(one, root=root, device="cpu", progress=False).run.path)
    return paths


@pytest.fixture(scope="module")
def other(recipe, tmp_path_factory):
    """A run that holds out other pictures."""
    training = replace(recipe.training, epochs=1)
    one = replace(recipe, name="other", data=replace(recipe.data, split_seed=7), training=training)
    return train(one, root=tmp_path_factory.mktemp("other"), device="cpu", progress=False).run.path


def evaluate(capsys, *arguments):
    code = cli.main(["evaluate", *map(str, arguments), "--quiet", "--device", "cpu"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def chances(path, part, *, flipped=False):
    """Probabilities and targets of a part, by plain torch."""
    import torch

    opened = open_run(path)
    pictures = opened.pictures(part)
    images = torch.cat([batch.images for batch in opened.batches(pictures).epoch()])
    with torch.inference_mode():
        logits = opened.model(images.flip(-1) if flipped else images).double().numpy()
    return softmax(logits, axis=1), pictures.targets


def test_several_runs_with_views_give_the_mean_of_all_probabilities(capsys, runs, tmp_path):
    code, out, _ = evaluate(capsys, *runs, "--views", "flips", "--output", tmp_path)
    assert code == 0 and "ensemble of 2, views flips: accuracy" in out
    found = [chances(path, "test", flipped=flipped) for path in runs for flipped in (False, True)]
    mean, targets = np.mean([one for one, _ in found], axis=0), found[0][1]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["summary"]["accuracy"] == np.mean(mean.argmax(axis=1) == targets)
    loss = -np.mean(np.log(mean[np.arange(len(targets)), targets]))
    assert report["summary"]["log_loss"] == pytest.approx(loss, abs=1e-5)
    names = [row["name"] for row in report["ways"]]
    assert names == ["seed1", "seed2", "ensemble of 2", "ensemble of 2, views flips"]
    alone = chances(runs[1], "test")[0]
    assert report["ways"][1]["accuracy"] == np.mean(alone.argmax(axis=1) == targets)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("Ways to predict", "ensemble of 2, views flips", "mean of the"))


def test_the_temperature_is_the_best_of_the_validation_part(capsys, runs, tmp_path):
    code, out, _ = evaluate(capsys, runs[0], "--temperature", "--output", tmp_path)
    assert code == 0 and "fitted on" in out
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    value = report["temperature"]["value"]
    held_out, targets = chances(runs[0], "val")

    def loss(temperature):
        scaled = softmax(np.log(held_out) / temperature, axis=1)
        return -np.mean(np.log(scaled[np.arange(len(targets)), targets]))

    assert report["temperature"]["fitted_on"] == len(targets)
    assert loss(value) <= min(loss(value * 1.02), loss(value / 1.02)) + 1e-9
    on_test = softmax(np.log(chances(runs[0], "test")[0]) / value, axis=1)
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        said = [float(row["probability"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(said, on_test.max(axis=1), atol=2e-5)
    assert report["ways"][1]["accuracy"] == report["ways"][0]["accuracy"]  # it changes no decision
    assert json.loads((tmp_path / "temperature.json").read_text(encoding="utf-8"))["value"] == value


def test_a_comparison_counts_and_gives_the_interval(capsys, runs, tmp_path):
    code, out, _ = evaluate(capsys, runs[0], "--compare", runs[1], "--output", tmp_path)
    assert code == 0 and "McNemar p =" in out
    (row,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["comparisons"]
    first, targets = chances(runs[0], "test")
    right = [one.argmax(axis=1) == targets for one in (first, chances(runs[1], "test")[0])]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert (row["only_this_right"], row["only_other_right"]) == (only_first, only_second)
    assert row["difference"] == pytest.approx(right[0].mean() - right[1].mean())
    want = metrics.mcnemar(first.argmax(1), chances(runs[1], "test")[0].argmax(1), targets)
    assert row["p_value"] == pytest.approx(want.p_value)
    assert row["difference_interval_95"] == list(difference_interval(only_first, only_second, len(targets)))
    assert "this one is better by" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["A", "--views", "identity"], "changes nothing"),
        (["A", "--views", "five_crop"], "five_crops"),
        (["A", "A"], "given twice"),
        (["A", "--compare", "A"], "given twice"),
        (["A", "--temperature", "--part", "val"], "fitted on the validation part"),
        (["A", "--temperature", "--data", "DATA"], "pictures of it are reported on"),
        (["A", "OTHER"], "other pictures"),
        (["A", "--compare", "OTHER"], "other pictures"),
    ],
)
def test_what_has_no_effect_or_cannot_be_compared_is_refused(capsys, runs, recipe, other, arguments, words):
    known = {"A": runs[0], "DATA": recipe.data.source, "OTHER": other}
    code, _, err = evaluate(capsys, *(known.get(word, word) for word in arguments))
    assert code == 2 and words in err and err.count("\n") == 1


def test_each_kind_of_report_has_its_folder(capsys, runs, tmp_path):
    copies = [shutil.copytree(path, tmp_path / path.name) for path in runs]
    for arguments, folder in (
        ([copies[0]], "evaluation_test"),
        ([*copies, "--views", "flips"], "evaluation_test_ensemble_of_2_flips"),
    ):
        assert evaluate(capsys, *arguments)[0] == 0
        assert (copies[0] / folder / "report.html").is_file()
    plain = json.loads((copies[0] / "evaluation_test" / "report.json").read_text(encoding="utf-8"))
    assert not {"ways", "temperature", "comparisons"} & plain.keys()


def test_nothing_is_predicted_twice(runs, monkeypatch):
    from course_utils.recipes import evaluating

    asked = []
    predict = evaluating.predict_views

    def counted(model, batches, *, views, **options):
        asked.append((id(model), views, len(batches.pictures)))
        return predict(model, batches, views=views, **options)

    monkeypatch.setattr(evaluating, "predict_views", counted)
    members = Members(open_named(runs))
    temperature = members.temperature("flips")
    ways = ways_of(members, views="flips", temperature=temperature)
    assert list(ways)[-1].startswith("ensemble of 2, views flips, temperature ")
    assert len(asked) == len(set(asked)) == 6  # two runs: test plain, test flips, val flips
    assert all(one.ids == other.ids for one, other in pairwise(ways.values()))


def test_runs_of_one_name_are_told_apart(runs, tmp_path):
    twin = shutil.copytree(runs[0], tmp_path / runs[0].name)
    names = list(open_named([runs[0], twin]))
    assert names == [f"{runs[0].parent.name}/seed1", f"{tmp_path.name}/seed1"]


def test_views_that_change_something_pass():
    check_views(None)
    check_views("flip")
    check_views("identity+flip")
