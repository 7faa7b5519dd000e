"""Fitting a table of tensors to a model that it was perhaps not made for, with a report of every tensor.

`torch.nn.Module.load_state_dict(strict=False)` returns quietly even when no name fits, and it raises when a
name fits and the shape does not. Here each tensor of the file and of the model is accounted for: loaded,
skipped for its shape, missing, or unexpected. Notebook 09 loads weights that nearly fit. `weights` reads and
writes the files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

# What wrappers put before the names: DataParallel, torch.compile, EMA copies, detectors.
PREFIXES = ("module.", "_orig_mod.", "model_ema.", "ema_model.", "model.", "backbone.")


@dataclass(frozen=True)
class Skipped:
    """A tensor whose name fits and whose shape does not."""

    name: str
    file_shape: tuple[int, ...]
    model_shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} (file {_shape(self.file_shape)}, model {_shape(self.model_shape)})"


@dataclass(frozen=True)
class LoadReport:
    """What loading did to each tensor.

    `missing` stands in the model only and keeps its start, `unexpected` in the file only.
    """

    loaded: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    verified: bool = False  # whether a checksum was there to compare with

    @property
    def complete(self) -> bool:
        """Whether every tensor of the model was loaded and every tensor of the file was used."""
        return not (self.skipped or self.missing or self.unexpected)

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.skipped) + len(self.missing)
        lines = [f"loaded {len(self.loaded)} of the model's {total} tensors"]
        for title, names in (
            ("skipped, other shape", self.skipped),
            ("missing in the file", self.missing),
            ("unexpected in the file", self.unexpected),
        ):
            if names:
                lines.append(f"{title}: {listed(names)}")
        lines.append("checksum agreed" if self.verified else "no checksum to compare with")
        return "\n".join(lines)


def load_state(model: nn.Module, state: Mapping[str, Tensor], *, allow_partial: bool = False) -> LoadReport:
    """Copy the tensors of `state` that fit by name and shape into `model` and report.

    A name fits after any of `PREFIXES` before it are taken off. Unless everything fits, this is a ValueError
    that holds the report, and the model is left as it was; `allow_partial=True` takes what fits, but nothing
    fitting is always an error. Batch norm's counters `num_batches_tracked`, which old files lack and no
    output depends on, are not missed.
    """
    wanted = model.state_dict()
    places, unexpected = _placed(state, wanted)
    fitting: dict[str, Tensor] = {}
    skipped: list[Skipped] = []
    missing: list[str] = []
    for name, tensor in wanted.items():
        if name not in places:
            missing += [] if name.endswith("num_batches_tracked") else [name]
        elif places[name].shape == tensor.shape:
            fitting[name] = places[name]
        else:
            skipped.append(Skipped(name, tuple(places[name].shape), tuple(tensor.shape)))
    report = LoadReport(tuple(fitting), tuple(skipped), tuple(missing), tuple(unexpected))
    if not fitting:
        raise ValueError(
            f"none of the {len(state)} tensors fits the model: the file has {listed(list(state), 3)}; "
            f"the model has {listed(list(wanted), 3)}"
        )
    if not report.complete and not allow_partial:
        raise ValueError(f"the weights do not fit (allow_partial=True would take what fits)\n{report}")
    model.load_state_dict(fitting, strict=False)
    return report


def _placed(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of `state` under the model's names, and the names without a place there."""
    places: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    unexpected: list[str] = []
    for name, tensor in state.items():
        target = _without_prefixes(name, wanted)
        if target not in wanted:
            unexpected.append(name)
        elif target in origin:
            raise ValueError(
                f"two tensors for {target}: {origin[target]} and {name}; keep one of the two tables"
            )
        else:
            places[target], origin[target] = tensor, name
    return places, unexpected


def _without_prefixes(name: str, wanted: Mapping[str, Tensor]) -> str:
    while name not in wanted:
        shorter = next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)
        if shorter == name:
            break
        name = shorter
    return name


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or the name of its type where it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def listed(items: Sequence[object], most: int = 6) -> str:
    """Return the first items as text and how many more there are."""
    text = ", ".join(map(str, items[:most]))
    return text if len(items) <= most else f"{text} and {len(items) - most} more"
