"""One look at a whole data set before anybody trains on it.

Balance, sizes, ways of storage, damaged files, copies within and across parts, equal pictures with different
labels, and properties that give the class away (see `confounds`). `course_utils.plots.audit_page` makes the
page with figures from the report. `notebooks/02_dataset_splitting` reads one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from course_utils.data.audit_findings import findings
from course_utils.data.audit_report import AuditReport, Copies, Damaged, SizeRange
from course_utils.data.confounds import find_confounds
from course_utils.data.duplicates import group_alike, group_equal
from course_utils.data.layouts import Record, read_layout
from course_utils.data.manifest import Manifest
from course_utils.data.picture_facts import PictureFacts, collect_facts

__all__ = ["AuditReport", "audit"]


def audit(
    source: str | Path,
    *,
    root: str | Path | None = None,
    near: bool = True,
    seed: int = 0,
    num_workers: int | None = None,
    progress: bool = False,
) -> AuditReport:
    """Audit a folder, in any layout that `layouts.read_layout` knows, or a manifest (a .csv file).

    `root`: the folder at which a manifest's paths start. `near=False` leaves out the search for near copies.
    Only labelled pictures count for confounds; every picture counts for the rest. ValueError: no pictures, a
    manifest without `root` or with files that are missing.
    """
    source = Path(source)
    records, names, remarks, base = _listed(source, root)
    facts, damaged = collect_facts(
        [record.path for record in records], num_workers=num_workers, progress=progress
    )
    if not facts:
        raise ValueError(
            f"{source}: none of the {len(records)} pictures can be read; the first {damaged[0][1]}"
        )
    copies, extra = _copies(facts, records, base, near)
    sizes = Counter((one.width, one.height) for one in facts)
    label_of = {record.path: record.label or "" for record in records}
    labelled = [one for one in facts if label_of[one.path]]
    labels = [label_of[one.path] for one in labelled]
    report = AuditReport(
        name=source.resolve().name,
        num_pictures=len(records),
        class_names=tuple(names),
        counts=_counts(records, names),
        num_sizes=len(sizes),
        sizes=tuple((*size, number) for size, number in sorted(sizes.items(), key=_most_first)[:20]),
        size_range=_size_range(facts),
        size_ranges={
            name: _size_range([one for one, label in zip(labelled, labels, strict=True) if label == name])
            for name in names
            if name in set(labels)
        },
        modes=dict(Counter(one.mode for one in facts).most_common()),
        formats=dict(Counter(one.file_format for one in facts).most_common()),
        num_bytes=sum(one.file_bytes for one in facts),
        damaged=tuple(Damaged(_below(path, base), reason) for path, reason in damaged),
        copies=copies,
        confounds=tuple(find_confounds(_properties(labelled), labels, seed=seed)),
        remarks=(*remarks, *extra),
    )
    return replace(report, findings=findings(report))


def _listed(
    source: Path, root: str | Path | None
) -> tuple[Sequence[Record], Sequence[str], Sequence[str], Path]:
    """Pictures, class names, remarks, and the folder at which paths start."""
    if source.suffix.lower() != ".csv":
        layout = read_layout(source)
        return layout.records, layout.class_names, layout.remarks, layout.root
    if root is None:
        raise ValueError(f"{source} is a manifest; pass root, the folder at which its paths start")
    manifest = Manifest.read(source)
    manifest.verify(root, contents=False)
    rows = [(Path(root) / row.path, row) for row in manifest.rows]
    return (
        [Record(path, row.label, row.split, path.stem) for path, row in rows],
        manifest.class_names,
        (),
        Path(root),
    )


def _copies(
    facts: Sequence[PictureFacts], records: Sequence[Record], base: Path, near: bool
) -> tuple[tuple[Copies, ...], list[str]]:
    """All groups of copies, equal bytes first; each is told once, under the strictest kind that holds it."""
    paths = [one.path for one in facts]
    groups = group_equal(paths, [one.sha256 for one in facts], kind="bytes")
    groups += group_equal(paths, [one.print.pixels for one in facts], kind="pixels")
    remarks = []
    if near:
        try:
            groups += group_alike(paths, [one.print for one in facts])
        except ValueError as error:
            remarks.append(f"near copies were not searched: {error}")
    record_of = {record.path: record for record in records}
    told: set[frozenset[Path]] = set()
    copies = []
    for group in groups:
        members = frozenset(group.paths)
        if members in told:
            continue
        told.add(members)
        own = [record_of[path] for path in group.paths]
        copies.append(
            Copies(
                kind=group.kind,
                paths=tuple(_below(path, base) for path in group.paths),
                splits=tuple(record.split or "" for record in own),
                labels=tuple(record.label or "" for record in own),
                distance=group.distance,
            )
        )
    return tuple(copies), remarks


def _counts(records: Sequence[Record], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Pictures by part and class, classes in order; a part without any label counts under ""."""
    table: dict[str, dict[str, int]] = {}
    for split in dict.fromkeys(record.split or "all" for record in records):
        found = Counter(record.label or "" for record in records if (record.split or "all") == split)
        shown = [*(names if set(found) - {""} else ()), *([""] if "" in found else [])]
        table[split] = {name: found[name] for name in shown}
    return table


def _most_first(item: tuple[tuple[int, int], int]) -> tuple[int, tuple[int, int]]:
    return -item[1], item[0]


def _size_range(facts: Sequence[PictureFacts]) -> SizeRange:
    widths, heights = [one.width for one in facts], [one.height for one in facts]
    return SizeRange(
        min(widths), float(np.median(widths)), max(widths),
        min(heights), float(np.median(heights)), max(heights),
    )  # fmt: skip


def _properties(facts: Sequence[PictureFacts]) -> Mapping[str, np.ndarray]:
    """What might give the class away: numbers for each picture, (N,) or (N, K)."""
    if not facts:
        return {}
    stored = np.unique([f"{one.file_format} {one.mode}" for one in facts], return_inverse=True)[1]
    return {
        "size": np.array([(one.width, one.height) for one in facts]),
        "shape": np.array([one.width / one.height for one in facts]),
        "file size": np.array([one.file_bytes for one in facts]),
        "encoding": np.array([(code, one.jpeg_quantiser) for code, one in zip(stored, facts, strict=True)]),
        "mean colour": np.stack([one.mean_colour for one in facts]),
    }


def _below(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()
