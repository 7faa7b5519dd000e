"""From one source to marks: the solution gets all, the stub nothing, an attack nothing, and nobody stops the
others."""

import zipfile
from pathlib import Path

import nbformat
import pytest

from course_utils.classroom import grading, releasing
from course_utils.classroom.building import release_notebook
from course_utils.classroom.class_folder import ClassFolder
from course_utils.classroom.class_report import near_identical
from course_utils.classroom.problem_set import read_problem_set, without_marks
from course_utils.classroom.remote import Limits
from course_utils.cli import main

SOURCE = Path(__file__).with_name("tiny.py")
TINY = read_problem_set(SOURCE)
SOLUTION = {cell.name: without_marks(cell.source) for cell in TINY.of_kind("answer")}
LIMITS = Limits(request_s=3, cpu_s=30, memory_bytes=1 << 30)


def handed_in(path, **answers):
    """Write a notebook as a student hands it in; an answer that is not given stays the stub."""
    notebook = release_notebook(TINY)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def grade(tmp_path, **answers):
    path = handed_in(tmp_path / "x.ipynb", **answers)
    return grading.grade_one(TINY, path, student="x", hidden=[SOURCE.parent], limits=LIMITS)


def points(mark):
    return {question.name: question.earned for question in mark.questions}


def test_the_source_says_what_is_what():
    assert TINY.title == "A tiny problem set" and TINY.points == 14
    assert [cell.kind for cell in TINY.cells] == [
        "prose", "given", "answer", "test", "test", "given", "answer", "test", "written",
    ]  # fmt: skip
    assert [cell.defines for cell in TINY.of_kind("answer")] == [("middle",), ("scaled", "UNIT")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"name:middle"]', '"name:Middle!"]', "cell 3: name 'Middle!'"),
        ('"points:3"', '"points:0"', "cell 4: tests and written questions have points:1 or more"),
        ('["answer", "name:scaled"]', '["answer", "name:middle"]', "'middle' is given to several cells"),
        ('["answer", "name:scaled"]', '["anwser", "name:scaled"]', "tag 'anwser'"),
        ("    ### END SOLUTION\n", "", "needs its '### END SOLUTION'"),
        ("### BEGIN SOLUTION\ndef", "def", "needs its"),
        ("# # A tiny problem set", "# A tiny problem set", "begin with the title"),
        ("NUMBERS = [3, 1, 2]", "### BEGIN SOLUTION\n### END SOLUTION", "a solution in the wrong cell"),
    ],
)
def test_a_source_with_a_mistake_is_refused(tmp_path, old, new, words):
    text = SOURCE.read_text()
    assert old in text
    path = tmp_path / "tiny.py"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=words.replace("(", r"\(")) as error:
        read_problem_set(path)
    assert str(path) in str(error.value)


def test_F38_no_solution_and_no_hidden_test_leaves_the_house(tmp_path):
    path = releasing.write_release(TINY, tmp_path)
    assert path.read_bytes() == releasing.write_release(TINY, tmp_path / "again").read_bytes()
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {
        "tiny/tiny.ipynb",
        "tiny/check_environment.py",
        "tiny/check_my_work.py",
        "tiny/README.txt",
    } <= set(texts)
    secrets = (
        "ordered",
        "asarray",
        "4711",
        "default_rng",
        "outliers",
        "BEGIN SOLUTION",
        "HIDDEN",
        "UNIT = 1",
    )
    for name, text in texts.items():
        assert [secret for secret in secrets if secret in text] == [], name
    released = nbformat.reads(texts["tiny/tiny.ipynb"], as_version=4)
    assert sum("NotImplementedError" in cell.source for cell in released.cells) == 2
    assert all(
        cell.metadata.nbgrader.locked for cell in released.cells if not cell.metadata.nbgrader.solution
    )


def test_F38_the_solution_gets_all_the_stub_nothing_each_omission_its_points(tmp_path):
    assert points(grade(tmp_path, **SOLUTION)) == {
        "middle-odd": 3,
        "middle-even": 2,
        "scaled-1": 4,
        "why": None,
    }
    assert points(grade(tmp_path)) == {"middle-odd": 0, "middle-even": 0, "scaled-1": 0, "why": None}
    for name, lost in (("middle", 5), ("scaled", 4)):
        assert (
            grade(tmp_path, **{key: text for key, text in SOLUTION.items() if key != name}).earned == 9 - lost
        )


