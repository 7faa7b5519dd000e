"""Mixup and CutMix: each picture is blended with another one, or gets a part of it, and so does its label.

Sources: Zhang et al. 2017, arXiv 1710.09412; Yun et al. 2019, arXiv 1905.04899. The mixing is timm's `Mixup`
(or torchvision's `v2.MixUp` and `v2.CutMix`); this adapter adds what the libraries leave to the caller: a
seed made of (seed, epoch, step), batches of odd size, an input that stays as it is, and global generators
that nobody finds changed. Notebook 06 shows every argument by picture; train with a loss for soft targets
(`torch.nn.CrossEntropyLoss`, or timm's `SoftTargetCrossEntropy`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils import runtime
from course_utils.data.randomness import uniforms
from course_utils.params import check_choice

MODES = ("batch", "pair", "elem")
LIBRARIES = ("timm", "torchvision")


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """Mix batches: `Mixing(num_classes=12)(images, targets, epoch=3, step=7)` -> (images, soft targets).

    `mixup_alpha` and `cutmix_alpha` shape the Beta(alpha, alpha) distribution of the share lambda that a
    picture keeps, each for its own operation; 0 turns that one off. `prob`: how often anything is mixed;
    `switch_prob`: how often it is CutMix, where both are on. `mode`: one lambda for the "batch", for each
    "pair" of pictures (both get the same), or for each picture ("elem"). `label_smoothing` spreads that part
    of each label over all classes. `library`: "timm" mixes picture i with the one at the same place counted
    from the end, "torchvision" (mode "batch" only) with the one before it. Raises ValueError for impossible
    values.
    """

    num_classes: int
    mixup_alpha: float = 0.8
    cutmix_alpha: float = 1.0
    prob: float = 1.0
    switch_prob: float = 0.5
    mode: str = "batch"
    label_smoothing: float = 0.1
    library: str = "timm"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        check_choice("mode", self.mode, MODES)
        check_choice("library", self.library, LIBRARIES)
        limits = {"prob": 1.0, "switch_prob": 1.0, "label_smoothing": 0.99}
        for name in ("mixup_alpha", "cutmix_alpha", *limits):
            value, high = getattr(self, name), limits.get(name, 1e6)
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not 0 <= value <= high
                or 0 < value < 1e-3  # Beta(alpha, alpha) underflows to nan
            ):
                raise ValueError(f"{name} is {value!r}; expected 0, or a number from 0.001 to {high:g}")
        if self.mixup_alpha == self.cutmix_alpha == 0:
            raise ValueError("mixup_alpha and cutmix_alpha are both 0: nothing is mixed; leave mixing out")
        if (
            isinstance(self.num_classes, bool)
            or not isinstance(self.num_classes, int)
            or self.num_classes < 2
        ):
            raise ValueError(f"num_classes is {self.num_classes!r}; expected a whole number of at least 2")
        if self.library == "torchvision" and self.mode != "batch":
            raise ValueError(f"mode is {self.mode!r}; torchvision mixes whole batches only (mode='batch')")

    def __call__(
        self, images: Tensor, targets: Tensor, *, epoch: int, step: int, rank: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Mix images (B, C, H, W) with targets (B,): new images and soft targets (B, K), rows summing to 1.

        The result follows from (seed, epoch, step, rank) and the batch alone. With several processes each
        mixes its own share of the batch, with numbers of its own. timm needs an even number: of an odd batch
        the last picture stays as it is and keeps its own (smoothed) label; no picture is lost. Both
        operations are linear in the pixels, so mixing before and after normalisation is the same. Raises
        ValueError for targets that are no classes.
        """
        self._check_targets(images, targets)
        kind = "mix" if rank == 0 else f"mix of rank {rank}"
        if self.library == "torchvision":
            return self._torchvision(images, targets, kind, epoch, step)
        even = len(images) // 2 * 2
        soft = smoothed_one_hot(targets, self.num_classes, self.label_smoothing)
        if even == 0:
            return images.clone(), soft
        with numpy_seeded(runtime.derive_seed(self.seed, kind, epoch, step)):
            mixed, soft_even = self._timm()(images[:even].clone(), targets[:even])
        return torch.cat([mixed, images[even:]]), torch.cat([soft_even.to(soft.dtype), soft[even:]])

    def _timm(self) -> Any:
        from timm.data import Mixup

        return Mixup(
            mixup_alpha=self.mixup_alpha,
            cutmix_alpha=self.cutmix_alpha,
            prob=self.prob,
            switch_prob=self.switch_prob,
            mode=self.mode,
            label_smoothing=self.label_smoothing,
            num_classes=self.num_classes,
        )

    def _torchvision(
        self, images: Tensor, targets: Tensor, kind: str, epoch: int, step: int
    ) -> tuple[Tensor, Tensor]:
        from torchvision.transforms import v2

        soft = smoothed_one_hot(targets, self.num_classes, self.label_smoothing)
        mixes, switches = uniforms(self.seed, f"{kind}, which", epoch, np.array([step]), 2)[0]
        if mixes >= self.prob:
            return images.clone(), soft
        cut = self.mixup_alpha == 0 or (self.cutmix_alpha > 0 and switches < self.switch_prob)
        mixer = (
            v2.CutMix(alpha=self.cutmix_alpha, num_classes=self.num_classes)
            if cut
            else v2.MixUp(alpha=self.mixup_alpha, num_classes=self.num_classes)
        )
        with torch_seeded(runtime.derive_seed(self.seed, kind, epoch, step)):
            mixed, soft = mixer(images, soft)
        return mixed, soft

    def _check_targets(self, images: Tensor, targets: Tensor) -> None:
        if targets.ndim != 1 or len(targets) != len(images) or targets.is_floating_point():
            raise ValueError(
                f"got targets of shape {tuple(targets.shape)}, {targets.dtype}, for {len(images)} images; "
                "expected one class number per image. Are they mixed already?"
            )
        if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < self.num_classes:
            raise ValueError(
                f"targets reach from {int(targets.min())} to {int(targets.max())}; expected 0 to "
                f"{self.num_classes - 1}. Unlabelled pictures (-1) cannot be mixed."
            )


def smoothed_one_hot(targets: Tensor, num_classes: int, smoothing: float = 0.0) -> Tensor:
    """Give float32 (B, K): 1 - smoothing on the target of (B,), plus smoothing / K everywhere."""
    soft = torch.full((len(targets), num_classes), smoothing / num_classes, device=targets.device)
    return soft.scatter_(1, targets[:, None], 1 - smoothing + smoothing / num_classes)


@contextmanager
def numpy_seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator inside the block, and put its state back afterwards.

    For libraries that draw from it. `seed` lies in [0, 2**63).
    """
    before = np.random.get_state()  # noqa: NPY002  the global generator is what the library draws from
    try:
        np.random.seed([seed % 2**32, seed >> 32])  # noqa: NPY002
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


@contextmanager
def torch_seeded(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator inside the block, and put its state back afterwards."""
    before = torch.default_generator.get_state()
    try:
        torch.default_generator.manual_seed(seed)
        yield
    finally:
        torch.default_generator.set_state(before)
