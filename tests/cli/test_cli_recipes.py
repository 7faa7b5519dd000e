"""`train`, `resume`, `evaluate`, `predict`, `models list` as a reader types them."""

import csv
import json
import multiprocessing
import os
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from course_utils import cli

RECIPE = """
[data]
name = "shades"
image_size = 32
batch_size = 8
mode = "L"

[model]
name = "simple_cnn"
width_factor = 0.125

[training]
epochs = 2
learning_rate = 3e-3
"""


def run(capsys, *arguments):
    code = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    root = tmp_path_factory.mktemp("shades")
    for name, low in (("dark", 0), ("light", 150)):
        (root / name).mkdir()
        for number in range(16):
            pixels = np.random.default_rng(low + number).integers(low, low + 100, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def recipe_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "shades.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(shades, recipe_path, tmp_path_factory):
    """A finished run, made once by the command itself."""
    from course_utils import runtime

    arguments = ["train", recipe_path, "--data", shades, "--epochs", 1, "--seed", 5, "--name", "shades-cli"]
    assert cli.main([*map(str, arguments), "--device", "cpu", "--quiet"]) == 0
    return runtime.runs_dir() / "shades-cli"


def test_train_takes_values_from_the_command_line(trained):
    config = json.loads((trained / "config.json").read_text(encoding="utf-8"))
    assert (config["training"]["epochs"], config["training"]["seed"]) == (1, 5)
    assert (trained / "card.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such_recipe"], "there is no recipe"),
        (["RECIPE"], "--data PATH"),
        (["RECIPE", "--data", "no/such/folder"], "no such folder"),
        (["RECIPE", "--set", "training.epoch=1"], "Did you mean 'epochs'"),
        (["RECIPE", "--set", "epochs"], "expected KEY=VALUE"),
        (["RECIPE", "--epochs", "0"], "at least 1"),
        (["RECIPE", "--epochs", "1", "--set", "training.epochs=2"], "given twice"),
        (["RECIPE", "--data", "DATA", "--set", "model.name=resnet"], "unknown model 'resnet'"),
        (["RECIPE", "--data", "DATA", "--name", "a/b"], "no plain name"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, recipe_path, shades, arguments, words):
    known = {"RECIPE": recipe_path, "DATA": shades}
    code, _, err = run(capsys, "train", *(known.get(word, word) for word in arguments), "--quiet")
    assert code == 2
    assert err.startswith("python -m course_utils: ") and err.count("\n") == 1
    assert words in err


def test_an_unknown_model_leaves_no_run_folder(capsys, recipe_path, shades):
    from course_utils import runtime

    arguments = ["--data", shades, "--set", "model.name=resnet", "--name", "never", "--quiet"]
    assert run(capsys, "train", recipe_path, *arguments)[0] == 2
    assert not (runtime.runs_dir() / "never").exists()


def test_a_finished_run_is_not_resumed(capsys, trained):
    code, _, err = run(capsys, "resume", trained)
    assert code == 2 and "nothing is left to resume" in err
    code, _, err = run(capsys, "resume", "no_such_run")
    assert code == 2 and "no run folder" in err


def test_evaluate_writes_report_and_page(capsys, trained, shades):
    code, out, _ = run(capsys, "evaluate", "shades-cli", "--quiet")  # found by its name in the runs folder
    assert code == 0 and "test accuracy" in out and "precision" in out
    folder = trained / "evaluation_test"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    stored = json.loads((trained / "report.json").read_text(encoding="utf-8"))
    assert report["summary"]["confusion_matrix"] == stored["summary"]["confusion_matrix"]
    assert report["summary"]["log_loss"] == pytest.approx(stored["summary"]["log_loss"], abs=1e-6)
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")

    code, out, _ = run(capsys, "evaluate", trained, "--data", shades, "--output", trained / "all", "--quiet")
    assert code == 0 and "on 32 pictures" in out and (trained / "all" / "report.json").is_file()


def test_evaluate_refuses_other_classes_and_parts(capsys, trained, shades, tmp_path):
    shutil.copytree(shades / "dark", tmp_path / "set" / "grey")
    shutil.copytree(shades / "dark", tmp_path / "set" / "dark")
    code, _, err = run(capsys, "evaluate", trained, "--data", tmp_path / "set", "--quiet")
    assert code == 2 and "grey" in err
    code, _, err = run(capsys, "evaluate", trained, "--data", shades, "--part", "val", "--quiet")
    assert code == 2 and "has no part 'val'" in err


