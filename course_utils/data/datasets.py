"""Pictures with their targets and ids: from files, or decoded once and kept in memory.

A set gives one picture as (image, target, id), as any PyTorch data set does, and a whole batch of pixels at
once through `pixels`, which is what the loader uses. Notebook 05 derives both kinds, labelled and unlabelled.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from course_utils.data import images
from course_utils.data.cache import CachedPixels, cached_pixels
from course_utils.data.layouts import Record
from course_utils.data.resizing import check_rule

UNLABELLED = -1  # the target of a picture whose class nobody knows; never the result of a name that failed


class PictureSet(Dataset):
    """Pictures of one size: item i is (image uint8 (C, H, W), target, id).

    `targets` (N,) are positions in `class_names`, or all `UNLABELLED`; `ids` name the pictures in csv files.
    `size` is (height, width); `mode` "RGB" gives 3 channels, "L" one; `fit` ("squash",
    "crop" or "pad") and `interpolation` are those of `resizing`. Files are decoded at each access until
    `in_memory` decodes them once.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        targets: Sequence[int] | np.ndarray,
        ids: Sequence[str],
        *,
        class_names: Sequence[str],
        size: tuple[int, int],
        mode: str = "RGB",
        fit: str = "squash",
        interpolation: str = "bilinear",
        decoded: np.ndarray | CachedPixels | None = None,
    ) -> None:
        if not len(paths) == len(targets) == len(ids):
            raise ValueError(
                f"got {len(paths)} paths, {len(targets)} targets and {len(ids)} ids; expected as many of each"
            )
        self.paths = list(paths)
        self.targets = np.asarray(targets, dtype=np.int64)
        self.ids = list(ids)
        self.class_names = tuple(class_names)
        self.size = size
        self.mode = mode
        check_rule(fit, interpolation)
        self.fit, self.interpolation = fit, interpolation
        self._decoded = decoded  # rows of uint8 (C, H, W)
        low, high = (self.targets.min(), self.targets.max()) if len(self.targets) else (0, 0)
        if low < UNLABELLED or high >= max(1, len(self.class_names)):
            raise ValueError(
                f"targets reach from {low} to {high}; expected 0 to {len(self.class_names) - 1} for "
                f"{len(self.class_names)} classes, or {UNLABELLED} for unlabelled pictures"
            )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int, str]:
        return self.pixels(np.array([index]))[0], int(self.targets[index]), self.ids[index]

    @property
    def num_classes(self) -> int:
        """Give the number of classes."""
        return len(self.class_names)

    @property
    def num_channels(self) -> int:
        """Give the number of colour channels: 3, or 1 for mode "L"."""
        return 3 if self.mode == "RGB" else 1

    @property
    def is_labelled(self) -> bool:
        """Tell whether every picture has a class."""
        return bool((self.targets >= 0).all())

    @property
    def _rule(self) -> dict[str, Any]:
        return {"size": self.size, "mode": self.mode, "fit": self.fit, "interpolation": self.interpolation}

    def pixels(self, indices: np.ndarray) -> torch.Tensor:
        """Give the pictures `indices` (B,) as uint8 (B, C, H, W)."""
        if self._decoded is not None:
            return torch.from_numpy(self._decoded[indices])
        stack = [images.read_image(self.paths[i], **self._rule) for i in indices.tolist()]
        return (
            torch.from_numpy(np.stack(stack)).permute(0, 3, 1, 2).contiguous()
        )  # (B, H, W, C) -> (B, C, H, W)

    def in_memory(self, *, num_workers: int | None = None) -> "PictureSet":
        """Give the same set with every picture decoded: N x C x H x W bytes, 49 MB for 1,000 of 128 px."""
        if self._decoded is not None:
            return self
        stack = images.read_many(self.paths, **self._rule, num_workers=num_workers)
        return self._with(np.arange(len(self)), np.ascontiguousarray(stack.transpose(0, 3, 1, 2)))

    def cached(
        self, *, folder: str | Path | None = None, num_workers: int | None = None, progress: bool = False
    ) -> "PictureSet":
        """Give the same set, decoded once into a file that later calls and other processes find again.

        For sets that are larger than the memory, or decoded by several notebooks; see `cache`.
        """
        if self._decoded is not None:
            return self
        rows = cached_pixels(
            self.paths, **self._rule, folder=folder, num_workers=num_workers, progress=progress
        )
        return self._with(np.arange(len(self)), rows)

    def subset(self, indices: Sequence[int] | np.ndarray) -> "PictureSet":
        """Give the pictures `indices` as a set of its own, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        if isinstance(self._decoded, CachedPixels):
            return self._with(chosen, self._decoded.subset(chosen))
        return self._with(chosen, None if self._decoded is None else self._decoded[chosen])

    def _with(self, chosen: np.ndarray, decoded: np.ndarray | CachedPixels | None) -> "PictureSet":
        positions = chosen.tolist()
        return PictureSet(
            [self.paths[i] for i in positions],
            self.targets[positions],
            [self.ids[i] for i in positions],
            class_names=self.class_names,
            **self._rule,
            decoded=decoded,
        )


def labelled(
    records: Sequence[Record],
    *,
    class_names: Sequence[str],
    size: tuple[int, int],
    mode: str = "RGB",
    fit: str = "squash",
    interpolation: str = "bilinear",
    split: str | None = None,
) -> PictureSet:
    """Give the labelled pictures of `split` (None: all), targets by the place of their name in `class_names`.

    Raises ValueError for a picture without a label or with one that is not in `class_names`, naming the file.
    """
    chosen = _of_split(records, split)
    rule = {"size": size, "mode": mode, "fit": fit, "interpolation": interpolation}
    place = {name: position for position, name in enumerate(class_names)}
    for record in chosen:
        if record.label not in place:
            got = "no label" if record.label is None else f"the label {record.label!r}"
            raise ValueError(f"{record.path} has {got}; expected one of {', '.join(class_names)}")
    targets = [place[str(record.label)] for record in chosen]
    return _picture_set(chosen, targets, class_names, rule)


def unlabelled(
    records: Sequence[Record],
    *,
    class_names: Sequence[str],
    size: tuple[int, int],
    mode: str = "RGB",
    fit: str = "squash",
    interpolation: str = "bilinear",
    split: str | None = None,
) -> PictureSet:
    """Give the pictures of `split` (None: all) without looking at their labels."""
    chosen = _of_split(records, split)
    rule = {"size": size, "mode": mode, "fit": fit, "interpolation": interpolation}
    return _picture_set(chosen, [UNLABELLED] * len(chosen), class_names, rule)


def _of_split(records: Sequence[Record], split: str | None) -> list[Record]:
    chosen = [record for record in records if split is None or record.split == split]
    if not chosen:
        there = sorted({str(record.split) for record in records}) or ["nothing"]
        raise ValueError(
            f"no picture belongs to the split {split!r}; the splits found are {', '.join(there)}"
        )
    return chosen


def _picture_set(
    records: Sequence[Record],
    targets: Sequence[int],
    class_names: Sequence[str],
    rule: dict[str, Any],
) -> PictureSet:
    paths, ids = [record.path for record in records], [record.id for record in records]
    return PictureSet(paths, targets, ids, class_names=class_names, **rule)
