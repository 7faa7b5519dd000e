"""The process in which a student's code runs: it answers requests for values, and knows no test.

    python -m course_utils.classroom.student_side SETTINGS.json

Requests and replies are framed messages of `values` on two pipes: run the cells, get a name, call
something, get an attribute. What is no plain value stays here, and the grader gets its number.
"""

import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, BinaryIO

from course_utils.classroom import sandbox
from course_utils.classroom.framing import read_message, write_message
from course_utils.classroom.values import Handle, decode, encode

_MOST_OUTPUT = 20_000  # characters kept of what the code prints


class StudentSide:
    """The names that the student's cells have made, and the objects that the grader holds by number."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.kept: list[Any] = []

    def keep(self, value: Any) -> int:
        """Keep an object for the grader; give its number."""
        self.kept.append(value)
        return len(self.kept) - 1

    def answer(self, request: dict[str, Any]) -> Any:
        """Do what one request asks for; give the value. The student's own errors come out of here."""
        kind = request["kind"]
        if kind == "run":
            exec(compile(request["code"], request["title"], "exec"), self.names)  # what this process is for
            return None
        if kind == "get":
            if request["name"] not in self.names:
                raise NameError(f"{request['name']} is not defined")
            return self.names[request["name"]]
        target = self._object(request["target"])
        if kind == "attribute":
            return getattr(target, request["name"])
        if kind == "call":
            arguments = [self._object(value) for value in request["arguments"]]
            options = {name: self._object(value) for name, value in request["options"].items()}
            return target(*arguments, **options)
        if kind == "item":
            return target[self._object(request["key"])]
        if kind == "list":
            return list(target)
        raise ValueError(f"unknown request {kind!r}")

    def _object(self, value: Any) -> Any:
        """Put the kept objects in the place of their handles."""
        if isinstance(value, Handle):
            return self.kept[value.number]
        if isinstance(value, list | tuple):
            return type(value)(self._object(part) for part in value)
        if isinstance(value, dict):
            return {key: self._object(part) for key, part in value.items()}
        return value


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    side = StudentSide()
    while (message := read_message(requests)) is not None:
        printed = io.StringIO()
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                result = encode(side.answer(decode(message)), side.keep)
            reply = {"result": result, "printed": printed.getvalue()[:_MOST_OUTPUT]}
        except BaseException as error:  # also SystemExit: the grader decides when this process ends
            reply = {**_error(error), "printed": printed.getvalue()[:_MOST_OUTPUT]}
        write_message(replies, encode(reply))


def _error(error: BaseException) -> dict[str, str]:
    """Give type, text and the student's own lines of an error as texts."""
    try:
        text = str(error)
    except Exception:  # a text made by the student's class
        text = "(an error without a text)"
    # not `extract_tb`: it opens the source files, and the sandbox takes that for an attempt
    lines = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    own = dict.fromkeys(f"{name} line {number}" for name, number in lines if name.startswith("<"))
    where = "; ".join(own)
    return {"error": type(error).__name__[:100], "text": text[:2000], "where": where[-500:]}


def main() -> None:
    """Read the settings, limit this process, serve."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    requests = os.fdopen(settings["requests"], "rb", buffering=0)
    replies = os.fdopen(settings["replies"], "wb", buffering=0)
    own = Path.cwd()
    folders = {name: [Path(path) for path in settings[name]] for name in ("readable", "hidden")}
    sandbox.lock(own=own, **folders)  # before libraries start threads, which it would not bind
    for module in settings["import_first"]:  # before the door is closed, since imports open files everywhere
        __import__(module)
    sandbox.limit_resources(
        cpu_s=settings["cpu_s"], memory_bytes=settings["memory_bytes"], file_bytes=settings["file_bytes"]
    )
    tell: Callable[[str], None] = lambda reason: write_message(replies, encode({"forbidden": reason}))  # noqa: E731
    sandbox.forbid(own=own, tell=tell, **folders)
    write_message(replies, encode({"ready": True}))  # starting takes its time, which is not the student's
    serve(requests, replies)


if __name__ == "__main__":
    main()
