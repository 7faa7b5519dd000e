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
from course_utils.plots.images import image_grid
from course_utils.plots.presenting import present
from course_utils.plots.style import alt_text

_LISTED = 50
_SHOWN = 8
_LEVELS = {"error": "to mend", "warning": "warning", "look": "look at it", "fine": "fine"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #8886; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
li { margin: .4rem 0; }
.level { font-weight: 600; }
.error { color: light-dark(#a40000, #ff9d96); }
.warning { color: light-dark(#8a4b00, #ffc069); }
img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
code { overflow-wrap: anywhere; }
"""


def audit_page(report: AuditReport, *, root: str | Path | None = None) -> str:
    """The page as HTML. With `root`, the folder at which paths start, it shows pictures of copies."""
    title = f"Audit of {report.name}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{report.num_pictures:,} pictures in {len(report.class_names)} classes, "
        f"{report.num_bytes / 1e6:,.1f} MB.</p>",
        "<h2>Findings</h2>",
        _findings(report),
        *_balance(report),
        *_confounds(report),
        *_copies(report, None if root is None else Path(root)),
        *_storage(report),
    ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


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
    yield _table(["class", *report.counts], rows)


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
    yield _table(
        header,
        [
            [one.name, one.balanced_accuracy, one.chance, one.shuffled_max, one.accuracy, one.majority]
            for one in report.confounds
        ],
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
    yield _table(["kind", "bits that differ, of 144", "note", "pictures"], rows)
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
        yield _table(header, [_range_row(name, one) for name, one in ranges.items()])
    yield "<p>The most frequent sizes:</p>"
    yield _table(["width", "height", "pictures"], report.sizes)
    yield _table(["mode", "pictures"], report.modes.items())
    yield _table(["format", "pictures"], report.formats.items())
    if report.damaged:
        yield "<h2>Files that cannot be read</h2>"
        yield _table(["file", "reason"], [[one.path, one.reason] for one in report.damaged[:_LISTED]])
        if len(report.damaged) > _LISTED:
            yield f"<p>And {len(report.damaged) - _LISTED} more; the JSON lists all.</p>"


def _range_row(name: str, one: SizeRange) -> list[object]:
    widths, heights = f"{one.min_width} to {one.max_width}", f"{one.min_height} to {one.max_height}"
    return [name, widths, round(one.median_width), heights, round(one.median_height)]


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in header)
    lines = [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows]
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{chr(10).join(lines)}\n</tbody>\n</table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:.2f}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"
