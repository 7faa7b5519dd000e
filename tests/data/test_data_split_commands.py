"""`data split | audit | stats` on the command line."""

import argparse
import json

import numpy as np
import pytest
from PIL import Image

from course_utils.cli import data_splits
from course_utils.data import confounds


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(confounds, "NUM_SHUFFLES", 1)  # the slowest part of an audit, tested elsewhere
    monkeypatch.setenv("COURSE_RUNS", str(tmp_path / "runs"))

    def call(*arguments: object):
        parser = argparse.ArgumentParser()
        data_splits.register(parser.add_subparsers(required=True), argparse.ArgumentParser(add_help=False))
        options = parser.parse_args([str(argument) for argument in arguments])
        return options.function(options), capsys.readouterr().out

    return call


@pytest.fixture
def source(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "insects" / name).mkdir(parents=True)
        for number in range(10):
            pixels = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels).resize((24, 24), Image.Resampling.BICUBIC)
            picture.save(tmp_path / "insects" / name / f"{number}.png")
    return tmp_path / "insects"


def test_split_shows_the_table_and_makes_the_tree(run, source, tmp_path):
    code, out = run("split", source)
    assert code == 0
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["train", "val"], ["ant", "7", "3"], ["bee", "7", "3"], ["all", "14", "6"],
    ]  # fmt: skip
    target = tmp_path / "data/insects_split"
    assert f"{target}: 20 files by hardlink" in out
    assert len(list(target.rglob("*.png"))) == 20
    assert run("split", source, "--seed", 1)[0] == 0  # replaces its own tree


def test_a_plan_writes_nothing(run, source, tmp_path):
    (source / "ant/again.png").write_bytes((source / "ant/1.png").read_bytes())
    code, out = run("split", source, "--plan", "--fractions", 0.6, 0.2, 0.2)
    assert code == 0
    assert "test" in out.splitlines()[0]
    assert "2 pictures in 1 groups are kept together" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["insects"]
    assert "kept together" not in run("split", source, "--plan", "--keep-together", "none")[1]


def test_audit_writes_json_and_page_and_fails_on_errors(run, source, tmp_path):
    code, out = run("audit", source)
    assert code == 0
    assert "all 20 pictures can be read" in out
    page = tmp_path / "runs/audit_insects/audit.html"
    assert str(page) in out
    assert "<h1>Audit of insects</h1>" in page.read_text(encoding="utf-8")
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["num_pictures"] == 20
    (source / "bee/broken.png").write_bytes(b"")
    assert run("audit", source, "--output", tmp_path / "out", "--no-near")[0] == 1
    assert (tmp_path / "out/audit.html").is_file()


def test_audit_of_a_split_finds_no_crossing_copies(run, source, tmp_path):
    (source / "ant/again.png").write_bytes((source / "ant/1.png").read_bytes())
    run("split", source, tmp_path / "split")
    code, out = run("audit", tmp_path / "split")
    assert code == 0
    assert "1 groups of copies within one part" in out
    assert run("audit", tmp_path / "split/split.csv", "--root", source)[0] == 0


def test_stats_are_of_the_training_part_unless_told_otherwise(run, source, tmp_path):
    run("split", source, tmp_path / "split")
    for part, arguments in (("train", []), ("val", ["--part", "val"])):
        code, out = run("stats", tmp_path / "split", "--json", *arguments)
        assert code == 0
        figures = json.loads(out)
        arrays = [np.asarray(Image.open(path)) / 255 for path in (tmp_path / "split" / part).rglob("*.png")]
        assert figures["split"] == part
        np.testing.assert_allclose(figures["mean"], np.mean(arrays, axis=(0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(figures["std"], np.std(arrays, axis=(0, 1, 2)), rtol=1e-12)
    assert "train only" in run("stats", tmp_path / "split")[1]
    with pytest.raises(ValueError, match="no part 'test'; it has train, val"):
        run("stats", tmp_path / "split", "--part", "test")


def test_names_of_the_catalog_mean_prepared_sets(run):
    with pytest.raises(ValueError, match="digits is not prepared; run `data prepare digits`"):
        run("split", "digits")
    with pytest.raises(ValueError, match="nothing_here does not exist"):
        run("stats", "nothing_here")
