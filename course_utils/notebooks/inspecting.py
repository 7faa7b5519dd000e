"""Look at a notebook before it runs: its parameters, and whether the given values fit them.

Papermill only warns of an unknown parameter, turns `007` into 7, and takes the second of two cells tagged
`parameters`; all of that is refused here, before a kernel starts.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill

from course_utils.params import ParameterError, did_you_mean

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """A parameter as the notebook declares it: name, type (int, float, str, bool or list), its comment."""

    name: str
    type_name: str
    help: str


def declared_parameters(notebook: Path) -> dict[str, Parameter]:
    """Give the parameters of the notebook's one cell tagged `parameters`.

    Raises ValueError when there is no such cell, more than one, or a parameter without a known type.
    """
    nb = nbformat.read(notebook, as_version=4)
    tagged = [cell for cell in nb.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{notebook} has {len(tagged)} cells tagged `parameters`; it needs exactly one")
    with quiet_papermill():
        inspected = papermill.inspect_notebook(literal_path(notebook))
    parameters = {}
    for name, facts in inspected.items():
        type_name = facts["inferred_type_name"].split("[")[0].strip()
        if type_name not in _TYPES:
            raise ValueError(
                f"{notebook}: the parameter {name} declares the type {facts['inferred_type_name']}; "
                f"write it as `{name}: int = None  # what it is`, with one of {', '.join(_TYPES)}"
            )
        parameters[name] = Parameter(name, type_name, facts["help"])
    return parameters


def plan_parameters(notebooks: Sequence[Path], given: Mapping[str, Any]) -> dict[Path, dict[str, Any]]:
    """Give, for each notebook, the values of the `given` parameters that it declares.

    Text is read as the declared type ("007" stays text for str, becomes 7 for int). Raises ParameterError,
    naming every problem at once, for a name that no notebook declares and for a value that is not of the
    declared type.
    """
    declared = {notebook: declared_parameters(notebook) for notebook in notebooks}
    known = list(dict.fromkeys(name for parameters in declared.values() for name in parameters))
    problems = []
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or "."
            problems.append(
                f"{name}: no chosen notebook has such a parameter{hint} Known: {', '.join(known)}."
            )
    plan: dict[Path, dict[str, Any]] = {}
    for notebook, parameters in declared.items():
        plan[notebook] = {}
        for name in given.keys() & parameters.keys():
            try:
                plan[notebook][name] = as_declared(given[name], parameters[name].type_name)
            except ValueError as error:
                problems.append(f"{name}: {error} in {notebook.stem}")
    if problems:
        raise ParameterError.of(problems)
    return plan


def as_declared(value: Any, type_name: str) -> Any:
    """Give `value` as the declared type; text is parsed. Raises ValueError("got ..., expected ...")."""
    if isinstance(value, str) and type_name != "str":
        value = _parse(value, type_name)
    wanted = _TYPES[type_name]
    fits = (
        isinstance(value, wanted)
        or (wanted is float and isinstance(value, int))
        or (wanted is list and isinstance(value, tuple))
    )
    if not fits or (isinstance(value, bool) and wanted is not bool):
        raise ValueError(f"got {value!r}, expected {type_name}")
    return list(value) if wanted is list else value


def _parse(text: str, type_name: str) -> Any:
    try:
        if type_name == "int":
            return int(text)
        if type_name == "float":
            return float(text)
        if type_name == "bool":
            return _TRUTH[text.strip().lower()]
        return json.loads(text if text.lstrip().startswith("[") else f"[{text}]")
    except (ValueError, KeyError):
        example = {"bool": " (true or false)", "list": " (such as [1, 2])"}.get(type_name, "")
        raise ValueError(f"got {text!r}, expected {type_name}{example}") from None


def literal_path(path: Path) -> str:
    """Give the path as papermill takes it: it reads braces as a format."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def quiet_papermill() -> Iterator[None]:
    """Keep papermill's log lines off the screen: the runner says what there is to say."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
