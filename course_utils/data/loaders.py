"""Batches for training and evaluation: the same ones for any number of workers, and after a resumed run.

Which pictures form batch k of epoch e, and how each is augmented, follows from (seed, epoch, index) alone.
So workers only change how fast batches come. A last batch is never short: the pictures are dealt out evenly,
61 pictures at batch size 20 make batches of 16, 15, 15, 15. Notebook 15 measures the input pipe.
"""

import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_utils.data.datasets import PictureSet
from course_utils.data.mixing import Mixing
from course_utils.data.randomness import permutation
from course_utils.data.transforms import Augment, normalise_, scaled
from course_utils.data.workers import NoSharedMemoryError, Workers


class Batch(NamedTuple):
    """`images` (B, C, H, W) float32, normalised; `targets` (B,) int64; `indices` (B,), places in the set.

    Of mixed batches the targets are soft: float32 (B, K), each row summing to 1.
    """

    images: Tensor
    targets: Tensor
    indices: Tensor


class Batches(Dataset):
    """The batches of a set of pictures, epoch by epoch: `for images, targets, indices in batches.epoch(3)`.

    `mean` and `std` per channel normalise; `augment` changes training pictures before that; `shuffle` deals
    them anew in each epoch. `mix` blends the pictures of a batch, and their targets, at the very end: it is
    linear, so it may follow normalisation, as in timm. With several processes each of the `world_size` ranks
    gets its share of every batch, so the batch as a whole is what one process would see (but each mixes its
    own share). `num_workers` processes prepare batches ahead (0: this process does it when asked), started by
    `multiprocessing_context` ("fork", "spawn", "forkserver"; None: the system's own way).
    """

    def __init__(
        self,
        pictures: PictureSet,
        *,
        batch_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        augment: Augment | None = None,
        mix: Mixing | None = None,
        shuffle: bool = False,
        seed: int = 0,
        num_workers: int = 0,
        multiprocessing_context: str | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if len(pictures) == 0:
            raise ValueError("there are no pictures to make batches of; check the folder and the split")
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; expected at least 1")
        if len(mean) != pictures.num_channels or len(std) != pictures.num_channels:
            raise ValueError(
                f"got {len(mean)} means and {len(std)} standard deviations; the pictures have "
                f"{pictures.num_channels} channels (mode {pictures.mode!r}); give as many of each"
            )
        if mix is not None and (not pictures.is_labelled or mix.num_classes != pictures.num_classes):
            raise ValueError(
                f"mixing expects labelled pictures of {mix.num_classes} classes; these have "
                f"{pictures.num_classes} classes{'' if pictures.is_labelled else ' and no labels'}"
            )
        self.pictures = pictures
        self.batch_size = batch_size
        self.mean, self.std = tuple(mean), tuple(std)
        self.augment = augment
        self.mix = mix
        self.shuffle = shuffle
        self.seed = seed
        self.num_workers = num_workers
        self.multiprocessing_context = multiprocessing_context
        self.rank, self.world_size = rank, world_size
        self._order: tuple[int, np.ndarray] | None = None  # of the epoch asked for last
        self._workers: Workers | None = None

    def __len__(self) -> int:
        """Give the number of batches in an epoch."""
        return -(-len(self.pictures) // self.batch_size)

    @property
    def num_images(self) -> int:
        """Give the number of pictures in an epoch, over all processes."""
        return len(self.pictures)

    def indices(self, epoch: int, number: int) -> np.ndarray:
        """Give which pictures form batch `number` of `epoch`: int64 (B,); this rank's share of them."""
        whole = np.array_split(self._order_of(epoch), len(self))[number]
        return np.array_split(whole, self.world_size)[self.rank]

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """Make batch `number` of `epoch`: `batches[epoch, number]`."""
        epoch, number = key
        indices = self.indices(epoch, number)
        images = self._pixels(indices)  # uint8, a copy of our own
        if self.augment is not None:
            images = self.augment(images, epoch=epoch, indices=indices)
        images = normalise_(scaled(images), self.mean, self.std)
        targets = torch.from_numpy(self.pictures.targets[indices])
        if self.mix is not None:
            images, targets = self.mix(images, targets, epoch=epoch, step=number, rank=self.rank)
        return Batch(images, targets, torch.from_numpy(indices))

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """Give the batches of one epoch in order.

        Where shared memory is too small for the workers, the batch they could not pass on is made here, as
        are all later ones: a RuntimeWarning says so once and `num_workers` becomes 0. Raises
        ChildProcessError, with what to lower, when a worker was killed.
        """
        number = 0
        if self.num_workers > 0:
            if self._workers is None:
                self._workers = Workers(
                    copy(self),  # else the two would keep each other alive, and the processes with them
                    num_workers=self.num_workers,
                    start_method=self.multiprocessing_context,
                )
            try:
                for batch in self._workers.results([(epoch, place) for place in range(len(self))]):
                    yield batch
                    number += 1
            except NoSharedMemoryError as error:
                warnings.warn(
                    f"shared memory is too small for the batches of {self.num_workers} workers ({error}); "
                    "going on without workers. Set num_workers=0, lower batch_size, or give the container "
                    "more (docker run --shm-size=1g).",
                    RuntimeWarning,
                    stacklevel=2,
                )
                self.num_workers, self._workers = 0, None
        for late in range(number, len(self)):
            yield self[epoch, late]

    def close(self) -> None:
        """End the worker processes, if there are any; a later epoch starts new ones."""
        if self._workers is not None:
            self._workers.close()

    @property
    def worker_processes(self) -> list[BaseProcess]:
        """Give the processes that prepare batches now; none before the first epoch and after `close`."""
        return [] if self._workers is None else self._workers.processes

    def _pixels(self, indices: np.ndarray) -> Tensor:
        if len(indices) == 0:  # fewer pictures than processes
            return torch.empty((0, self.pictures.num_channels, *self.pictures.size), dtype=torch.uint8)
        return self.pictures.pixels(indices)

    def _order_of(self, epoch: int) -> np.ndarray:
        if not self.shuffle:
            epoch = 0
        if self._order is None or self._order[0] != epoch:
            count = len(self.pictures)
            order = permutation(self.seed, "order", epoch, count) if self.shuffle else np.arange(count)
            self._order = epoch, order
        return self._order[1]

    def __getstate__(self) -> dict[str, Any]:
        """Leave the workers' own handle out of what is sent to workers."""
        return {**self.__dict__, "_workers": None}
