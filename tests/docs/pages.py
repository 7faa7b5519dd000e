"""What stands in the code blocks of a page: commands, and texts for files."""

import re
from dataclasses import dataclass, field
from pathlib import Path

COMMANDS = ("", "sh", "bash")
_FENCE = re.compile(r"^(`{3,})(\w*)$")
_INTRO = re.compile(
    r"^`(?P<path>[^`]+)`, (?:new|(?P<where>before|after) the line (?P<ticks>`+)(?P<line>.+)(?P=ticks)):$"
)


@dataclass(frozen=True)
class Edit:
    """Text that goes into the file `path`: a new file, or before or after one line of it."""

    path: str
    text: str
    where: str = "new"
    line: str = ""

    def apply(self, root: Path) -> None:
        """Make the edit; ValueError if the line is not there, or is there twice."""
        target = root / self.path
        if self.where == "new":
            assert not target.exists(), f"{self.path} is there already"
            target.write_text(self.text, encoding="utf-8")
            return
        lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.rstrip("\n") == self.line]
        if len(places) != 1:
            raise ValueError(f"{self.path} has {len(places)} lines {self.line!r}; the page needs one.")
        lines.insert(places[0] + (self.where == "after"), self.text)
        target.write_text("".join(lines), encoding="utf-8")


@dataclass
class Section:
    """A heading of second level, with its steps in order: a command (text) or an `Edit`."""

    title: str
    steps: list[str | Edit] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        """The commands alone."""
        return [step for step in self.steps if isinstance(step, str)]

    @property
    def edits(self) -> list[Edit]:
        """The edits alone."""
        return [step for step in self.steps if isinstance(step, Edit)]


def read_page(path: Path) -> list[Section]:
    """Give the sections of a page; ValueError for a block of which nobody knows what to do with it."""
    sections, lines = [Section("")], path.read_text(encoding="utf-8").splitlines()
    intro, number = "", 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith("## "):
            sections.append(Section(line[3:]))
        fence = _FENCE.match(line)
        if fence is None:
            intro = line if line.strip() else intro
            continue
        end = lines.index(fence[1], number)
        body, number = lines[number:end], end + 1
        sections[-1].steps += _steps(fence[2], intro, body, f"{path.name}:{number}")
        intro = ""
    return sections


def _steps(language: str, intro: str, body: list[str], place: str) -> list[str | Edit]:
    found = _INTRO.match(intro)
    if found is not None:
        text = "\n".join(body) + "\n"
        return [Edit(found["path"], text, found["where"] or "new", found["line"] or "")]
    if language in COMMANDS:
        return [command for line in body if (command := re.sub(r"(^|\s+)# .*$", "", line).strip())]
    if language == "text":
        return []
    raise ValueError(
        f"{place}: a block of {language} that is neither a command nor introduced as a file's text"
    )
