"""Assignments from one source each: handed out, checked, graded, returned and reported.

The grader never runs a student's code in its own process and never compares a student's object: see `remote`.

What may be changed: problem sets are written in `assignments/`, without touching this; pages and tables in
`feedback`, `class_report` and `class_folder`. Others rely on: the tags of a source (`problem_set`) and the
cells' names, by which work that was handed out earlier is graded. Take care in `sandbox`, `landlock`,
`values` and `remote`: they keep a student's code away from tests, marks and the machine, and docs/security.md
says how.
"""