@pytest.mark.parametrize("way", ["second argument", "--input"])
def test_a_picture_gets_its_answer_drawn_on_a_copy(capsys, trained, shades, tmp_path, way):
    picture, out = shades / "light" / "3.png", tmp_path / "answer.png"
    before = picture.read_bytes()
    where = [picture] if way == "second argument" else ["--input", picture]
    code, said, _ = run(capsys, "predict", trained, *where, "--output", out)
    assert code == 0 and said.startswith("3.png: ")
    name, chance = said.split(": ")[1].split(",")[0].rsplit(" ", 1)
    assert name in ("dark", "light") and 0.5 <= float(chance) <= 1
    with Image.open(out) as drawn, Image.open(picture) as original:
        assert drawn.width >= original.width and drawn.height > drawn.width  # the strip is below the picture
        strip = np.asarray(drawn.convert("L"))[drawn.width :]
        assert strip.max() > 200  # something is written there
    assert picture.read_bytes() == before


def test_a_folder_becomes_a_table_in_the_runs_folder(capsys, trained, shades):
    code, said, _ = run(capsys, "predict", trained, shades, "--quiet")
    assert code == 0 and said.startswith("32 pictures: ")
    path = trained / "predictions" / f"{shades.name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image_id", "label", "probability"]
    assert [row["image_id"] for row in rows[:3]] == ["dark/0.png", "dark/1.png", "dark/2.png"]
    assert {row["label"] for row in rows} <= {"dark", "light"}
    assert all(0.5 <= float(row["probability"]) <= 1 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give one picture or folder"),
        (["no/picture.png"], "there is no picture or folder"),
        (["PICTURE", "--input", "PICTURE"], "give one picture or folder"),
        (["PICTURE", "--output", "answer.txt"], "use .png or .jpg"),
        (["PICTURE", "--top", "0"], "--top is 0"),
        (["BROKEN"], "broken.png: is a web page"),
        (["EMPTY"], "holds no pictures"),
    ],
)
def test_what_predict_cannot_do(capsys, trained, shades, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"<html>")
    (tmp_path / "empty").mkdir()
    known = {"PICTURE": shades / "dark" / "0.png", "BROKEN": "broken.png", "EMPTY": "empty"}
    code, _, err = run(capsys, "predict", trained, *(known.get(word, word) for word in arguments))
    assert code == 2 and words in err and err.count("\n") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_F20_a_stopped_training_keeps_its_last_epoch(capsys, monkeypatch, recipe_path, shades, number, code):
    from course_utils import runtime
    from course_utils.training import checkpoint, loop

    validate, calls = loop.validate_both, []

    def stopped_in_the_second_epoch(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), number)
        return validate(*arguments, **options)

    monkeypatch.setattr(loop, "validate_both", stopped_in_the_second_epoch)
    before = signal.getsignal(signal.SIGTERM)
    name = f"stopped-{code}"
    arguments = ["--data", shades, "--name", name, "--set", "data.num_workers=1", "--quiet"]
    try:
        assert run(capsys, "train", recipe_path, *arguments)[0] == code
    finally:
        signal.signal(signal.SIGTERM, before)
    folder = runtime.runs_dir() / name
    assert len(checkpoint.load_last(folder / "last.pt")["history"]) == 1
    assert not (folder / "card.json").exists()
    assert multiprocessing.active_children() == []


def test_models_are_listed(capsys):
    code, out, _ = run(capsys, "models", "list", "--pretrained")
    names = [line.split()[0] for line in out.splitlines()[1:]]
    assert code == 0 and "resnet34" in names and "simple_cnn" not in names
    resnet34 = next(line.split() for line in out.splitlines() if line.startswith("resnet34 "))
    assert resnet34[1:4] == ["course", "21.80", "224"]  # torchvision's table: 21,797,672 parameters
    code, out, _ = run(capsys, "models", "list", "efficientnet_lite0")
    assert code == 0 and "tf_efficientnet_lite0" in out and "timm" in out
    code, _, err = run(capsys, "models", "list", "resnett34")
    assert code == 2 and "the nearest names are" in err


@pytest.mark.parametrize("command", [["train"], ["resume"], ["evaluate"], ["predict"], ["models", "list"]])
def test_help_has_an_example(capsys, command):
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    assert "Example: python -m course_utils" in capsys.readouterr().out
