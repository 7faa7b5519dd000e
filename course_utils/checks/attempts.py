"""Around a learner's answer: is it an empty stub, and where did it crash? Used by `exercise`."""

from __future__ import annotations

import dis
import inspect
import linecache
import traceback
from typing import Any

ANSWER_MODULE = "answer"  # the `__name__` that our own texts run under
_STUB_OPERATIONS = {"RESUME", "NOP", "POP_TOP", "RETURN_VALUE", "RETURN_CONST", "LOAD_CONST", "CACHE"}


def is_stub(answer: object) -> bool:
    """True for what a notebook's empty answer looks like.

    That is `...`, None or NotImplemented, a tuple, list or dict that holds one of them, a function that does
    nothing but return one of them, and a class whose own methods are all such functions.
    """
    if answer is ... or answer is None or answer is NotImplemented:
        return True
    if isinstance(answer, tuple | list):
        return any(is_stub(part) for part in answer if not callable(part))
    if isinstance(answer, dict):
        return any(is_stub(part) for part in answer.values() if not callable(part))
    if inspect.isfunction(answer):
        return _is_stub_function(answer)
    if isinstance(answer, type):
        methods = [value for value in vars(answer).values() if inspect.isfunction(value)]
        return bool(methods) and all(_is_stub_function(method) for method in methods)
    return False


def _is_stub_function(function: Any) -> bool:
    """True if the body only names `...` or None: `...`, `pass`, `x = ...; return x`, `return None`."""
    code = function.__code__
    arguments = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    for step in dis.get_instructions(code):
        if step.opname.startswith(("LOAD_FAST", "STORE_FAST")):
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            if arguments & set(names):
                return False
        elif step.opname not in _STUB_OPERATIONS or (
            step.opname in {"LOAD_CONST", "RETURN_CONST"} and step.argval not in (None, ...)
        ):
            return _only_raises_not_implemented(function)
    return True


def _only_raises_not_implemented(function: Any) -> bool:
    """True for a body that is just `raise NotImplementedError` (with or without a text)."""
    names = function.__code__.co_names
    operations = [step.opname for step in dis.get_instructions(function.__code__)]
    stores = any(name.startswith(("STORE", "FOR_ITER", "POP_JUMP")) for name in operations)
    if "RAISE_VARARGS" not in operations or stores or "RETURN_VALUE" in operations:
        return False
    return set(names) <= {"NotImplementedError"}


def describe_crash(error: BaseException, answer: object) -> str:
    """Say what was raised and, if it happened in the learner's code, at which line, with that line's text."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own_file = _file_of(answer)
    own = [frame for frame in frames if frame.filename == own_file]
    if own:
        line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()
        shown = f", `{line}`" if line else ""
        return f"your code stopped with {what} (line {own[-1].lineno}{shown})"
    got = repr(answer) if not callable(answer) else getattr(answer, "__name__", type(answer).__name__)
    got = got if len(got) <= 80 else got[:77] + "..."
    return f"the check could not use your answer {got}: {what}. Is it of the kind the question asks for?"


def _file_of(answer: object) -> str | None:
    """The file or notebook cell in which a learner's function, or their (object's) class, was written."""
    code = getattr(answer, "__code__", None)
    if code is not None:
        return str(code.co_filename)
    kind = answer if isinstance(answer, type) else type(answer)
    if kind.__module__ not in ("__main__", ANSWER_MODULE):  # a library's own class is not the learner's code
        return None
    methods = [value for value in vars(kind).values() if inspect.isfunction(value)]
    return str(methods[0].__code__.co_filename) if methods else None
