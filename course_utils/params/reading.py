"""Read and check a notebook's parameters; find out which names papermill set."""

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from course_utils import runtime
from course_utils.params.kinds import Kind, did_you_mean
from course_utils.params.settings import Settings


class ParameterError(ValueError):
    """Parameters that do not fit the notebook; the message lists all of them."""

    @classmethod
    def of(cls, problems: Iterable[str]) -> "ParameterError":
        """Make one error of all `problems`, each said once."""
        lines = list(dict.fromkeys(problems))
        head = "One parameter does not fit:" if len(lines) == 1 else f"{len(lines)} parameters do not fit:"
        return cls("\n  - ".join([head, *lines]))

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the message alone: the mistake is in the parameters, not in this file."""
        return [f"ParameterError: {self}"]


def read(namespace: Mapping[str, Any], /, *, given: Iterable[str] | None = None, **kinds: Kind) -> Settings:
    """Check the parameters in `namespace` (the notebook's `globals()`) against `kinds` and give the settings.

    `given` are the names that were set from outside; by default they are found in the cell that papermill
    injects. Raises ParameterError naming every unknown name, missing parameter, wrong type and impossible
    value at once.
    """
    problems = []
    if "profile" in kinds:
        raise ValueError("profile is read for every notebook; it is no kind to declare")
    known = ["profile", *kinds]
    for name in _injected_names(namespace) if given is None else given:
        if name not in known:
            hint = did_you_mean(name, known) or "."
            problems.append(f"{name}: this notebook has no such parameter{hint} It has: {', '.join(known)}.")
    profile, origin = _read_profile(namespace, problems)
    values: dict[str, Any] = {"profile": profile}
    origins = {"profile": origin}
    for name, kind in kinds.items():
        if name not in namespace:
            problems.append(
                f"{name}: missing. The cell tagged `parameters` must set it; run that cell first."
            )
            continue
        by_hand = namespace[name] is not None
        origins[name] = (
            "given by hand" if by_hand else "all profiles" if kind.same_everywhere else f"{profile} profile"
        )
        try:
            values[name] = kind.convert(namespace[name]) if by_hand else kind.defaults[profile]
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise ParameterError.of(problems) from None
    return Settings(values, origins)


def _read_profile(namespace: Mapping[str, Any], problems: list[str]) -> tuple[str, str]:
    profile = namespace.get("profile")
    if profile in runtime.PROFILES:
        return profile, "given by hand"
    try:
        default = runtime.default_profile()
    except ValueError as error:
        problems.append(f"profile: {error}")
        default = "quick"
    if profile not in (None, ""):
        near = did_you_mean(profile, runtime.PROFILES)
        problems.append(f"profile: got {profile!r}, expected one of {', '.join(runtime.PROFILES)}{near}")
    return default, "default"


def _injected_names(namespace: Mapping[str, Any]) -> list[str]:
    """Give the names that papermill set, from the last executed cell that looks as papermill writes it."""
    for source in reversed(list(namespace.get("In", []))):
        if isinstance(source, str) and source.split("\n", 1)[0].strip() == "# Parameters":
            names = _plain_assignments(source)
            if names:
                return [name for name in names if not name.startswith("PAPERMILL_")]
    return []


def _plain_assignments(source: str) -> list[str]:
    """Give the assigned names if the source is nothing but `name = literal` lines, as papermill's cell is;
    else none.
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return []
    names = []
    for statement in statements:
        if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1):
            return []
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or any(
            isinstance(node, ast.Name) for node in _inner(statement.value)
        ):
            return []
        names.append(target.id)
    return names


def _inner(value: ast.expr) -> list[ast.AST]:
    """Give the nodes of the value; `float('nan')` and `float('inf')`, which papermill writes, count as
    literals.
    """
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "float":
        return []
    return list(ast.walk(value))
