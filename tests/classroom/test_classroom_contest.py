"""A contest: hidden labels stay hidden, a submission is checked and scored, the leaderboard is right."""

import csv
import json
import zipfile

import nbformat
import pytest

from course_utils.classroom import contest
from course_utils.classroom.building import release_notebook
from course_utils.classroom.class_folder import ClassFolder
from course_utils.classroom.problem_set import read_problem_set
from course_utils.cli import main
from course_utils.data.samples import seedlings

SOURCE = """# %% [markdown]
# # Contest
# %% tags=["answer", "name:one"]
### BEGIN SOLUTION
one = 1
### END SOLUTION
# %% tags=["test", "name:one-1", "points:1"]
assert one == 1
# %% [markdown] tags=["contest", "name:board", "points:10", "from:0.2", "to:0.8"]
# Hand in submission.csv.
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contest") / "ps"
    return contest.draw_contest(folder, seed=5, num_images=100)


def write(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "species"), *labels.items()])
    return path


def test_the_labels_are_those_of_the_pictures_and_are_not_among_them(drawn):
    labels = json.loads((drawn / "labels.json").read_text())
    assert labels == seedlings.test_labels(5, num_images=100)
    assert {path.name for path in (drawn / "pictures" / "test").iterdir()} == set(labels)
    assert set(labels.values()) <= set(seedlings.CLASS_NAMES)
    assert not any("labels" in path.name for path in (drawn / "pictures").rglob("*"))
    assert contest.draw_contest(drawn) == drawn, "what is there is kept"
    assert labels == json.loads((drawn / "labels.json").read_text())


def test_scores_are_shares_of_two_parts_that_make_the_whole(drawn, tmp_path):
    labels = json.loads((drawn / "labels.json").read_text())
    assert contest.score(write(tmp_path / "a.csv", labels), drawn) == {"public": 1.0, "private": 1.0}
    wrong = dict.fromkeys(list(labels)[::2], "Maize")
    guess = {**labels, **wrong}
    found = contest.score(write(tmp_path / "b.csv", guess), drawn)
    right = sum(guess[name] == label for name, label in labels.items())
    public = round(0.3 * len(labels))
    assert found["public"] * public + found["private"] * (len(labels) - public) == pytest.approx(right)
    broken = dict(list(labels.items())[1:])
    with pytest.raises(ValueError, match="missing"):
        contest.score(write(tmp_path / "c.csv", broken), drawn)


def test_from_the_release_to_the_leaderboard(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(contest, "NUM_IMAGES", 100)
    monkeypatch.setattr(contest.draw_contest, "__kwdefaults__", {"seed": None, "num_images": 100})
    source = tmp_path / "pc.py"
    source.write_text(SOURCE)
    options = ["--class", str(tmp_path / "class")]
    assert main(["class", "release", str(source), "--to", str(tmp_path / "out"), *options]) == 0
    with zipfile.ZipFile(tmp_path / "out" / "pc.zip") as archive:
        names = archive.namelist()
    assert "pc/contest/sample_submission.csv" in names and not any("labels" in name for name in names)
    labels = json.loads((tmp_path / "class" / "contest" / "pc" / "labels.json").read_text())
    half = {name: label if place % 2 else "Maize" for place, (name, label) in enumerate(labels.items())}
    inbox = tmp_path / "inbox"
    problem_set = read_problem_set(source)
    for student, submission in {"ann": labels, "ben": half, "cleo": {"x.png": "Maize"}, "dan": None}.items():
        (inbox / student).mkdir(parents=True)
        nbformat.write(release_notebook(problem_set), inbox / student / "pc.ipynb")
        if submission is not None:
            write(inbox / student / "submission.csv", submission)
    for command in (["collect", str(source), str(inbox)], ["grade", str(source)], ["report", str(source)]):
        assert main(["class", *command, *options]) == 0
    marks = {mark.student: mark for mark in ClassFolder(tmp_path / "class").marks("pc")}
    assert marks["ann"].earned == 10 and marks["cleo"].earned == marks["dan"].earned == 0
    private = marks["ben"].contest["private"]
    assert marks["ben"].earned == pytest.approx(10 * min(1, max(0, (private - 0.2) / 0.6)), abs=0.051)
    messages = {student: mark.questions[-1].message for student, mark in marks.items()}
    assert "x.png" in messages["cleo"] and messages["dan"] == "no submission.csv was handed in"
    page = (tmp_path / "class" / "pc.html").read_text()
    assert page.index("ann") < page.index("ben") and "Leaderboard" in page
    capsys.readouterr()
