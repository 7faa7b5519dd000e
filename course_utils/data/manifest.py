"""The truth about a split: one CSV row per picture, and beside it a small JSON with class list and recipe.

`split.csv` has the columns path, label, split, group, sha256: paths relative to the data folder with `/`,
UTF-8, one row per picture, so that anything can read, compare and edit it. `split.json` holds the class list
(its order is the class numbers), the seed and the rule. Class numbers are always looked up by name, so a
validation part that lacks a class or has another order shifts nothing. `notebooks/02_dataset_splitting` shows
both files.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from course_utils import files
from course_utils.data.listing import natural_key, normal_name
from course_utils.data.manifest_rows import (
    COLUMNS,
    SPLITS,
    Row,
    check_class_names,
    check_classes_are_trained,
    check_rows,
    parse_rows,
)

__all__ = ["COLUMNS", "SPLITS", "Manifest", "Row"]
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """A checked split: each path once, each label in `class_names`, each class of val and test also in train.

    `class_names` fixes the class numbers; when empty, the labels in natural order. Names are NFC-normalised,
    so that a name typed on macOS and one typed elsewhere are one class. `info` says how the split came about
    (seed, fractions, rule). ValueError names the row; row 1 is the first picture.
    """

    rows: tuple[Row, ...]
    class_names: tuple[str, ...] = ()
    info: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = tuple(replace(row, label=normal_name(row.label)) for row in self.rows)
        names = tuple(normal_name(name) for name in self.class_names)
        names = names or tuple(sorted({row.label for row in rows}, key=natural_key))
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "class_names", names)
        object.__setattr__(self, "info", dict(self.info))
        if not self.rows:
            raise ValueError("there are no rows; a manifest needs at least one picture")
        check_class_names(names)
        check_rows(self.rows, names)
        check_classes_are_trained(self.rows)

    @property
    def splits(self) -> tuple[str, ...]:
        """The parts that have pictures, in the order train, val, test."""
        used = {row.split for row in self.rows}
        return tuple(split for split in SPLITS if split in used)

    def of(self, split: str) -> tuple[Row, ...]:
        """The rows of one part, in their order; ValueError for a part that has none."""
        if split not in self.splits:
            raise ValueError(f"split is {split!r}; this manifest has {', '.join(self.splits)}")
        return tuple(row for row in self.rows if row.split == split)

    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures by part and class; a class without a picture in a part counts 0."""
        table = {split: dict.fromkeys(self.class_names, 0) for split in self.splits}
        for row in self.rows:
            table[row.split][row.label] += 1
        return table

    def verify(self, root: str | Path, *, contents: bool = True) -> None:
        """ValueError unless each file is below `root` and, with `contents`, still has its recorded sha256."""
        wrong = []
        for number, row in enumerate(self.rows, start=1):
            path = Path(root) / row.path
            if not path.is_file():
                wrong.append(f"row {number}: {row.path} is missing")
            elif contents and row.sha256 and files.sha256_file(path) != row.sha256:
                wrong.append(f"row {number}: {row.path} has changed since the split was made")
        if wrong:
            listed = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
            raise ValueError(f"{len(wrong)} of {len(self.rows)} files do not fit {root}: {listed}")

    def to_csv(self) -> str:
        """The text of the CSV, header line first."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in self.rows)
        return text.getvalue()

    def write(self, path: str | Path) -> None:
        """Write the CSV to `path` and the JSON beside it, each atomically."""
        path = _csv_path(path)
        header = {"format": FORMAT_VERSION, "class_names": list(self.class_names), "recipe": self.info}
        files.write_json(path.with_suffix(".json"), header)
        files.write_text(path, self.to_csv())

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Read the CSV and, where it is there, the JSON beside it. ValueError names the file and the row."""
        path = _csv_path(path)
        names, recipe = _read_header(path.with_suffix(".json"))
        try:
            return cls(tuple(parse_rows(path.read_bytes())), names, recipe)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def _csv_path(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise ValueError(f"got {path}; expected a manifest, which is a .csv file")
    return path


def _read_header(path: Path) -> tuple[tuple[str, ...], dict[str, object]]:
    """Class names and recipe; nothing where the JSON is not there. ValueError where it is something else."""
    if not path.is_file():
        return (), {}
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); restore it or remove it") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT_VERSION:
        raise ValueError(f"{path} is not the JSON of a manifest of format {FORMAT_VERSION}; split again")
    names, recipe = header.get("class_names"), header.get("recipe", {})
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path}: class_names is {names!r}; expected a list of names")
    if not isinstance(recipe, dict):
        raise ValueError(f"{path}: recipe is {recipe!r}; expected names and values")
    return tuple(names), recipe
