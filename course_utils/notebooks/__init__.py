"""Run, render, clean, check and link the notebooks, with papermill, nbclient and nbconvert as they are.

Papermill is left to do what it does well; what it does not is done here: a notebook is inspected before it
runs, is never run in place, and its true state (also of a killed kernel) is written to a status file.

What may be changed: the rules for a stored notebook stand in `checking`, what is taken out of it in
`cleaning`. Others rely on: the keys of status.json and `measured.json`, and the markers in README.md and in
the notebooks between which `navigation` writes.
"""

from course_utils.notebooks.checking import check_stored
from course_utils.notebooks.finding import find_notebooks
from course_utils.notebooks.glossary import write_glossary
from course_utils.notebooks.navigation import write_navigation
from course_utils.notebooks.report import CourseRun, NotebookRun
from course_utils.notebooks.running import run_notebooks
from course_utils.notebooks.storing import store_outputs

__all__ = [
    "CourseRun",
    "NotebookRun",
    "check_stored",
    "find_notebooks",
    "run_notebooks",
    "store_outputs",
    "write_glossary",
    "write_navigation",
]
