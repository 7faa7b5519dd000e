"""From the numbers of an audit to sentences a reader can act on, the gravest first."""

from collections.abc import Iterator, Sequence

from course_utils.data.audit_report import AuditReport, Copies, Finding, Level
from course_utils.data.confounds import Confound

_ORDER = {"error": 0, "warning": 1, "look": 2, "fine": 3}
_MUCH_ALIKE = 0.1  # more near copies than this share of the set: the hash may not tell such pictures apart
_ADVICE = {
    "size": (
        "A leak suspect: scaling does not remove it, since enlarged pictures stay blurred. Reduce all to the "
        "smallest size first"
    ),
    "shape": "A leak suspect: crop all pictures to one shape",
    "file size": "A leak suspect where it shows how files were made; harmless where it shows detail",
    "encoding": "A leak suspect: the classes were saved in different ways (format, mode or JPEG quality)",
    "mean colour": "Look at it: colour may be what the classes are about, or only how they were photographed",
}


def findings(report: AuditReport) -> tuple[Finding, ...]:
    """All findings on the report, errors first, in a fixed order within each level."""
    found = [*_files(report), *_classes(report), *_copies(report), *_confounds(report), *_storage(report)]
    return tuple(sorted(found, key=lambda one: _ORDER[one.level]))


def _files(report: AuditReport) -> Iterator[Finding]:
    if report.damaged:
        first = report.damaged[0]
        number = f"{len(report.damaged)} of {report.num_pictures} files cannot be read"
        yield Finding("error", "files", f"{number}; the first is {first.path}: {first.reason}")
    else:
        yield Finding("fine", "files", f"all {report.num_pictures} pictures can be read")
    for remark in report.remarks:
        yield Finding("look", "files", remark)


def _classes(report: AuditReport) -> Iterator[Finding]:
    learnt_part = "train" if "train" in report.counts else next(iter(report.counts))
    where = "" if learnt_part == "all" else f" in {learnt_part}"
    learnt = {name: count for name, count in report.counts[learnt_part].items() if name}
    for split, counts in report.counts.items():
        missing = [name for name in report.class_names if set(counts) != {""} and not counts.get(name)]
        if not missing:
            continue
        level: Level = "warning" if split != learnt_part else "error"
        inside = "" if split == "all" else f" in {split}"
        yield Finding(level, "classes", f"no pictures{inside} of the classes {', '.join(missing)}")
        unlearnt = [name for name in missing if any(other.get(name) for other in report.counts.values())]
        if split == "train" and unlearnt:
            yield Finding("error", "classes", f"to be recognised but never learnt: {', '.join(unlearnt)}")
    present = {name: count for name, count in learnt.items() if count}
    if len(present) < 2:
        return
    small, large = min(present, key=present.__getitem__), max(present, key=present.__getitem__)
    ratio = present[large] / present[small]
    if ratio == 1:
        yield Finding("fine", "balance", f"{present[small]} pictures of every class{where}")
        return
    text = f"from {present[small]} pictures ({small}) to {present[large]} ({large}) a class{where}"
    if ratio >= 10:
        yield Finding(
            "warning", "balance", f"{text}: {ratio:.1f} to 1; weigh the classes and report each of them"
        )
    else:
        yield Finding("look" if ratio >= 3 else "fine", "balance", f"{text}: {ratio:.1f} to 1")


def _copies(report: AuditReport) -> Iterator[Finding]:
    exact = [one for one in report.copies if one.kind != "near"]
    near = [one for one in report.copies if one.kind == "near"]
    same, alike = ("pictures that are the same", "pictures that look nearly the same")
    for groups, what, level in ((exact, same, "error"), (near, alike, "warning")):
        crossing = [one for one in groups if one.crosses_splits]
        clashing = [one for one in groups if one.conflicts]
        if crossing:
            yield _about(
                level, "copies", f"{len(crossing)} groups of {what} lie in more than one part", crossing
            )
        if clashing:
            yield _about(level, "labels", f"{len(clashing)} groups of {what} have different labels", clashing)
    inside = [one for one in report.copies if not one.crosses_splits]
    if inside:
        number = sum(len(one.paths) for one in inside)
        text = (
            f"{len(inside)} groups of copies within one part, {number} pictures in all; keep each on one side"
        )
        yield _about("look", "copies", text, inside)
    if not report.copies:
        yield Finding("fine", "copies", "no picture is there twice")
    share = sum(len(one.paths) for one in near) / max(1, report.num_pictures)
    if share > _MUCH_ALIKE:
        yield Finding(
            "look",
            "copies",
            f"{share:.0%} of the pictures look nearly like another one. In sets of small or uniform pictures "
            "(digits, frames of a film) this is often chance: look at the pairs before grouping by them",
        )


def _about(level: str, topic: str, text: str, groups: Sequence[Copies]) -> Finding:
    paths = " and ".join(groups[0].paths[:2])
    grave: Level = "error" if level == "error" else "warning" if level == "warning" else "look"
    return Finding(grave, topic, f"{text}; the closest: {paths}")


def _confounds(report: AuditReport) -> Iterator[Finding]:
    real = [one for one in report.confounds if one.is_real]
    # The size of a file grows with the picture and the way it is saved; else with the detail it shows.
    explained = any(one.name in ("size", "encoding") for one in real)
    for one in sorted(real, key=lambda confound: list(_ADVICE).index(confound.name)):
        content = one.name == "mean colour" or (one.name == "file size" and not explained)
        level: Level = "look" if content else "warning"
        yield Finding(level, "confounds", f"{verdict(one)}. {_ADVICE[one.name]}")
    if report.confounds and not real:
        names = ", ".join(one.name for one in report.confounds)
        yield Finding("fine", "confounds", f"none of these alone predicts the class: {names}")


def verdict(one: Confound) -> str:
    """What a property alone can do, in one sentence without its full stop."""
    text = (
        f"{one.name} alone predicts the class: balanced accuracy {one.balanced_accuracy:.2f} against "
        f"{one.chance:.2f} by chance (shuffled labels: at most {one.shuffled_max:.2f})"
    )
    if one.told_apart:
        text += f"; it tells apart {' | '.join(', '.join(group) for group in one.told_apart)}"
    return text


def _storage(report: AuditReport) -> Iterator[Finding]:
    (width, height, number), extent = report.sizes[0], report.size_range
    if report.num_sizes == 1:
        yield Finding("fine", "sizes", f"all pictures are {width} x {height} pixels")
    else:
        spread = (
            f"{extent.min_width} to {extent.max_width} pixels wide and {extent.min_height} to "
            f"{extent.max_height} high"
        )
        often = f"{number} pictures have the most frequent size, {width} x {height}"
        yield Finding("look", "sizes", f"{report.num_sizes} sizes, {spread}; {often}")
    if len(report.modes) > 1:
        listed = ", ".join(f"{mode} {number}" for mode, number in report.modes.items())
        yield Finding("look", "modes", f"pictures are stored in {len(report.modes)} modes: {listed}")
