"""The blank sheet of notebook 17 opens the reader's files: what it finds, and that it changes none of them.

Stubs, wrong and other right answers are tested with those of all exercises, in test_checks_all.py.
"""

from hashlib import sha256

import pytest

from course_utils import checks
from course_utils.checks.blank_sheet import example_folder
from course_utils.data.audit import audit


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_example_holds_the_faults_it_speaks_of():
    report = audit(example_folder(), num_workers=1)
    assert [one.path for one in report.damaged] == ["apple/broken.jpg"]
    groups = {frozenset(one.paths): (one.kind, one.conflicts) for one in report.copies}
    assert groups == {
        frozenset({"apple/a0.png", "apple/a0 (1).png"}): ("bytes", False),
        frozenset({"apple/both.png", "pear/both.png"}): ("bytes", True),
        frozenset({"pear/p0.png", "pear/p0b.png"}): ("near", False),
    }


def test_the_checks_leave_the_folder_as_it_is():
    for name in ("own_folder", "own_split"):
        answer = checks.run_solution(checks.get(name))
        before = tree(answer["folder"])
        assert checks.get(name).check(answer).status == "correct"
        assert tree(answer["folder"]) == before


def test_a_second_shot_on_the_other_side_is_named():
    answer = checks.run_solution(checks.get("own_split"))
    part = next(part for part in ("train", "val", "test") if "pear/p0b.png" in answer[part])
    other = "test" if part != "test" else "train"
    moved = {**answer, part: [path for path in answer[part] if path != "pear/p0b.png"]}
    moved[other] = [*answer[other], "pear/p0b.png"]
    verdict = checks.get("own_split").check(moved)
    assert verdict.status == "wrong"
    assert "p0.png" in verdict.reason and "p0b.png" in verdict.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"folder": "nowhere"}, "no folder 'nowhere'"),
        ({"val": ["apple/none.png"]}, "no file below the folder"),
        ({"train": [], "test": ["apple/a1.png", "pear/p1.png"]}, "train has no picture"),
    ],
)
def test_what_is_wrong_with_a_split_is_said(change, says):
    answer = checks.run_solution(checks.get("own_split"))
    assert says in checks.get("own_split").check({**answer, **change}).reason


def test_a_result_is_worked_out_again_from_the_predictions():
    answer = checks.run_solution(checks.get("own_result"))
    exercise = checks.get("own_result")
    assert exercise.check(answer).status == "correct"
    assert "expected 0.95" in exercise.check({**answer, "accuracy": 0.9}).reason
    assert "so say so" in exercise.check({**answer, "claim": "not shown"}).reason
    assert "stands in no training label" in exercise.check({**answer, "learnt": ["apple"]}).reason
