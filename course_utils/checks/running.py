"""Running our own texts: the solutions of the exercises, and the answers that the tests try.

`run_source` holds the only `exec` of the checks. It runs texts that stand in this package, never something a
learner or a file supplies.
"""

from __future__ import annotations

import linecache
import textwrap
from typing import Any

from course_utils.checks.attempts import ANSWER_MODULE
from course_utils.checks.exercise import Exercise


def run_solution(exercise: Exercise) -> Any:
    """Run the exercise's solution in an empty namespace and return the answer it defines."""
    return run_source(exercise, exercise.solution_source)


def run_source(exercise: Exercise, source: str) -> Any:
    """Run one of our texts in an empty namespace and return what it defines as `exercise.answer`.

    ValueError if it does not define that name.
    """
    source = textwrap.dedent(source).strip() + "\n"
    file_name = f"<answer to {exercise.name}>"
    linecache.cache[file_name] = (len(source), None, source.splitlines(keepends=True), file_name)
    namespace: dict[str, Any] = {"__name__": ANSWER_MODULE}
    exec(compile(source, file_name, "exec"), namespace)
    if exercise.answer not in namespace:
        raise ValueError(
            f"a text of the exercise {exercise.name} does not define {exercise.answer!r}:\n{source}"
        )
    return namespace[exercise.answer]
