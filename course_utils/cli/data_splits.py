"""`data split | audit | stats`: the commands on any folder of labelled pictures."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_utils.data.splitting import Split


def register(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to those of `data`."""
    _register_split(commands, common)
    audit = commands.add_parser(
        "audit",
        parents=[common],
        help="report copies, leaks, label conflicts, balance and damage of a data set",
        description="Writes audit.json and audit.html. Exit code 1 when something is to be mended.",
    )
    audit.add_argument("path", metavar="PATH", help="a prepared set's name, a folder, or a split.csv")
    audit.add_argument("--root", help="the folder at which the paths of a split.csv start")
    audit.add_argument("--output", help="folder for the two files; default: audit_NAME in the runs folder")
    audit.add_argument("--no-near", action="store_true", help="do not search for near copies")
    audit.set_defaults(function=_audit)
    stats = commands.add_parser("stats", parents=[common], help="mean and standard deviation per channel")
    stats.add_argument("path", metavar="PATH", help="a prepared set's name, or a folder")
    stats.add_argument("--part", help="the part to measure; default: train where there is one")
    stats.add_argument("--json", action="store_true", help="print JSON")
    stats.set_defaults(function=_stats)


def _register_split(commands: Any, common: argparse.ArgumentParser) -> None:
    split = commands.add_parser(
        "split",
        parents=[common],
        help="split class folders into train/, val/ and test/",
        description="PATH is only read. TARGET is refused when anything in it would be lost.",
        epilog="Example: python -m course_utils data split plants plants_split --fractions 0.7 0.3 --seed 42",
    )
    split.add_argument("path", metavar="PATH", help="a prepared set's name, or a folder")
    split.add_argument("target", nargs="?", metavar="TARGET", help="default: NAME_split in the data folder")
    split.add_argument("--fractions", nargs="+", type=float, default=[0.7, 0.3], metavar="F")
    split.add_argument("--seed", type=int, default=42)
    split.add_argument("--how", choices=["hardlink", "symlink", "copy", "auto"], default="hardlink")
    split.add_argument(
        "--keep-together",
        choices=["exact", "near", "none"],
        default="exact",
        help="which copies stay on one side (default: exact)",
    )
    split.add_argument("--group-pattern", metavar="REGEX", help="equal matches in the path stay on one side")
    split.add_argument("--rare", choices=["error", "train"], default="error", help="classes of one picture")
    split.add_argument("--pool", action="store_true", help="put existing parts together and split anew")
    split.add_argument("--plan", action="store_true", help="show the split and write nothing")
    split.set_defaults(function=_split)


def _split(options: argparse.Namespace) -> int:
    from course_utils import runtime
    from course_utils.data.materialise import materialise, refuse_overlap
    from course_utils.data.splitting import plan_split

    source = _folder(options.path)
    target = Path(options.target) if options.target else runtime.data_dir() / f"{source.resolve().name}_split"
    if not options.plan:
        refuse_overlap(source, target)
    split = plan_split(
        source,
        fractions=options.fractions,
        seed=options.seed,
        keep_together=None if options.keep_together == "none" else options.keep_together,
        group_pattern=options.group_pattern,
        rare=options.rare,
        pool=options.pool,
        progress=True,
    )
    print(_table(split))
    if options.plan:
        return 0
    used = materialise(split.manifest, target, root=split.root, how=options.how)
    print(f"{target}: {len(split.manifest.rows)} files by {used}, and split.csv")
    return 0


def _table(split: "Split") -> str:
    """Counts by class and part, and what was left out or kept together."""
    counts = split.manifest.counts()
    width = max(len(name) for name in (*split.manifest.class_names, "all"))
    lines = [f"{'':<{width}}" + "".join(f"{part:>8}" for part in counts)]
    for name in split.manifest.class_names:
        lines.append(f"{name:<{width}}" + "".join(f"{counts[part][name]:>8}" for part in counts))
    lines.append(f"{'all':<{width}}" + "".join(f"{sum(counts[part].values()):>8}" for part in counts))
    grouped = [row.group for row in split.manifest.rows if row.group]
    if grouped:
        lines.append(f"{len(grouped)} pictures in {len(set(grouped))} groups are kept together")
    return "\n".join([*lines, *split.remarks])


def _audit(options: argparse.Namespace) -> int:
    from course_utils import files, runtime
    from course_utils.data.audit import audit
    from course_utils.data.layouts import read_layout
    from course_utils.plots.audit_page import audit_page

    path = Path(options.path)
    is_manifest = path.suffix.lower() == ".csv"
    source = path if is_manifest else _folder(options.path)
    report = audit(source, root=options.root, near=not options.no_near, progress=True)
    root = options.root if is_manifest else read_layout(source).root
    output = Path(options.output) if options.output else runtime.runs_dir() / f"audit_{report.name}"
    files.write_json(output / "audit.json", report.as_dict())
    files.write_text(output / "audit.html", audit_page(report, root=root))
    print(report.summary())
    print(f"{output / 'audit.html'}")
    return 1 if any(one.level == "error" for one in report.findings) else 0


def _stats(options: argparse.Namespace) -> int:
    from course_utils import files
    from course_utils.data.layouts import read_layout
    from course_utils.data.stats import channel_statistics

    source = _folder(options.path)
    layout = read_layout(source)
    part = options.part or ("train" if "train" in layout.splits else None)
    if part is not None and part not in layout.splits:
        parts = ", ".join(layout.splits) or "no parts"
        raise ValueError(f"{source} has no part {part!r}; it has {parts}")
    paths = [record.path for record in layout.records if part is None or record.split == part]
    statistics = channel_statistics(paths, progress=True)
    if options.json:
        print(files.to_json({"path": options.path, "split": part, **statistics.as_dict()}), end="")
        return 0
    print(f"{source}{f', {part} only' if part else ''}\n{statistics}")
    return 0


def _folder(name_or_path: str) -> Path:
    """A prepared set of the catalog by its name, else the folder itself."""
    from course_utils import runtime
    from course_utils.data import catalog

    path = Path(name_or_path)
    if path.exists() or name_or_path not in catalog.CATALOG:
        return path
    prepared = runtime.data_dir() / name_or_path
    if not prepared.is_dir():
        raise ValueError(f"{name_or_path} is not prepared; run `data prepare {name_or_path}` first")
    return prepared
