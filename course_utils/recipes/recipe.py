"""A recipe: one TOML file, or the table in a run's `config.json`, as one frozen, typed value.

Every key is checked when it is read: an unknown one, a wrong type or an impossible value is an error that
names the file, the key and the nearest known name. Notebook 09 shows the training section.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from course_utils import runtime
from course_utils.params import did_you_mean
from course_utils.recipes.sections import DataConfig, ModelConfig
from course_utils.recipes.typed import check_keys, check_type, from_table
from course_utils.training.config import TrainingConfig

SECTIONS = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}
_TEXTS = ("name", "description")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to train, on what, and how. `name` names the run folders; `description` is for people."""

    name: str
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
    description: str = ""

    def __post_init__(self) -> None:
        """Check what concerns more than one section."""
        if self.data.val_fraction == 0 and self.training.patience:
            raise ValueError(
                f"training.patience is {self.training.patience}, but data.val_fraction is 0: without a "
                "validation part nothing tells when to stop. Set patience to 0, or hold a part out."
            )
        if self.data.val_fraction == 0 and self.training.keep != "last":
            raise ValueError(
                "data.val_fraction is 0, so nothing tells which epoch is the best: set training.keep to "
                "'last', or hold a part out"
            )
        mixing = self.data.mixing or {}
        if mixing.get("label_smoothing") and self.training.label_smoothing:
            raise ValueError(
                "both data.mixing.label_smoothing and training.label_smoothing are set, so labels would be "
                "smoothed twice; keep one of them"
            )

    @classmethod
    def load(cls, path: str | Path, overrides: Mapping[str, Any] | None = None) -> "Recipe":
        """Read the TOML file at `path`; `overrides` replace single values: {"training.epochs": 3}.

        The name is the file's own unless it says another one. Raises ValueError naming the file and the key.
        """
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError(f"there is no recipe {path}{_nearest_recipe(path)}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no valid TOML: {error}") from None
        values.setdefault("name", path.stem)
        for key, value in (overrides or {}).items():
            _replace_value(values, key, value)
        return cls.from_dict(values, where=str(path)).resolved(where=str(path))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "the recipe") -> "Recipe":
        """Make it from what `as_dict` gave or a file held; `where` begins every message."""
        check_keys(values, [*_TEXTS, *SECTIONS], where=f"{where}: the top level")
        for section in (*SECTIONS, "name"):
            if section not in values:
                raise ValueError(f"{where}: {section!r} is missing; add it")
        texts = {
            key: check_type(values[key], str, where=f"{where}: {key}") for key in _TEXTS if key in values
        }
        parts: dict[str, Any] = {
            section: from_table(maker, values[section], where=f"{where}: [{section}]")
            for section, maker in SECTIONS.items()
        }
        try:
            return cls(**texts, **parts)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain data for JSON: tuples as lists."""
        return _plain(asdict(self))

    def resolved(self, *, where: str = "the recipe") -> "Recipe":
        """Give the recipe with every option of augmentation and mixing checked and spelt out.

        So a later change of a default does not change a run that is repeated. Imports torch. ValueError
        naming the option.
        """
        from course_utils.data.augmentations import full_spec

        try:
            augment = tuple(full_spec(self.data.augment))
        except ValueError as error:
            raise ValueError(f"{where}: [data] augment: {error}") from None
        mixing = (
            None if self.data.mixing is None else _full_mixing(self.data.mixing, f"{where}: [data.mixing]")
        )
        return replace(self, data=replace(self.data, augment=augment, mixing=mixing))

    def with_data(self, data: str | Path) -> "Recipe":
        """Give the recipe for other pictures: a folder or archive, or the name of a set of the catalog."""
        from course_utils.data import catalog

        if str(data) in catalog.CATALOG and not Path(data).exists():
            return replace(self, data=replace(self.data, name=str(data), source="sample"))
        return replace(self, data=replace(self.data, source=str(data)))


def find_recipe(name: str) -> Path:
    """Give the path of a recipe: `name` itself if there is such a file, else one in the project."""
    path = Path(name)
    ours = runtime.project_root() / "recipes" / f"{path.name.removesuffix('.toml')}.toml"
    return ours if not path.is_file() and path.parent == Path() and ours.is_file() else path


def parse_overrides(texts: Sequence[str]) -> dict[str, Any]:
    """Give key and value of each "SECTION.KEY=VALUE", the value read as TOML, or as it stands for text.

    Raises ValueError for another form or a repeated key.
    """
    values: dict[str, Any] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key:
            raise ValueError(f"--set {text}: expected KEY=VALUE, such as --set training.epochs=3")
        if key in values:
            raise ValueError(f"--set {text}: {key} is given twice; give one")
        values[key] = _typed(key, value)
    return values


def _typed(key: str, text: str) -> Any:
    section, _, name = key.partition(".")
    if key in _TEXTS or (section in SECTIONS and get_type_hints(SECTIONS[section]).get(name) is str):
        return text.strip("\"'")
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _replace_value(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a value by its dotted key; ValueError when the way leads through something that is no table."""
    *tables, last = key.split(".")
    for name in tables:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise ValueError(f"{key}: {name} is a value, not a table; it holds nothing to replace")
    values[last] = value


def _full_mixing(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    from course_utils.data.mixing import Mixing

    defaults = {**asdict(Mixing(num_classes=2)), "label_smoothing": 0.0}
    known = [name for name in defaults if name not in ("num_classes", "seed")]
    check_keys(given, known, where=where)
    options = {name: given.get(name, defaults[name]) for name in known}
    try:
        Mixing(num_classes=2, **options)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None
    return options


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _nearest_recipe(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() and path.parent != Path() else None
    folder = folder or runtime.project_root() / "recipes"
    names = sorted(found.name for found in folder.glob("*.toml"))
    known = f" in {folder.name}: {', '.join(names)}" if names else ""
    return did_you_mean(path.name.removesuffix(".toml") + ".toml", names) or f". Known{known or ' are none'}."
