"""Open a trained run from its folder alone: network, class names, transform, recipe. It needs no data.

opened = open_run("runs/digits_mobilenetv3_small")
predictions = opened.predict(["a.png", "b.png"])        # ids, logits, probabilities, names
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from course_utils.data.datasets import UNLABELLED, PictureSet
from course_utils.data.eval_transform import EvalTransform
from course_utils.data.layouts import read_layout
from course_utils.data.loaders import Batches
from course_utils.data.manifest import SPLITS
from course_utils.evaluation.predict import Predictions, predict
from course_utils.models import weights
from course_utils.recipes.building import build
from course_utils.recipes.recipe import Recipe
from course_utils.recipes.stored import picture_set, read_facts, read_plan
from course_utils.runs import RunFolder


@dataclass(frozen=True)
class OpenedRun:
    """A trained network with all that it takes to use it. `model` is in evaluation mode, on the CPU."""

    run: RunFolder
    recipe: Recipe
    model: nn.Module
    class_names: tuple[str, ...]
    transform: EvalTransform

    def batches(self, pictures: PictureSet, *, batch_size: int | None = None) -> Batches:
        """Give the batches of `pictures`, normalised as in training, in order."""
        return Batches(
            pictures,
            batch_size=batch_size or 2 * self.recipe.data.batch_size,
            mean=self.transform.mean,
            std=self.transform.std,
        )

    def pictures(self, part: str, *, root: str | Path | None = None) -> PictureSet:
        """Give the run's own "train", "val" or "test" pictures, as its split.csv lists them.

        `root` is where they lie now, if they were moved. ValueError for a part the run does not have, and
        when pictures are missing.
        """
        plan = read_plan(self.run, root=root, verify=False)
        if part not in plan.manifest.splits:
            known = ", ".join(plan.manifest.splits)
            raise ValueError(f"part is {part!r}; this run has {known} (of {', '.join(SPLITS)})")
        rows = plan.manifest.of(part)
        missing = [row.path for row in rows if not (plan.root / row.path).is_file()]
        if missing:
            raise ValueError(
                f"{len(missing)} of {len(rows)} pictures of {part} are not in {plan.root}, such as "
                f"{missing[0]}; give --data PATH"
            )
        return picture_set(rows, plan.root, self.class_names, self.transform.reading())

    def labelled_folder(self, path: str | Path, *, part: str | None = None) -> PictureSet:
        """Give the labelled pictures of any folder (of its split `part`), classes matched by name.

        A folder may hold some of the classes only; one the network does not know is a ValueError.
        """
        layout = read_layout(path, class_names=self.class_names)
        if part is not None and part not in layout.splits:
            parts = ", ".join(layout.splits) or "no parts"
            raise ValueError(f"{path} has no part {part!r}; it has {parts}")
        records = [record for record in layout.records if record.label and part in (None, record.split)]
        if not records:
            raise ValueError(
                f"{path} holds no labelled pictures; expected a folder per class. See `predict`."
            )
        return PictureSet(
            [record.path for record in records],
            [self.class_names.index(str(record.label)) for record in records],
            [record.path.relative_to(layout.root).as_posix() for record in records],
            class_names=self.class_names,
            **self.transform.reading(),
        )

    def files(self, paths: Sequence[str | Path], ids: Sequence[str] | None = None) -> PictureSet:
        """Give picture files without labels as a set; `ids` name them (default: their file names)."""
        chosen = [Path(path) for path in paths]
        return PictureSet(
            chosen,
            [UNLABELLED] * len(chosen),
            [path.name for path in chosen] if ids is None else list(ids),
            class_names=self.class_names,
            **self.transform.reading(),
        )

    def predict(
        self,
        paths: Sequence[str | Path],
        *,
        ids: Sequence[str] | None = None,
        device: torch.device | str = "cpu",
        progress: bool = False,
    ) -> Predictions:
        """Give the predictions for picture files, in order; ImageError names one that cannot be read."""
        batches = self.batches(self.files(paths, ids))
        return predict(self.model.to(device), batches, device=device, progress=progress)


def open_run(path: str | Path, *, device: torch.device | str = "cpu") -> OpenedRun:
    """Give the trained network in the run folder `path`, with the weights that the run kept.

    ValueError or FileNotFoundError saying what is missing, damaged, or not of this run: the class names in
    the weights' file have to be those of the run, in the same order.
    """
    run = RunFolder.load(path)
    recipe = Recipe.from_dict(run.config(), where=str(run.path / "config.json"))
    facts = read_facts(run)
    best = run.path / "best.safetensors"
    if not best.is_file():
        raise ValueError(
            f"{run.path} has no best.safetensors: no epoch has ended yet. `resume {run.path}` goes on."
        )
    class_names = tuple(facts["class_names"])
    model = build(recipe, num_classes=len(class_names), pretrained=False)
    weights.load_weights(model, best, class_names=class_names)
    transform = EvalTransform.from_dict(facts["transform"])
    return OpenedRun(run, recipe, model.to(device).eval(), class_names, transform)
