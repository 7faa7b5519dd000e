"""`submit`: from test pictures to a checked file; `submit check`; `submit send` with a client of our own."""

import stat
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import cli, recipes
from course_utils.data.datasets import UNLABELLED, PictureSet
from course_utils.data.loaders import Batches

NAMES = ("dark", "明", "7")
NUM = 9


class Brightness(nn.Module):
    """Classes by mean brightness: below a third, above two thirds, and between."""

    def forward(self, images):
        mean = images.mean((1, 2, 3))
        return 50 * torch.stack([0.3 - mean, mean - 0.7, 0.15 - (mean - 0.5).abs()], dim=1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder whose network is `Brightness`; another run has its classes in another order."""

    def open_run(path, *, device="cpu"):
        order = [2, 0, 1] if path.name == "other" else [0, 1, 2]
        names = tuple(NAMES[i] for i in order)

        class Ordered(Brightness):
            def forward(self, images):
                return super().forward(images)[:, order]

        def files(paths, ids=None):
            targets = [UNLABELLED] * len(paths)
            return PictureSet(paths, targets, ids, class_names=names, size=(8, 8))

        def batches(pictures, *, batch_size=None):
            return Batches(pictures, batch_size=batch_size or 4, mean=(0,) * 3, std=(1,) * 3)

        return SimpleNamespace(model=Ordered(), class_names=names, files=files, batches=batches)

    monkeypatch.setattr(recipes, "open_run", open_run, raising=False)
    for name in ("run", "other"):
        (tmp_path / name).mkdir()
    return tmp_path / "run"


@pytest.fixture
def data(tmp_path):
    """Test pictures 0001.png to 0009.png, each darker or brighter; `want` are the right class names."""
    folder = tmp_path / "test"
    folder.mkdir()
    greys = [20, 240, 128, 30, 250, 120, 10, 235, 130]
    for number, grey in enumerate(greys, 1):
        Image.new("RGB", (12, 10), (grey,) * 3).save(folder / f"{number:04d}.png")
    want = [NAMES[0] if g < 85 else NAMES[1] if g > 170 else NAMES[2] for g in greys]
    return SimpleNamespace(folder=folder, want=want)


def sample_with(tmp_path, ids, label, header="Id,Category"):
    order = np.random.default_rng(0).permutation(len(ids))
    path = tmp_path / "sample.csv"
    path.write_text("\n".join([header, *(f"{ids[i]},{label}" for i in order)]) + "\n", encoding="utf-8")
    return path


def submit(capsys, *arguments):
    code = cli.main(["submit", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


TRACKS = {
    "file,species": ([f"{i:04d}.png" for i in range(1, NUM + 1)], "dark", lambda name: name),
    "Id,Category": ([f"{i:04d}" for i in range(1, NUM + 1)], "0", lambda name: str(NAMES.index(name))),
    "ImageId,Label": ([str(i) for i in range(1, NUM + 1)], "0", lambda name: str(NAMES.index(name))),
    "image_id,label": ([f"{i:04d}.png" for i in range(1, NUM + 1)], "0", lambda name: str(NAMES.index(name))),
}


@pytest.mark.parametrize("header", TRACKS)
def test_a_run_becomes_a_submission_in_the_samples_form(run, data, tmp_path, capsys, header):
    ids, label, written = TRACKS[header]
    sample = sample_with(tmp_path, ids, label, header)
    code, out, _ = submit(capsys, run, "--data", data.folder, "--sample", sample)
    assert code == 0 and f"{run / 'submission.csv'}: 9 rows" in out
    rows = (run / "submission.csv").read_text(encoding="utf-8").splitlines()
    want = dict(zip(ids, map(written, data.want), strict=True))
    in_order = [line.split(",")[0] for line in sample.read_text(encoding="utf-8").splitlines()[1:]]
    assert rows == [header, *(f"{one_id},{want[one_id]}" for one_id in in_order)]
    assert "dark 3, 明 3, 7 3" in out
    assert submit(capsys, "check", run / "submission.csv", "--sample", sample)[0] == 0


def test_runs_are_averaged_with_views_and_classes_by_name(run, data, tmp_path, capsys):
    sample = sample_with(tmp_path, TRACKS["file,species"][0], "明", "file,species")
    output = tmp_path / "both.csv"
    arguments = [run, tmp_path / "other", "--data", data.folder, "--sample", sample, "--output", output]
    assert submit(capsys, *arguments, "--views", "eight")[0] == 0
    rows = dict(line.split(",") for line in output.read_text(encoding="utf-8").splitlines()[1:])
    assert [rows[f"{i:04d}.png"] for i in range(1, NUM + 1)] == data.want


def test_by_the_order_of_the_files(run, data, tmp_path, capsys):
    path = tmp_path / "sample.csv"
    path.write_text("ImageId,Label\n" + "".join(f"{i},0\n" for i in range(100, 109)))
    code, _, err = submit(capsys, run, "--data", data.folder, "--sample", path)
    assert code == 2 and "row numbers" in err and "--ids files" in err
    assert not (run / "submission.csv").exists()
    assert submit(capsys, run, "--data", data.folder, "--sample", path, "--ids", "files")[0] == 0
    rows = (run / "submission.csv").read_text().splitlines()[1:]
    assert rows == [f"{100 + i},{NAMES.index(name)}" for i, name in enumerate(data.want)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RUN", "--sample", "SAMPLE"], "--data FOLDER"),
        (["RUN", "RUN", "--data", "DATA", "--sample", "SAMPLE"], "--output FILE"),
        (["RUN", "--data", "DATA", "--sample", "SAMPLE", "--classes", "a"], "--classes has no effect"),
        (["check", "x.csv", "--sample", "SAMPLE", "--data", "DATA"], "--data has no effect"),
        (["check", "--sample", "SAMPLE"], "takes one file"),
        (["check", "x.csv", "--sample", "SAMPLE"], "x.csv"),
        (["send", "SAMPLE", "--sample", "SAMPLE"], "--competition NAME"),
        (["RUN", "--data", "DATA", "--sample", "SAMPLE", "--views", "flop"], "'flop' is no view"),
    ],
)
def test_wrong_use_is_said(run, data, tmp_path, capsys, arguments, said):
    sample = sample_with(tmp_path, TRACKS["Id,Category"][0], "0")
    places = {"RUN": run, "DATA": data.folder, "SAMPLE": sample}
    code, _, err = submit(capsys, *(places.get(word, word) for word in arguments))
    assert code == 2 and said in err


def test_check_says_the_row(tmp_path, capsys):
    sample = sample_with(tmp_path, ["0001", "0002"], "0")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("Id,Category\n0001,0\n2,5\n")
    code, out, _ = submit(capsys, "check", wrong, "--sample", sample, "--classes", "a", "b")
    assert code == 1
    assert "data row 2 (line 3): id '2' lost its zeros" in out and "label 5 is out of range" in out


def fake_client(folder, monkeypatch, text, code=0):
    """A program `kaggle` that writes down its arguments."""
    folder.mkdir()
    program = folder / "kaggle"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(folder / 'said')!r}, 'w').write('|'.join(sys.argv[1:]))\n"
        f"print({text!r})\nsys.exit({code})\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def test_send_with_a_client(tmp_path, capsys, monkeypatch):
    fake_client(tmp_path / "bin", monkeypatch, "Successfully submitted to Digits")
    sample = sample_with(tmp_path, ["0001", "0002"], "0")
    good = ["send", sample, "--sample", sample, "--competition", "digits", "--message", "first try"]
    code, out, _ = submit(capsys, *good)
    assert code == 0 and "Successfully" in out
    want = f"competitions|submit|-c|digits|-f|{sample}|-m|first try"
    assert (tmp_path / "bin" / "said").read_text() == want


def test_a_faulty_file_is_never_sent(tmp_path, capsys, monkeypatch):
    fake_client(tmp_path / "bin", monkeypatch, "Successfully submitted")
    sample = sample_with(tmp_path, ["0001", "0002"], "0")
    bad = tmp_path / "bad.csv"
    bad.write_text("Id,Category\n0001,0\n")
    code, _, err = submit(capsys, "send", bad, "--sample", sample, "--competition", "digits")
    assert code == 2 and "'0002' is missing" in err
    assert not (tmp_path / "bin" / "said").exists()


@pytest.mark.parametrize("client", [None, ("401 - Unauthorized", 1), ("Could not submit to competition", 0)])
def test_without_client_or_account_it_says_what_to_do(tmp_path, capsys, monkeypatch, client):
    if client is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        fake_client(tmp_path / "bin", monkeypatch, *client)
    sample = sample_with(tmp_path, ["0001", "0002"], "0")
    code, out, _ = submit(capsys, "send", sample, "--sample", sample, "--competition", "digits")
    assert code == 1
    assert "was not sent" in out and "kaggle.com/competitions/digits/submit" in out
    assert (client or ["not installed"])[0] in out