@pytest.mark.parametrize(
    "answer",
    [
        "import statistics\ndef middle(values):\n    return statistics.median(values)",
        "def middle(values):\n    return np.median(values)",
        "middle = lambda values: float(np.percentile(values, 50))",
    ],
)
def test_other_right_answers_pass(tmp_path, answer):
    assert grade(tmp_path, **{**SOLUTION, "middle": answer}).earned == 9


def test_half_an_answer_gets_its_part_and_the_reason(tmp_path):
    mark = grade(
        tmp_path, **{**SOLUTION, "middle": "def middle(values):\n    return sorted(values)[len(values) // 2]"}
    )
    assert points(mark) == {"middle-odd": 3, "middle-even": 0, "scaled-1": 4, "why": None}
    assert mark.questions[1].message == "not fulfilled: assert middle([4, 1]) == 2.5"


ATTACKS = {
    "reads_solution": "text = open({source!r}).read()\nexec(text)",
    "writes_marks": "import json; json.dump({{}}, open({marks!r}, 'w'))",
    "equal_to_all": "class Yes(float):\n    __eq__ = lambda s, o: True\n    __hash__ = None\n"
    "def middle(v): return Yes(1)",
    "patches": "import builtins, numpy.testing as t\nt.assert_allclose = lambda *a, **k: None\n"
    "builtins.AssertionError = SystemExit\ndef middle(v): return 0\n"
    "def scaled(a, factor=2): return 0\nUNIT = 0",
    "network": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "processes": "import os\nwhile True: os.fork()",
    "frames": "import sys\ndef middle(values):\n    f = sys._getframe()\n    while f.f_back: f = f.f_back\n"
    "    return eval('expected', f.f_globals)",
    "ends": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "loop": "while True: pass",
    "hoard": "hoard = [np.ones(1 << 27) for _ in range(9)]",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_F37_an_attack_earns_nothing_and_changes_nothing(tmp_path, attack):
    marks = tmp_path / "marks.json"
    marks.write_text("[]")
    mark = grade(tmp_path, middle=ATTACKS[attack].format(source=str(SOURCE), marks=str(marks)))
    assert mark.earned == 0 and marks.read_text() == "[]"
    by_the_door = ("reads_solution", "writes_marks", "network", "processes", "ends")
    assert mark.status == ("forbidden" if attack in by_the_door else "graded"), mark


def test_written_points_are_kept_checked_and_counted(tmp_path):
    folder = ClassFolder(tmp_path)
    mark = grading.grade_one(
        TINY, handed_in(tmp_path / "a.ipynb", **SOLUTION, why="=Because"), student="ann", limits=LIMITS
    )
    folder.write_marks(TINY, [mark])
    path = folder.written_path("tiny")
    text = path.read_text()
    assert text == "student,question,points,of,answer\nann,why,,5,'=Because\n"
    stub = grading.grade_one(TINY, handed_in(tmp_path / "b.ipynb"), student="ben", limits=LIMITS)
    folder.write_marks(TINY, [stub])
    assert path.read_text() == text + "ben,why,,5,\n", "the question itself is not taken for an answer"
    path.write_text(text.replace("why,,5", 'why,"3,5",5'))
    folder.write_marks(TINY, [mark])
    again, _ = folder.marks("tiny")
    assert again.earned == 12.5 and again.is_complete
    path.write_text(text.replace("why,,5", "why,6,5"))
    with pytest.raises(
        ValueError, match=r"tiny.csv, row 2 \(ann, why\): 6 points; expected a number from 0 to 5"
    ):
        folder.marks("tiny")


def test_near_copies_are_paired_and_short_or_usual_answers_are_not():
    long = """def middle(values):
    total, seen, first = 0, [], True
    for value in values:
        seen.append(value)
        total += value
        first = False
    seen = sorted(seen, key=lambda one: (one, 0))
    while len(seen) > 2:
        seen = seen[1:-1]
    return sum(seen) / len(seen) if not first else total
"""
    renamed = long.replace("seen", "box").replace("total", "t").replace("# ", "")
    other = long.replace(
        "while len(seen) > 2:\n        seen = seen[1:-1]",
        "seen = seen[(len(seen) - 1) // 2 : len(seen) // 2 + 1]",
    )
    texts = {"ann": long, "ben": renamed, "cleo": SOLUTION["middle"], "dan": SOLUTION["middle"], "eve": other}
    marks = [
        grading.SubmissionMark(name, "tiny", "graded", answers={"middle": text})
        for name, text in texts.items()
    ]
    assert [(first, second) for first, second, _ in near_identical(TINY, marks)] == [("ann", "ben")]
    everything = [grading.SubmissionMark(name, "tiny", "graded", answers=SOLUTION) for name in "xyz"]
    assert near_identical(TINY, everything) == [], "our own way, several cells of it, is nobody's alone"


@pytest.mark.slow
def test_F37_a_class_of_30_is_graded_in_one_command(tmp_path, capsys):
    inbox, kinds = tmp_path / "inbox", {}
    answers = [SOLUTION, {}, {**SOLUTION, "scaled": "raise ValueError"}]
    for number in range(16):
        kinds[f"student{number:02d}"] = (9, 0, 5)[number % 3]
        handed_in(inbox / f"student{number:02d}" / "tiny.ipynb", **answers[number % 3], why=f"text {number}")
    for name, attack in ATTACKS.items():
        code = attack.format(source=str(SOURCE), marks=str(tmp_path / "m.json"))
        handed_in(inbox / name / "tiny.ipynb", middle=code)
        kinds[name] = 0
    always = {"middle-odd": "assert True", "middle-even": "assert True", "scaled-1": "assert True"}
    handed_in(inbox / "edited_tests" / "tiny.ipynb", **always)
    (inbox / "broken").mkdir()
    (inbox / "broken" / "tiny.ipynb").write_text("{")
    handed_in(inbox / "wrong_name" / "Untitled.ipynb", **SOLUTION)
    handed_in(inbox / "中文 名_77_assignsubmission_file_" / "tiny.ipynb", **SOLUTION)
    kinds |= {"edited_tests": 0, "broken": 0, "wrong_name": 9, "中文_名_77": 9}
    assert len(kinds) == 30
    before = {path: path.read_bytes() for path in inbox.rglob("*.ipynb")}
    options = ["--class", str(tmp_path / "class")]

    assert main(["class", "collect", str(SOURCE), str(inbox), *options]) == 0
    assert (
        "wrong_name/Untitled.ipynb: another name, taken by its cells as wrong_name's"
        in capsys.readouterr().out
    )
    assert main(["class", "check", str(SOURCE), *options]) == 0
    assert "30 notebooks checked, 2 with changed cells" in capsys.readouterr().out
    assert main(["class", "grade", str(SOURCE), "--seconds", "3", *options]) == 0
    marks = ClassFolder(tmp_path / "class").marks("tiny")
    assert {mark.student: mark.earned for mark in marks} == kinds
    forbidden = {mark.student for mark in marks if mark.status == "forbidden"}
    assert forbidden == {"reads_solution", "writes_marks", "network", "processes", "ends"}
    table = (tmp_path / "class" / "tiny.csv").read_text()
    assert main(["class", "grade", str(SOURCE), "--seconds", "3", *options]) == 0
    assert (tmp_path / "class" / "tiny.csv").read_text() == table, "grading again gives the same marks"
    for command in ("feedback", "report"):
        assert main(["class", command, str(SOURCE), *options]) == 0
    assert len(list((tmp_path / "class" / "feedback" / "tiny").glob("*.html"))) == 30
    report = (tmp_path / "class" / "tiny.html").read_text()
    for said in ("30 submissions, 14 points", "24 wait to be graded by hand", "start or stop a process"):
        assert said in report
    assert {path: path.read_bytes() for path in inbox.rglob("*.ipynb")} == before
    assert not (tmp_path / "m.json").exists()
