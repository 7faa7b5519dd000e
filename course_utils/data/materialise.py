"""A `train/ val/ test/` tree from a manifest, by hard link, symbolic link or copy.

The tree is built beside its final name and renamed, so that it is there whole or not at all. It never costs
the user a file: an existing folder is refused unless it is empty, or is a tree of ours in which nothing was
added and whose pictures are all still in the source. Count in equals count out, or there is an error. Used by
`notebooks/02_dataset_splitting`; speed against the usual copy loop: `benchmarks/splits.py`.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from course_utils import files
from course_utils.data.listing import check_case, normal_name
from course_utils.data.manifest import Manifest, Row
from course_utils.params import check_choice

How = Literal["hardlink", "symlink", "copy", "auto"]
HOW = ("hardlink", "symlink", "copy", "auto")
MANIFEST_NAME = "split.csv"
_SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


def materialise(manifest: Manifest, target: str | Path, *, root: str | Path, how: How = "hardlink") -> str:
    """Make `target/SPLIT/CLASS/FILE` from the files below `root`; gives "hardlink", "symlink" or "copy".

    The manifest itself is written into `target` as split.csv and split.json. Every class gets a folder in
    every part, so that readers of image folders number the classes alike everywhere. "auto" takes hard links
    where they work and copies elsewhere; the answer says which. With ValueError or OSError nothing is left
    behind: files that are missing, names that collide, impossible links, a full disk. FileExistsError:
    `target` holds something that would be lost.
    """
    root, target = Path(root).resolve(), Path(target).resolve()
    check_choice("how", how, HOW)
    refuse_overlap(root, target)
    manifest.verify(root, contents=False)
    places = _places(manifest)
    refuse_losses(target, root)
    with files.atomic_folder(target, replace_ours=True) as partial:
        used = _usable(how, root / manifest.rows[0].path, partial)
        if used == "copy":
            files.require_space(partial, sum((root / row.path).stat().st_size for row in manifest.rows))
        _refuse_case_collisions(places, partial)
        _make_folders(manifest, places, partial)
        _fill(manifest.rows, places, partial, target=target, root=root, how=used)
        count = sum(1 for _ in all_files(partial)) - 1  # the marker
        if count != len(places):
            raise OSError(f"{count} of {len(places)} files arrived in {partial}; nothing was kept, try again")
        manifest.write(partial / MANIFEST_NAME)
    return used


def tree_path(row: Row) -> str:
    """Where a picture lies in the tree: part, class, and its own path without the class folder."""
    *folders, name = row.path.split("/")
    for position, folder in enumerate(folders):
        if normal_name(folder) == row.label:
            del folders[position]
            break
    return "/".join([row.split, row.label, *folders, name])


def refuse_losses(target: Path, root: Path) -> None:
    """FileExistsError if replacing the tree at `target` would cost a file that is not also below `root`.

    A folder that is not ours, or not a folder, is left to `files.atomic_folder`, which refuses it.
    """
    if not files.is_ours(target):
        return
    try:
        rows = {tree_path(row): row for row in Manifest.read(target / MANIFEST_NAME).rows}
    except (OSError, ValueError) as error:
        raise FileExistsError(f"{target} holds no split that could be replaced ({error})") from None
    own = {files.MARKER_NAME, MANIFEST_NAME, Path(MANIFEST_NAME).with_suffix(".json").name}
    for path in all_files(target):
        place = path.relative_to(target).as_posix()
        if place in own or path.name.casefold() in _SYSTEM_FILES:
            continue
        if place not in rows:
            what = "was added to the split by hand"
        elif not path.is_symlink() and not _same(path, root / rows[place].path):
            what = f"is not, or no longer, the same as {root / rows[place].path}"
        else:
            continue
        raise FileExistsError(
            f"{path} {what}; replacing the split would lose it. Move it or choose another target."
        )


def all_files(folder: Path) -> Iterator[Path]:
    """Every file and link below the folder, hidden ones too; links are not followed."""
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in [*names, *links])


def _same(path: Path, source: Path) -> bool:
    if not source.is_file():
        return False
    if path.samefile(source):
        return True
    return path.stat().st_size == source.stat().st_size and files.sha256_file(path) == files.sha256_file(
        source
    )


def _places(manifest: Manifest) -> list[str]:
    """The place of each row in the tree; ValueError where two rows want one, or a class is no folder name."""
    check_case(manifest.class_names, where="the manifest")
    for name in manifest.class_names:
        if name.startswith(".") or "/" in name or "\0" in name:
            raise ValueError(f"the class name {name!r} cannot be the name of a folder; rename the class")
    taken: dict[str, Row] = {}
    for row in manifest.rows:
        other = taken.setdefault(tree_path(row), row)
        if other is not row:
            raise ValueError(
                f"{other.path} and {row.path} would both become {tree_path(row)}; rename one of them"
            )
    return list(taken)


def refuse_overlap(source: Path, target: Path) -> None:
    """ValueError when one of the two folders lies in the other: the tree would become part of the source."""
    source, real = source.resolve(), target.resolve()
    if real.is_relative_to(source) or source.is_relative_to(real):
        raise ValueError(
            f"the target {target} and the source {source} lie within each other; choose another target"
        )


def _refuse_case_collisions(places: Iterable[str], folder: Path) -> None:
    """ValueError for names that differ only in case or spelling, on a disk that takes them for one."""
    if not (folder / files.MARKER_NAME.upper()).exists():
        return
    seen: dict[str, str] = {}
    for place in places:
        other = seen.setdefault(normal_name(place).casefold(), place)
        if other != place:
            raise ValueError(f"{other} and {place} are one name on the target's disk; rename one of them")


def _usable(how: How, sample: Path, partial: Path) -> str:
    """`how`, links tried out once, so that the error comes first and says what to do; "auto" decided."""
    if how == "copy":
        return how
    kind, probe = ("hardlink" if how == "auto" else how), partial / ".probe"
    try:
        _put(sample.resolve(), probe, kind, probe)
    except OSError as error:
        if how == "auto":
            return "copy"
        where = "source and target are on different disks" if error.errno == errno.EXDEV else error.strerror
        message = f'a {kind} of {sample} is not possible: {where}; use how="copy", or how="auto"'
        raise OSError(error.errno, message) from None
    probe.unlink()
    return kind


def _make_folders(manifest: Manifest, places: Iterable[str], partial: Path) -> None:
    folders = {f"{split}/{name}" for split in manifest.splits for name in manifest.class_names}
    for folder in sorted(folders | {place.rpartition("/")[0] for place in places}):
        (partial / folder).mkdir(parents=True, exist_ok=True)


def _fill(
    rows: Sequence[Row], places: Sequence[str], partial: Path, *, target: Path, root: Path, how: str
) -> None:
    """All files into the tree; OSError that says how many bytes are missing when the disk is full."""
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        source = root / row.path
        try:
            _put(source.resolve() if source.is_symlink() else source, partial / place, how, target / place)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            left = sum((root / row.path).stat().st_size for row in rows[number:]) if how == "copy" else 0
            message = f"the disk is full after {number} of {len(rows)} files; {left:,} more bytes are needed"
            raise OSError(error.errno, f"{message}. Nothing was kept.", str(target)) from None


def _put(source: Path, place: Path, how: str, final: Path) -> None:
    """One file into the tree; FileExistsError rather than writing over another one."""
    if how == "hardlink":
        place.hardlink_to(source)
    elif how == "symlink":
        place.symlink_to(os.path.relpath(source.resolve(), final.parent))
    else:
        with source.open("rb") as reader, place.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
        shutil.copystat(source, place)
