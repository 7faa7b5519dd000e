"""How near training comes to the network's own pace, and how far ahead of the tutorials' loop: in one run.

    python -m benchmarks.training_rates [TRACK ...] [--data SET=PATH ...] [--rounds 5] [--share 1]
        [--record NAME]

For each track's recipe at its quick size three ways go through the same pictures, taking turns. "pure rate":
forward, backward and optimiser step, and nothing else, on tensors that are in memory, normalised and in the
recipe's format. "end to end": an epoch of our loop, from the decode-once cache, with the recipe's
augmentation, clipping and averages. "plain loop": what tutorials write, a DataLoader with its default
settings on files, torchvision's transforms, torch's own layers, an optimiser with its default settings,
memory as the system's C library has it (ours keeps it, `training.memory`).
Where a network has convolutions of ours (models/depthwise.py, models/pointwise.py) the plain loop runs a
second time with them: what is left is due to loop, input and memory format. "input alone" is what making our
batches costs without a network.

Claims: end to end at least 0.9 of the pure rate; ahead of the plain loop at least 3 times for the digits,
1.4 times for MobileNetV3 and EfficientNet-Lite0, and never behind.
"""

import argparse
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from benchmarks.plain_training import PlainPictures, plain_loop, with_plain_layers
from benchmarks.training_tracks import TRACKS, Track, pictures_of
from course_utils import runtime
from course_utils.data import sources
from course_utils.data.datasets import PictureSet
from course_utils.data.eval_transform import EvalTransform
from course_utils.data.ranks import Processes
from course_utils.recipes.building import build
from course_utils.recipes.prepared import Prepared
from course_utils.recipes.recipe import Recipe
from course_utils.training.assembly import assemble, loss_of
from course_utils.training.memory import memory_kept
from course_utils.training.precision import Engine, choose_engine
from course_utils.training.steps import Optimisation, train_epoch

OUR_LAYERS = "plain loop, our layers"
_CPU = torch.device("cpu")


class Measured:
    """The ways of one track, each with a network of its own that starts from the same weights."""

    def __init__(self, track: Track, recipe: Recipe, pictures: PictureSet, *, cache: str) -> None:
        middle, size = (0.5,) * pictures.num_channels, pictures.size
        prepared = Prepared(
            pictures.cached(folder=cache), pictures, None, EvalTransform(size=size, mean=middle, std=middle)
        )
        self.recipe = recipe
        self.batches = prepared.train_batches(recipe, Processes())
        plain = PlainPictures(pictures, track.usual)
        self.plain = DataLoader(plain, batch_size=recipe.data.batch_size, shuffle=True)
        self.model = build(recipe, num_classes=pictures.num_classes)
        self.loss = loss_of(recipe.training, self.batches)
        self.engine = choose_engine(
            self.model,
            self.batches,
            precision=recipe.training.precision,
            memory_format=recipe.training.memory_format,
            loss_function=self.loss,
            device=_CPU,
        )
        self.epoch = 0

    def ways(self) -> dict[str, Callable[[], object]]:
        """Give the ways by name, ready to take turns."""
        ours, pure, plain = deepcopy(self.model), deepcopy(self.model), with_plain_layers(self.model)
        ours_parts, pure_parts = self._parts(ours), self._parts(pure)
        order = self.engine.torch_format
        stored = [(b.images.contiguous(memory_format=order), b.targets) for b in self.batches.epoch()]
        again = {} if plain is None else {OUR_LAYERS: self._plain_loop(deepcopy(self.model))}
        return {
            "pure rate": lambda: pure_rate(pure, stored, pure_parts),
            "end to end": lambda: self._end_to_end(ours, ours_parts),
            "plain loop": self._plain_loop(deepcopy(self.model) if plain is None else plain),
            **again,
            "input alone": lambda: sum(len(batch.images) for batch in self.batches.epoch(self.epoch)),
        }

    def _plain_loop(self, model: nn.Module) -> Callable[[], object]:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        return lambda: plain_loop(model, self.plain, optimizer)

    def _parts(self, model: nn.Module) -> Optimisation:
        model.to(memory_format=self.engine.torch_format)  # type: ignore[call-overload]
        return assemble(
            model,
            self.batches,
            config=self.recipe.training,
            engine=self.engine,
            loss_function=self.loss,
            device=_CPU,
        )

    @memory_kept()  # as `fit` does
    def _end_to_end(self, model: nn.Module, parts: Optimisation) -> None:
        self.epoch += 1
        train_epoch(
            model.train(),
            self.batches,
            parts,
            epoch=self.epoch,
            seed=0,
            device=_CPU,
            memory_format=self.engine.torch_format,
        )


