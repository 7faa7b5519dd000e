"""Look through a data set before anything is trained on it: classes, counts, sizes, damaged files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from course_utils.data.catalog import DatasetInfo
from course_utils.data.decode import ImageError, decode
from course_utils.data.layouts import Layout, read_layout
from course_utils.data.parallel import map_chunks
from course_utils.data.prepared import fingerprint, read_facts


@dataclass(frozen=True)
class CheckReport:
    """What `check` found. `problems` should be mended; `remarks` say what was left out or differs."""

    path: str
    kind: str
    class_names: list[str]
    counts: dict[str, dict[str, int]]  # split (or "all") -> class ("" without label) -> pictures
    num_images: int
    sizes: dict[str, int]  # "height x width" -> pictures, the most frequent first
    damaged: list[tuple[str, str]]  # (path, reason)
    problems: list[str]
    remarks: list[str]

    @property
    def ok(self) -> bool:
        """Whether every picture can be read and nothing else is wrong."""
        return not self.damaged and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.num_images:,} pictures, {len(self.class_names)} classes ({self.kind})"]
        for split, table in self.counts.items():
            listed = ", ".join(f"{name or 'unlabelled'} {count}" for name, count in table.items())
            lines.append(f"  {split}: {sum(table.values()):,} ({listed})")
        shown = list(self.sizes.items())[:5]
        more = f", and {len(self.sizes) - 5} other sizes" if len(self.sizes) > 5 else ""
        lines.append("  sizes: " + ", ".join(f"{size} ({count})" for size, count in shown) + more)
        lines += [f"  damaged: {path}: {reason}" for path, reason in self.damaged]
        lines += [f"  problem: {text}" for text in self.problems]
        lines += [f"  note: {text}" for text in self.remarks]
        lines.append(
            "  in order" if self.ok else f"  {len(self.damaged)} damaged, {len(self.problems)} problems"
        )
        return "\n".join(lines)


def check_folder(
    folder: Path, info: DatasetInfo | None = None, *, num_workers: int | None = None, progress: bool = False
) -> CheckReport:
    """Decode every picture of `folder`; compare with the catalog's entry `info` and the folder's own facts.

    Raises ValueError when the folder does not exist or its arrangement cannot be understood.
    """
    layout = read_layout(folder, class_names=info.class_names if info else None)
    paths = [record.path for record in layout.records]
    parts = map_chunks(
        _measure_chunk, paths, num_workers=num_workers, progress=progress, description="checking pictures"
    )
    results = [result for part in parts for result in part]
    sizes = Counter(size for size, _ in results if size)
    facts = read_facts(layout.root)
    problems, remarks = _empty_classes(layout), list(layout.remarks)
    if "fingerprint" in facts:
        if facts["fingerprint"] != fingerprint(layout.root):
            problems.append(
                "files differ from what was written (fingerprint); remove the folder and prepare it again"
            )
        remarks.append(f"made by this course: {facts.get('source')}, seed {facts.get('seed')}")
    elif info is not None:
        remarks += compare_with_catalog(layout, info)
    return CheckReport(
        path=str(layout.root),
        kind=layout.kind,
        class_names=list(layout.class_names),
        counts=layout.counts,
        num_images=len(paths),
        sizes=dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        damaged=[(str(p), why) for p, (_, why) in zip(paths, results, strict=True) if why],
        problems=problems,
        remarks=remarks,
    )


def compare_with_catalog(layout: Layout, info: DatasetInfo) -> list[str]:
    """Say where the counts differ from the published ones. Raises ValueError when no picture has a label."""
    if layout.kind == "unlabelled":
        raise ValueError(
            f"{layout.root} holds {len(layout.records)} pictures without labels; "
            f"{info.name} needs {info.tree}"
        )
    remarks = []
    found = {split: sum(table.values()) for split, table in layout.counts.items()}
    published = dict(info.counts) if layout.splits else {"all": sum(info.counts.values())}
    if not layout.splits and info.class_counts:  # only the labelled part has class folders
        published = {"all": sum(info.class_counts.values())}
    for split, expected in published.items():
        if found.get(split, 0) != expected:
            remarks.append(f"{split}: {found.get(split, 0):,} pictures, the published set has {expected:,}")
    seen = {record.label for record in layout.records}
    missing = [name for name in info.class_names if name not in seen]
    if missing:
        remarks.append(f"no pictures of {', '.join(missing)}")
    return remarks


def _measure_chunk(_start: int, chunk: Sequence[Path]) -> list[tuple[str, str]]:
    return [_measure(path) for path in chunk]


def _measure(path: Path) -> tuple[str, str]:
    """Give ("height x width", "") or ("", what is wrong)."""
    try:
        picture = decode(path)
    except ImageError as error:
        return "", error.reason
    return f"{picture.height} x {picture.width}", ""


def _empty_classes(layout: Layout) -> list[str]:
    seen = {record.label for record in layout.records}
    empty = [name for name in layout.class_names if name not in seen]
    return [f"class folders without a picture: {', '.join(empty)}"] if empty else []
