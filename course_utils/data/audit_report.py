"""What an audit of a data set reports, as plain data.

`as_dict` is what the JSON holds; its keys only change together with `FORMAT`. See `audit`.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from course_utils.data.confounds import Confound

FORMAT = 1


Level = Literal["error", "warning", "look", "fine"]


@dataclass(frozen=True)
class Finding:
    """One sentence for the reader: what was found about which topic, and how grave it is."""

    level: Level
    topic: str
    text: str


@dataclass(frozen=True)
class Damaged:
    """A file that cannot be read whole, with its path below the data folder, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class SizeRange:
    """Smallest, median and largest width and height, in pixels, of some pictures."""

    min_width: int
    median_width: float
    max_width: int
    min_height: int
    median_height: float
    max_height: int


@dataclass(frozen=True)
class Copies:
    """A group of copies: `kind` "bytes", "pixels" or "near", paths, and of each its part and label ("" none).

    `distance`: the largest number of differing hash bits, of 144, between pictures that were joined.
    """

    kind: str
    paths: tuple[str, ...]
    splits: tuple[str, ...]
    labels: tuple[str, ...]
    distance: int

    @property
    def crosses_splits(self) -> bool:
        """Whether the copies lie in two or more parts."""
        return len(set(self.splits)) > 1

    @property
    def conflicts(self) -> bool:
        """Whether two copies have different labels (a picture without a label contradicts none)."""
        return len(set(self.labels) - {""}) > 1


@dataclass(frozen=True)
class AuditReport:
    """What the audit found. `as_dict` gives the same as plain values; all shares lie in [0, 1].

    `counts`: pictures by part ("all" where the set is not split) and class ("" without a label); `sizes`:
    [width, height, number] of the 20 most frequent; `size_ranges`: by class; `modes` and `formats`: numbers
    by Pillow's names.
    """

    name: str
    num_pictures: int
    class_names: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    num_sizes: int
    sizes: tuple[tuple[int, int, int], ...]
    size_range: SizeRange
    size_ranges: dict[str, SizeRange]
    modes: dict[str, int]
    formats: dict[str, int]
    num_bytes: int
    damaged: tuple[Damaged, ...]
    copies: tuple[Copies, ...]
    confounds: tuple[Confound, ...]
    remarks: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain dicts, lists, texts and numbers, ready for JSON."""
        copies = [
            asdict(one) | {"crosses_splits": one.crosses_splits, "conflicts": one.conflicts}
            for one in self.copies
        ]
        confounds = [asdict(one) | {"is_real": one.is_real} for one in self.confounds]
        return {"format": FORMAT, **asdict(self), "copies": copies, "confounds": confounds}

    def summary(self) -> str:
        """The findings as lines of text, the gravest first."""
        head = f"{self.name}: {self.num_pictures} pictures, {len(self.class_names)} classes"
        return "\n".join([head, *(f"  {one.level:<8} {one.text}" for one in self.findings)])
