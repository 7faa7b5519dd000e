"""Several ways to ask trained runs about the same pictures: one run, views of a picture, runs together.

`Members` predicts and remembers, so that nothing is predicted twice; `ways_of` puts what was asked for beside
the plain first run, which is what it has to beat. Everything is chosen and fitted without the pictures that
are reported on: the temperature comes from the validation part of the runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from course_utils.data.datasets import PictureSet
from course_utils.evaluation.calibration import Temperature, fit_temperature
from course_utils.evaluation.ensembles import ensemble
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.tta import predict_views, view_names
from course_utils.recipes.opening import OpenedRun, open_run
from course_utils.recipes.stored import read_plan

PLAIN = "identity"  # the view that is the picture as it is


class Members:
    """Trained runs by name, asked about one set of pictures: a labelled folder `data`, or their own `part`.

    `part` None takes the test part, or val where a run holds out no other; of a folder all pictures. The runs
    have to hold out the same pictures. ValueError for a part or a folder that does not fit.
    """

    def __init__(
        self,
        runs: Mapping[str, OpenedRun],
        *,
        data: str | Path | None = None,
        part: str | None = None,
        device: torch.device | str = "cpu",
        progress: bool = False,
    ) -> None:
        self.runs = dict(runs)
        self.data, self.device, self.progress = data, device, progress
        self.first = next(iter(self.runs))
        self.part = part if part or data is not None else _default_part(self.runs[self.first])
        self._known: dict[tuple[str, str, str | None], Predictions] = {}

    def pictures(self, name: str) -> PictureSet:
        """Give the pictures that are asked about, read as the run `name` reads them."""
        run = self.runs[name]
        if self.data is not None:
            return run.labelled_folder(self.data, part=self.part)
        return run.pictures(str(self.part))

    def alone(self, name: str, views: str = PLAIN, *, part: str | None = None) -> Predictions:
        """Give what one run says, averaged over `views`; `part` takes another of its own parts."""
        key = (name, views, part)
        if key not in self._known:
            run = self.runs[name]
            pictures = self.pictures(name) if part is None else run.pictures(part)
            self._known[key] = predict_views(
                run.model, run.batches(pictures), views=views, device=self.device, progress=self.progress
            )
        return self._known[key]

    def together(self, views: str = PLAIN, *, part: str | None = None) -> Predictions:
        """Give the mean of what all runs say; of a single run what it says."""
        found = {name: self.alone(name, views, part=part) for name in self.runs}
        return ensemble(found) if len(found) > 1 else found[self.first]

    def temperature(self, views: str = PLAIN) -> Temperature:
        """Give the temperature of `together`, fitted on the validation part of the runs.

        ValueError when pictures of that part are reported on, too, or a run has none.
        """
        for name, run in self.runs.items():
            if "val" not in read_plan(run.run, verify=False).manifest.splits:
                raise ValueError(f"{name} holds out no validation part to fit a temperature on")
            fitted_on = {path.resolve() for path in run.pictures("val").paths}
            both = sum(path.resolve() in fitted_on for path in self.pictures(name).paths)
            if both:
                raise ValueError(
                    f"the temperature is fitted on the validation part, and {both} pictures of it are "
                    "reported on: it would look better than it is. Evaluate the test part, or --data with "
                    "other pictures."
                )
        held_out = self.together(views, part="val")
        return fit_temperature(held_out.logits, held_out.targets)


def ways_of(
    members: Members, *, views: str | None = None, temperature: Temperature | None = None
) -> dict[str, Predictions]:
    """Give the ways by name: each run alone, then with `views`, all together, and with the `temperature`.

    The last but the temperature is what the report is about: all runs together, with the views. `temperature`
    is `members.temperature` with the same views.
    """
    ways = {name: members.alone(name) for name in members.runs}
    several = f"ensemble of {len(members.runs)}"
    if len(members.runs) > 1:
        ways[several] = members.together()
    last = several if len(members.runs) > 1 else members.first
    if views is not None:
        ways[f"{last}, views {views}"] = members.together(views)
        last = f"{last}, views {views}"
    if temperature is not None:
        plain = ways[last]
        ways[f"{last}, temperature {temperature.value:.3f}"] = replace(
            plain, logits=temperature.apply(plain.logits)
        )
    return ways


def check_views(views: str | None) -> None:
    """Raise ValueError for views that are unknown, or that leave the prediction as it is."""
    if views is not None and view_names(views) == (PLAIN,):
        raise ValueError(f"--views {views} changes nothing: it is the picture as it is. Take flips, say.")


def open_named(paths: Sequence[Path], *, device: torch.device | str = "cpu") -> dict[str, OpenedRun]:
    """Open run folders, named by their folder, with the parent where two have one name.

    ValueError for a folder that is given twice.
    """
    real = [path.resolve() for path in paths]
    if len(set(real)) < len(real):
        twice = next(path for path in real if real.count(path) > 1)
        raise ValueError(f"{twice} is given twice; an ensemble and a comparison take different runs")
    names = [path.name for path in real]
    shown = [path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}" for path in real]
    if len(set(shown)) < len(shown):
        shown = [str(path) for path in real]
    return {name: open_run(path, device=device) for name, path in zip(shown, real, strict=True)}


def _default_part(run: OpenedRun) -> str:
    parts = read_plan(run.run, verify=False).manifest.splits
    return next((part for part in ("test", "val") if part in parts), "test")
