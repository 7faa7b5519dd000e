"""The page of an audit: findings, tables and figures in one HTML file that needs nothing else.

Readable on light and dark screens and without its pictures: each figure has alt text, each number stands in a
table too. Made by `data audit`; the report comes from `course_utils.data.audit`.
"""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from course_utils.data.audit_report import AuditReport, Copies, SizeRange
from course_utils.data.images import read_image
from course_utils.plots.classes import bar_with_intervals, class_counts
from course_utils.plots.html_page import page, table
from course_utils.plots.images import image_grid
from course_utils.plots.presenting import present
from course_utils.plots.style import alt_text

_LISTED = 50
_SHOWN = 8
_LEVELS = {"error": "to mend", "warning": "warning", "look": "look at it", "fine": "fine"}


def audit_page(report: AuditReport, *, root: str | Path | None = None) -> str:
    """The page as HTML. With `root`, the folder at which paths start, it shows pictures of copies."""
    title = f"Audit of {report.name}"
    parts = [
        f"<p>{report.num_pictures:,} pictures in {len(report.class_names)} classes, "
        f"{report.num_bytes / 1e6:,.1f} MB.</p>",
        "<h2>Findings</h2>",
        _findings(report),
        *_balance(report),
        *_confounds(report),
        *_copies(report, None if root is None else Path(root)),
        *_storage(report),
    ]
    return page(title, parts)


def _findings(report: AuditReport) -> str:
    items = [
        f'<li><span class="level {one.level}">{_LEVELS[one.level]}</span> ({html.escape(one.topic)}): '
        f"{html.escape(one.text)}.</li>"
        for one in report.findings
    ]
    return f"<ul>\n{chr(10).join(items)}\n</ul>"


def _balance(report: AuditReport) -> Iterable[str]:
    labelled = {
        split: {name: count for name, count in counts.items() if name}
        for split, counts in report.counts.items()
        if any(counts.keys())
    }
    yield "<h2>Pictures by class</h2>"
    if labelled and report.class_names:
        yield present(class_counts(labelled, class_names=report.class_names)).html()
    names = [*report.class_names, *([""] if any("" in counts for counts in report.counts.values()) else [])]
    rows = [
        [name or "(no label)", *(counts.get(name, 0) for counts in report.counts.values())] for name in names
    ]
    yield table(["class", *report.counts], rows, label="Pictures by class")


def _confounds(report: AuditReport) -> Iterable[str]:
    if not report.confounds:
        return
    yield "<h2>What gives the class away?</h2>"
    yield (
        "<p>A small decision tree that sees only one property of each picture predicts its class, scored on "
        "pictures it was not fitted to. Chance and shuffled labels show what it gets when the property says "
        "nothing.</p>"
    )
    names = [one.name for one in report.confounds]
    scores = [one.balanced_accuracy for one in report.confounds]
    chance = report.confounds[0].chance
    axes = bar_with_intervals(names, scores, xlabel="balanced accuracy of one property alone", digits=2)
    axes.set_xlim(0, 1.08)
    axes.axvline(chance, color="black", linestyle="--", linewidth=1, label="chance")
    axes.legend(loc="lower right")
    yield present(axes, alt=f"{alt_text(axes)} Chance is {chance:.2f}.").html()
    header = [
        "property alone",
        "balanced accuracy",
        "chance",
        "shuffled labels, at most",
        "accuracy",
        "most frequent class",
    ]
    yield table(
        header,
        [
            [one.name, one.balanced_accuracy, one.chance, one.shuffled_max, one.accuracy, one.majority]
            for one in report.confounds
        ],
        label="What single properties tell of the class",
        digits=2,
    )


def _copies(report: AuditReport, root: Path | None) -> Iterable[str]:
    if not report.copies:
        return
    order = sorted(report.copies, key=lambda one: (not one.conflicts, not one.crosses_splits, one.distance))
    yield "<h2>Copies</h2>"
    if root is not None:
        shown = [(group, position) for group in order[:_SHOWN] for position in (0, 1)]
        pictures = [read_image(root / group.paths[position]) for group, position in shown]
        axes = image_grid(
            pictures, [_caption(group, position) for group, position in shown], columns=4, size=1.7
        )
        yield present(axes, alt=f"Pairs of copies side by side: {_pairs(order[:_SHOWN])}").html()
    rows = [[one.kind, one.distance, _notes(one), " · ".join(one.paths)] for one in order[:_LISTED]]
    header = ["kind", "bits that differ, of 144", "note", "pictures"]
    yield table(header, rows, label="Copies", break_words=True)
    if len(order) > _LISTED:
        yield f"<p>And {len(order) - _LISTED} more groups; the JSON lists all.</p>"


def _caption(group: Copies, position: int) -> str:
    return f"{group.splits[position]} {group.labels[position]}".strip() or Path(group.paths[position]).name


def _pairs(groups: Sequence[Copies]) -> str:
    return "; ".join(f"{group.paths[0]} and {group.paths[1]}" for group in groups)


def _notes(group: Copies) -> str:
    notes = ["in more than one part"] if group.crosses_splits else []
    return ", ".join(notes + (["different labels"] if group.conflicts else []))


def _storage(report: AuditReport) -> Iterable[str]:
    yield "<h2>Sizes and storage</h2>"
    ranges = report.size_ranges or {report.name: report.size_range}
    if report.num_sizes > 1:
        axes = bar_with_intervals(
            list(ranges),
            [one.median_width for one in ranges.values()],
            [one.min_width for one in ranges.values()],
            [one.max_width for one in ranges.values()],
            xlabel="width (pixels): median, smallest and largest",
            digits=0,
        )
        yield present(axes).html()
        header = ["class", "widths", "median", "heights", "median"]
        rows = [_range_row(name, one) for name, one in ranges.items()]
        yield table(header, rows, label="Sizes by class")
    yield "<p>The most frequent sizes:</p>"
    yield table(["width", "height", "pictures"], report.sizes, label="The most frequent sizes")
    yield table(["mode", "pictures"], report.modes.items(), label="Modes")
    yield table(["format", "pictures"], report.formats.items(), label="Formats")
    if report.damaged:
        yield "<h2>Files that cannot be read</h2>"
        damaged = [[one.path, one.reason] for one in report.damaged[:_LISTED]]
        yield table(["file", "reason"], damaged, label="Files that cannot be read", break_words=True)
        if len(report.damaged) > _LISTED:
            yield f"<p>And {len(report.damaged) - _LISTED} more; the JSON lists all.</p>"


def _range_row(name: str, one: SizeRange) -> list[object]:
    widths, heights = f"{one.min_width} to {one.max_width}", f"{one.min_height} to {one.max_height}"
    return [name, widths, round(one.median_width), heights, round(one.median_height)]
