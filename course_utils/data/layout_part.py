"""One folder whose pictures are labelled in one way: by class folders, by their names, or not at all.

The working part of `layouts`.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_utils.data.listing import Listing, check_case, normal_name

Kind = Literal["class_folders", "split_folders", "prefix_names", "unlabelled"]
PREFIX = re.compile(r"(\d+)_\d+")


@dataclass(frozen=True)
class Record:
    """One picture: its file, its class name or None, its split ("train", "val", "test") or None, its id.

    The id is the file's name without ending, as submissions use it.
    """

    path: Path
    label: str | None
    split: str | None
    id: str


class Part:
    """A split, or the whole set. What is left out or merged is added to `remarks`."""

    def __init__(self, listing: Listing, folder: Path, split: str | None, remarks: list[str]) -> None:
        self.folder, self.split, self.remarks = folder, split, remarks
        self.images = [path for path in listing.images if path.is_relative_to(folder)]
        self.direct = [path for path in self.images if path.parent == folder]
        self.classes = [path for path in listing.folders if path.parent == folder]
        holders = {normal_name(path.relative_to(folder).parts[0]) for path in self.images}
        self.empty_classes = {normal_name(path.name) for path in self.classes} - holders

    def kind(self, wanted: Kind | None) -> Kind:
        """Find out how the pictures are labelled, unless that is given. Raises ValueError for mixed names."""
        if wanted is not None:
            return wanted
        if len(self.images) > len(self.direct):
            return "class_folders"
        matching = [path for path in self.direct if PREFIX.fullmatch(path.stem)]
        if not matching:
            return "unlabelled"
        if len(matching) < len(self.direct):
            odd = next(path for path in self.direct if not PREFIX.fullmatch(path.stem))
            raise ValueError(
                f"{odd}: the name does not start with a class number, as {len(matching)} of "
                f"{len(self.direct)} names beside it do (such as {matching[0].name}). Rename or remove the "
                'file, or pass kind="unlabelled" if these numbers are no classes.'
            )
        return "prefix_names"

    def records(self, kind: Kind) -> list[Record]:
        """Give the pictures with their labels as found in the folder or the name."""
        if kind == "unlabelled":
            return [Record(path, None, self.split, path.stem) for path in self.images]
        if kind == "prefix_names":
            return [Record(path, self._prefix(path), self.split, path.stem) for path in self.images]
        if self.direct:
            self.remarks.append(
                f"left out {len(self.direct)} pictures of {self.folder.name!r} that lie beside the class "
                f"folders, such as {self.direct[0].name}"
            )
        self._check_names()
        inside = [path for path in self.images if path.parent != self.folder]
        return [Record(path, self._folder_name(path), self.split, path.stem) for path in inside]

    def _folder_name(self, path: Path) -> str:
        return normal_name(path.relative_to(self.folder).parts[0])

    @staticmethod
    def _prefix(path: Path) -> str:
        match = PREFIX.fullmatch(path.stem)
        if match is None:
            raise ValueError(
                f"{path}: the name does not start with a class number; expected one like 3_127.jpg"
            )
        return str(int(match[1]))

    def _check_names(self) -> None:
        raw = [path.name for path in self.classes]
        check_case({normal_name(name) for name in raw}, where=str(self.folder))
        for name, count in Counter(map(normal_name, raw)).items():
            if count > 1:
                self.remarks.append(
                    f"{count} folders are spelt {name!r} in different Unicode forms; taken as one"
                )
