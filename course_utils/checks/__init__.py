"""Instant checks of a learner's answers: a reason, a hint, a solution.

Every module of this package but those in `_FRAME` holds the exercises of one concept as module level
`Exercise` objects. A notebook asks for one by name:

    exercise = checks.get("pooled_std")
    exercise.check(pooled_std)

What may be changed: an exercise is added as a module or in one; CONTRIBUTING.md shows it whole. Others rely
on: the names, by which notebooks ask, and the wrong and right answers beside each check, which the tests run.
A reason is one part of a sentence that the verdict begins ("Not yet: ..."), so it ends without a full stop.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil

from course_utils.checks.assertions import close, equal, same_shape, same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong
from course_utils.checks.running import run_solution, run_source

__all__ = [
    "Exercise",
    "Verdict",
    "Wrong",
    "all_exercises",
    "close",
    "equal",
    "get",
    "run_solution",
    "run_source",
    "same_shape",
    "same_type",
]

_FRAME = {"exercise", "assertions", "attempts", "running"}


def all_exercises() -> dict[str, Exercise]:
    """Every exercise of the course by name, in the order of the modules' names.

    ValueError if two exercises share a name.
    """
    found: dict[str, Exercise] = {}
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        if module_info.name in _FRAME:
            continue
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for value in vars(module).values():
            if not isinstance(value, Exercise) or found.get(value.name) is value:
                continue
            if value.name in found:
                raise ValueError(f"two exercises are called {value.name!r}, the second in {module.__name__}")
            found[value.name] = value
    return found


def get(name: str) -> Exercise:
    """The exercise called `name`. ValueError, with the nearest name, if there is none."""
    exercises = all_exercises()
    if name in exercises:
        return exercises[name]
    near = difflib.get_close_matches(name, list(exercises), n=1, cutoff=0.4)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    known = ", ".join(exercises) or "none yet"
    raise ValueError(f"there is no exercise {name!r}.{meant} Known exercises: {known}")
