"""Which files below a folder are pictures: natural order, junk skipped, links kept in check.

What counts as a picture is decided by the ending, in any case of letters. Folders and files that systems and
tools leave behind (`.DS_Store`, `Thumbs.db`, `__MACOSX`, `.ipynb_checkpoints`, everything that starts with a
dot) are no data and never become a class. Everything else that is not a picture is counted and said. A
symbolic link may not show a picture twice, nor lead out of the folder. Used by `layouts`; see
`notebooks/02_dataset_splitting`.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.files import is_ours

# Every ending whose pictures the reader decodes. GIF, WebP, BMP, TIFF count as well: Pillow reads them all.
_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
_OTHER = {".png", ".apng", ".bmp", ".dib", ".gif", ".webp", ".avif", ".tif", ".tiff"}
_NETPBM = {".ppm", ".pgm", ".pbm", ".pnm"}
IMAGE_EXTENSIONS = frozenset(_JPEG | _OTHER | _NETPBM)
# Lists and remarks that sets bring along: neither pictures nor worth a warning.
NOTE_EXTENSIONS = frozenset({".csv", ".tsv", ".json", ".txt", ".md", ".yaml", ".yml", ".pdf"})
_JUNK_NAMES = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__"}
    | {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
)


@dataclass(frozen=True)
class Listing:
    """What lies below a folder. Paths are absolute or relative as `folder` was given, in natural order."""

    folder: Path
    images: list[Path]
    folders: list[Path]  # every folder below, junk left out
    left_out: dict[str, int] = field(default_factory=dict)  # ending -> number of files that are no pictures
    linked_twice: int = 0  # links to pictures or folders that the listing holds anyway

    def remarks(self) -> list[str]:
        """Sentences on what the listing leaves out; empty when it holds everything."""
        sentences = []
        if self.left_out:
            sentences.append(describe_left_out(self.left_out))
        if self.linked_twice:
            sentences.append(f"left out {self.linked_twice} links to what is in the folder anyway")
        return sentences


def describe_left_out(left_out: dict[str, int]) -> str:
    """Say how many files have unsupported endings: "left out 7 files: .gif 3, .heic 4"."""
    total = sum(left_out.values())
    endings = ", ".join(f"{ending} {count}" for ending, count in sorted(left_out.items()))
    return f"left out {total} file{'s' if total != 1 else ''}: {endings}"


def is_junk(name: str) -> bool:
    """Tell whether a file or folder of this name is left behind by a system or tool."""
    return name.startswith(".") or name.casefold() in _JUNK_NAMES


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key under which 2 comes before 10; equal for the NFC and the NFD spelling of a name."""
    parts = re.split(r"(\d+)", unicodedata.normalize("NFC", text).casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def path_key(path: Path) -> tuple[list[list[tuple[int, int, str]]], str]:
    """Natural sort key of a whole path, folder by folder; the raw text decides between equals."""
    return [natural_key(part) for part in path.parts], str(path)


def normal_name(name: str) -> str:
    """Give the NFC spelling of a class name: macOS writes 'é' in two characters, others in one."""
    return unicodedata.normalize("NFC", name)


def walk(folder: str | Path, *, follow_outside: bool = False) -> Listing:
    """List everything below `folder`, sub-folders included.

    A link to a file or folder inside is counted, not listed again; a link that leads outside raises
    ValueError, unless `follow_outside` is set or the folder was made by this course (a split made of links).
    A broken link with a picture's ending is listed, so that reading it says what is wrong.
    """
    root = Path(folder)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise ValueError(f"{root} {what}; expected a folder of pictures")
    follow_outside = follow_outside or any(is_ours(place) for place in (root, *root.absolute().parents[:2]))
    walker = _Walker(root, follow_outside)
    walker.visit(root)
    walker.add_links()

    def order(path: Path) -> tuple:
        return path_key(path.relative_to(root))

    return Listing(
        folder=root,
        images=sorted(walker.images, key=order),
        folders=sorted(walker.folders, key=order),
        left_out=dict(sorted(walker.left_out.items())),
        linked_twice=walker.linked_twice,
    )


def list_images(folder: str | Path) -> list[Path]:
    """Give the pictures below `folder` in natural order, junk skipped. Raises ValueError: no such folder."""
    return walk(folder).images


def class_folders(root: str | Path) -> dict[str, list[Path]]:
    """Give the pictures of each class folder directly below `root`; an empty folder is an empty class.

    Names are NFC-normalised and in natural order. Raises ValueError when two names differ only in case.
    """
    listing = walk(root)
    top = [path for path in listing.folders if path.parent == listing.folder]
    names: dict[str, list[Path]] = {normal_name(path.name): [] for path in top}
    check_case(names, where=str(root))
    for path in listing.images:
        parts = path.relative_to(listing.folder).parts
        if len(parts) > 1:
            names[normal_name(parts[0])].append(path)
    return names


def check_case(names: Iterable[str], *, where: str) -> None:
    """Raise ValueError when two class names differ only in case: Windows and macOS would make them one."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(
                f"{where}: the class names {other!r} and {name!r} differ only in upper and lower case. "
                "Some systems take them for one folder; rename one of them, or put their pictures together."
            )


class _Walker:
    """One pass over a folder: collects pictures first and looks at links when all of them are known."""

    def __init__(self, root: Path, follow_outside: bool) -> None:
        self.root, self.real_root, self.follow_outside = root, root.resolve(), follow_outside
        self.images: list[Path] = []
        self.folders: list[Path] = []
        self.links: list[Path] = []
        self.left_out: Counter[str] = Counter()
        self.linked_twice = 0
        self.entered = {self.real_root}

    def visit(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if is_junk(entry.name):
                continue
            _check_text(folder, entry.name)
            path = folder / entry.name
            if entry.is_symlink():
                self._visit_link(path)
            elif entry.is_dir():
                self.folders.append(path)
                self.visit(path)
            elif entry.is_file():
                self._add_file(path)
            else:  # a pipe or device: opening it could wait for ever
                self.left_out["special file"] += 1

    def _visit_link(self, path: Path) -> None:
        if not path.is_dir():
            self.links.append(path)
            return
        target = path.resolve()
        if target.is_relative_to(self.real_root) or target in self.entered:
            self.linked_twice += 1
        elif self.follow_outside and not self.real_root.is_relative_to(target):
            self.entered.add(target)
            self.folders.append(path)
            self.visit(path)
        else:
            _refuse_outside(path, target)

    def _add_file(self, path: Path) -> None:
        ending = path.suffix.lower()
        if ending in IMAGE_EXTENSIONS:
            self.images.append(path)
        elif ending not in NOTE_EXTENSIONS:
            self.left_out[ending or "no ending"] += 1

    def add_links(self) -> None:
        known = {path.resolve() for path in self.images} if self.links else set()
        for path in self.links:
            try:
                target = path.resolve(strict=True)
            except (OSError, RuntimeError):  # broken, or a link to itself: reading it gives the reason
                self._add_file(path)
                continue
            if target in known:
                self.linked_twice += 1
                continue
            if not self.follow_outside and not target.is_relative_to(self.real_root):
                _refuse_outside(path, target)
            known.add(target)
            self._add_file(path)


def _refuse_outside(path: Path, target: Path) -> None:
    raise ValueError(
        f"{path} is a link that leads out of the folder, to {target}. "
        "Give the folder that holds the pictures themselves, or copy them."
    )


def _check_text(folder: Path, name: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(
            f"{folder}: the file name {os.fsencode(name)!r} is not valid UTF-8; rename the file first"
        ) from None
