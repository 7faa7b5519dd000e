"""Find notebooks by number, name or path."""

from collections.abc import Iterable
from pathlib import Path

from course_utils import runtime
from course_utils.params import did_you_mean


def notebooks_dir() -> Path:
    """Give the folder of the course's notebooks."""
    return runtime.project_root() / "notebooks"


def find_notebooks(names: Iterable[str | Path] = (), *, folder: str | Path | None = None) -> list[Path]:
    """Give the paths of the notebooks `names`, in that order, each once; of all in `folder`, sorted, if none
    is named.

    A name is a number ("01"), a name with or without the ending ("01_mean_std"), or a path. `folder` is the
    course's notebooks folder unless given. Raises ValueError for a name that fits no notebook or several.
    """
    base = notebooks_dir() if folder is None else Path(folder)
    available = sorted(path for path in base.glob("*.ipynb") if not path.name.startswith("."))
    names = list(names)
    if not names and not available:
        raise ValueError(f"there is no notebook in {base}. Run this from a checkout of the course.")
    found = [_find(str(name), available) for name in names] if names else available
    return list(dict.fromkeys(path.resolve() for path in found))


def _find(name: str, available: list[Path]) -> Path:
    if Path(name).suffix == ".ipynb" and Path(name).is_file():
        return Path(name)
    stem = Path(name).name.removesuffix(".ipynb")
    fitting = [path for path in available if path.stem == stem] or [
        path
        for path in available
        if path.stem.startswith(f"{stem}_") or path.stem.split("_")[0].lstrip("0") == stem
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ValueError(
            f"{name!r} fits several notebooks: {', '.join(path.stem for path in fitting)}. Name one of them."
        )
    stems = [path.stem for path in available]
    known = f"Known: {', '.join(stems) or 'none'}."
    raise ValueError(f"there is no notebook {name!r}{did_you_mean(stem, stems) or '.'} {known}")
