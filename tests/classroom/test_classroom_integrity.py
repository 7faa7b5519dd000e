"""What came back changed: cells deleted, copied, split, renamed or edited are named before grading (F39)."""

import copy

from test_classroom_grading import LIMITS, SOLUTION, TINY

from course_utils.classroom import grading, integrity
from course_utils.classroom.building import release_notebook, teacher_notebook
from course_utils.classroom.problem_set import without_marks


def submitted(cells):
    return integrity.compare(cells, release_notebook(TINY).cells)


def changed(change):
    cells = copy.deepcopy(teacher_notebook(TINY).cells)
    for cell in cells:
        cell.source = without_marks(cell.source)
    by_name = {cell.metadata.nbgrader.grade_id: place for place, cell in enumerate(cells)}
    change(cells, by_name)
    return submitted(cells)


def test_F39_changed_cells_are_named_before_grading():
    def deleted(cells, at):
        del cells[at["middle"]]

    def copied(cells, at):
        cells.append(copy.deepcopy(cells[at["middle"]]))

    def split(cells, at):
        second = copy.deepcopy(cells[at["middle"]])
        lines = cells[at["middle"]].source.splitlines()
        cells[at["middle"]].source, second.source = "\n".join(lines[:3]), "\n".join(lines[3:])
        cells.insert(at["middle"] + 1, second)

    def renamed(cells, at):
        cells[at["middle"]].metadata.nbgrader.grade_id = "mine"

    def stripped(cells, at):
        cells[at["middle"]].metadata = {}

    def edited(cells, at):
        cells[at["middle-odd"]].source = "pass"

    words = {
        deleted: "was deleted",
        copied: "is there 2 times",
        split: "was split into 2",
        stripped: "lost its name",
        renamed: "is called 'mine' now",
        edited: "not yours to change",
    }
    for change, said in words.items():
        found = changed(change)
        name = "middle-odd" if change is edited else "middle"
        own = [problem for problem in found.problems if problem.startswith(f"{name}:")]
        assert len(own) == 1 and said in own[0], (change.__name__, found.problems)
        if change is not deleted:
            assert found.answers["middle"] == SOLUTION["middle"]


def test_what_is_no_notebook_is_unreadable(tmp_path):
    for text in (
        "",
        "{",
        '{"cells": 3}',
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"x": 1}]}',
    ):
        path = tmp_path / "x.ipynb"
        path.write_text(text)
        mark = grading.grade_one(TINY, path, student="x", limits=LIMITS)
        assert mark.status == "unreadable" and mark.earned == 0 and mark.is_complete