@memory_kept()
def pure_rate(model: nn.Module, stored: list[tuple[Tensor, Tensor]], parts: Optimisation) -> None:
    """Forward, backward, step; nothing else."""
    model.train()
    for images, targets in stored:
        parts.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=parts.precision, enabled=parts.precision != torch.float32):
            loss = parts.loss_function(model(images), targets)
        loss.backward()
        parts.optimizer.step()


def measure(
    name: str, folder: Path, *, share: float, rounds: int, num_workers: int
) -> tuple[list[dict[str, Any]], Engine]:
    """Give the rows of one track, and the engine that was chosen for it."""
    track = TRACKS[name]
    recipe = track.load()
    recipe = replace(recipe, data=replace(recipe.data, num_workers=num_workers))
    pictures = pictures_of(recipe, folder, round(share * track.num_images))
    with tempfile.TemporaryDirectory() as cache:
        measured = Measured(track, recipe, pictures, cache=cache)
        seconds = take_turns(measured.ways(), rounds)
        measured.batches.close()
    count = len(pictures)
    rows = [row(f"{name}: {way}", [count / one for one in values], "/s") for way, values in seconds.items()]
    ours = seconds["end to end"]
    rows.append(ratio(f"{name}: end to end / pure rate, >= 0.9", seconds["pure rate"], ours))
    rows.append(ratio(f"{name}: end to end / plain, >= {track.ahead:g}", seconds["plain loop"], ours))
    if OUR_LAYERS in seconds:
        rows.append(ratio(f"{name}: end to end / {OUR_LAYERS}", seconds[OUR_LAYERS], ours))
    rows.append(ratio(f"{name}: time of input / pure", seconds["input alone"], seconds["pure rate"]))
    return rows, measured.engine


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tracks", nargs="*", metavar="TRACK", help=f"of {', '.join(TRACKS)}; default: all")
    parser.add_argument("--data", nargs="+", default=[], metavar="SET=PATH", help="default: the sample sets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--num-workers", type=int, default=0, help="that prepare our batches")
    parser.add_argument("--share", type=float, default=1.0, help="of the pictures of an epoch")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    for name in given.tracks:
        if name not in TRACKS:
            parser.error(f"there is no track {name!r}; there are {', '.join(TRACKS)}")
    folders = dict(text.split("=", 1) for text in given.data)
    rows, engines = [], []
    for name in given.tracks or TRACKS:
        data = TRACKS[name].load().data.name
        folder = sources.prepare(data, source=folders.get(data, "sample"))
        print(f"measuring {name} ...", flush=True)
        found, engine = measure(
            name, folder, share=given.share, rounds=given.rounds, num_workers=given.num_workers
        )
        rows += found
        engines.append(f"{name} {engine.memory_format}")
    arguments = [*given.tracks, *(["--data SET=PATH"] if folders else []), f"--rounds {given.rounds}"]
    arguments += [f"--share {given.share:g}"] if given.share != 1 else []
    arguments += [f"--num-workers {given.num_workers}"] if given.num_workers else []
    command = " ".join(["python -m benchmarks.training_rates", *arguments])
    what = (
        f"Pictures a second in training, {runtime.cpu_count()} cores; memory formats by the "
        f"recipes: {', '.join(engines)}. Pictures: {'folders given' if folders else 'the sample sets'}."
    )
    print(what)
    show_or_record(given.record, command=command, what=what, rows=rows)


if __name__ == "__main__":
    main()
