"""One call from a name to a folder of pictures: a sample that is always there, Kaggle, or the reader's own.

`prepare` gives the folder, `records` (from `layouts`) its labelled pictures, `check` a report on it. A folder
that the reader gives is used where it is and never written to; archives are unpacked safely into the data
folder. See `notebooks/00_start_here` and `data/README.md`.
"""

import difflib
import importlib
import re
from pathlib import Path
from typing import Any

from course_utils import files, runtime
from course_utils.data import archives, catalog, kaggle
from course_utils.data.check import CheckReport, check_folder, compare_with_catalog
from course_utils.data.idx import find_idx
from course_utils.data.layouts import Kind, Layout, Record, read_layout, records
from course_utils.data.prepared import keep, read_facts
from course_utils.params import did_you_mean

__all__ = [
    "CheckReport", "Kind", "Layout", "Record", "check", "describe", "list_datasets", "prepare", "read_layout",
    "records",
]  # fmt: skip
SAMPLES = {name: f"course_utils.data.samples.{name}" for name in catalog.CATALOG}
_SOURCES = ("sample", "kaggle", "download")  # beside paths


def prepare(
    name: str,
    *,
    source: str | Path = "sample",
    root: str | Path | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Path:
    """Give the folder with the pictures of the data set `name`, made or fetched first where needed.

    `source` is "sample" (no network; made once in `root`, by default the data folder), "kaggle" (needs the
    package kagglehub, a network and an account), "download" (the original MNIST files, only for `digits`), or
    the path of a folder or a zip or tar archive. A folder is used in place. With a path, `name` may be any
    name for a set of your own; under a name of the catalog its class names are checked. `seed` decides the
    split of the digits and what is drawn in the other samples.

    Raises ValueError or RuntimeError saying what to do when the source is unknown, not reachable, or not the
    set that it should be.
    """
    root = runtime.data_dir() if root is None else Path(root)
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    if source == "sample":
        return _sample(catalog.get(name), root, seed, progress)
    if source == "kaggle":
        path = kaggle.fetch(catalog.get(name))
    elif source == "download":
        path = kaggle.fetch_mnist(catalog.get(name), root, progress=progress)
    else:
        path = _given(name, source, root, progress)
    if name == "digits" and find_idx(path, "train"):
        return _digits_from_idx(path, root, seed, progress)
    return _verified(name, path)


def check(
    name_or_path: str | Path,
    *,
    root: str | Path | None = None,
    num_workers: int | None = None,
    progress: bool = False,
) -> CheckReport:
    """Read every picture of a prepared set (by its name) or of a folder, and report what is there.

    Raises ValueError when the set has not been prepared or the folder does not exist.
    """
    root = runtime.data_dir() if root is None else Path(root)
    folder = Path(name_or_path)
    info = catalog.CATALOG.get(str(name_or_path))
    if info is not None:
        folder = root / info.name
        if not folder.is_dir():
            raise ValueError(
                f"{info.name} has not been prepared in {root}. Run `python -m course_utils data prepare "
                f"{info.name}` first, or give the path of a folder."
            )
    return check_folder(folder, info, num_workers=num_workers, progress=progress)


def list_datasets(*, root: str | Path | None = None) -> list[dict[str, Any]]:
    """Give a row per data set of the catalog: name, title, classes, pictures, and what is prepared."""
    root = runtime.data_dir() if root is None else Path(root)
    rows = []
    for info in catalog.CATALOG.values():
        facts = read_facts(root / info.name)
        rows.append(
            {
                "name": info.name,
                "title": info.title,
                "classes": info.num_classes,
                "published pictures": sum(info.counts.values()),
                "sample": info.sample,
                "prepared": f"{facts['num_files']:,} pictures" if "num_files" in facts else "no",
            }
        )
    return rows


def describe(name: str) -> str:
    """Give the facts on a data set of the catalog as lines of text."""
    info = catalog.get(name)
    counts = ", ".join(f"{split} {count:,}" for split, count in info.counts.items())
    lines = [
        f"{info.title} ({info.name})",
        info.description,
        f"classes     {', '.join(info.class_names)}",
        f"published   {counts} ({info.counts_from})",
        f"sizes       {info.image_sizes}",
        f"file names  {info.naming}",
        f"tree        {info.tree}",
        f"licence     {info.licence}",
        f"by          {info.source}",
        f"sample      {info.sample}",
        f"on Kaggle   {f'{info.kaggle} ({info.kaggle_kind})' if info.kaggle else 'no'}",
    ]
    return "\n".join(lines)


def _sample(info: catalog.DatasetInfo, root: Path, seed: int, progress: bool) -> Path:
    module = importlib.import_module(SAMPLES[info.name])
    facts = {
        "name": info.name,
        "title": info.title,
        "source": "sample",
        "version": getattr(module, "VERSION", 1),
        "seed": seed,
        "class_names": list(info.class_names),
    }
    target = root / (info.name if seed == 0 else f"{info.name}-seed{seed}")
    return keep(target, facts, lambda folder: module.write(folder, seed=seed, progress=progress))


def _digits_from_idx(folder: Path, root: Path, seed: int, progress: bool) -> Path:
    from course_utils.data.samples import digits

    pairs = [pair for part in ("train", "t10k") if (pair := find_idx(folder, part))]
    key = files.sha256_text(" ".join(files.sha256_file(path) for pair in pairs for path in pair))[:8]
    facts = {
        "name": "digits",
        "title": "Handwritten digits (MNIST), from idx files",
        "source": f"idx files {key}",
        "version": digits.VERSION,
        "seed": seed,
        "class_names": list(digits.CLASS_NAMES),
    }
    target = root / (f"digits-idx-{key}" + (f"-seed{seed}" if seed else ""))
    return keep(target, facts, lambda made: digits.write_from_idx(made, folder, seed=seed, progress=progress))


def _given(name: str, source: str | Path, root: Path, progress: bool) -> Path:
    """Give the folder behind a path that the caller gave; an archive is unpacked once into `root`."""
    path = Path(source).expanduser()
    if not path.exists():
        hint = did_you_mean(source, _SOURCES) or f"; other sources are {', '.join(map(repr, _SOURCES))}"
        raise ValueError(f"source is {str(source)!r}: no such folder or archive{hint}")
    if name not in catalog.CATALOG:
        near = difflib.get_close_matches(name, catalog.CATALOG, n=1, cutoff=0.8)
        if near:
            raise ValueError(f"there is no data set {name!r}. Did you mean {near[0]!r}?")
        if not re.fullmatch(r"\w[\w. -]{0,99}", name):
            raise ValueError(
                f"name is {name!r}; expected letters, digits, '_', '-', '.' and at most 100 of them"
            )
    if path.is_dir():
        return path
    target = root / f"{name}-{files.sha256_file(path)[:8]}"
    return archives.unpack_once(path, target, progress=progress)


def _verified(name: str, path: Path) -> Path:
    """Give the folder that the class folders or splits lie in, after comparing it with the catalog."""
    info = catalog.CATALOG.get(name)
    layout = read_layout(path, class_names=info.class_names if info else None)
    if info is not None:
        compare_with_catalog(layout, info)
    return layout.root
