"""Exercises of `notebooks/06_augmentation`: what keeps the class, one step of PGD, a recipe of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape, same_type
from course_utils.checks.exercise import Exercise, Wrong

_CHANGES = ("horizontal flip", "vertical flip", "quarter turns", "small shift", "strong hue")
# What each set allows: True, False, or None where good people disagree.
_ALLOWED: dict[str, tuple[bool | None, ...]] = {
    "digits": (False, False, False, True, True),
    "seedlings": (True, True, True, True, False),
    "satellite": (True, True, True, True, False),
    "street signs": (False, False, False, True, False),
}
_WHY = {
    ("digits", "horizontal flip"): "a mirrored 3, or 7, is no digit at all",
    ("digits", "vertical flip"): "upside down, a 2 comes near a 5 and a 6 near a 9",
    ("digits", "quarter turns"): "a 6 turned half round is a 9",
    ("digits", "small shift"): "a digit stays the same digit wherever it stands",
    ("digits", "strong hue"): "grey has no hue: nothing changes, so nothing can go wrong",
    ("seedlings", "strong hue"): "the shade of green is one of the few things that tell young plants apart",
    ("satellite", "strong hue"): "water, desert and green areas are told apart by their colour",
    ("street signs", "horizontal flip"): "'turn left' becomes 'turn right'",
    ("street signs", "vertical flip"): "nobody meets a sign upside down, and arrows change their meaning",
    ("street signs", "quarter turns"): "an arrow ahead becomes an arrow to the side",
    ("street signs", "strong hue"): "a red sign forbids and a blue one commands",
}


def _verify_allowed(answer: Any) -> None:
    same_type(answer, dict, what="allowed_changes")
    if set(answer) != set(_ALLOWED):
        raise Wrong(f"allowed_changes has the keys {sorted(map(str, answer))}, expected {sorted(_ALLOWED)}")
    for name, allowed in _ALLOWED.items():
        same_type(answer[name], (list, tuple, set, frozenset), what=f"the entry of {name}")
        unknown = set(answer[name]) - set(_CHANGES)
        if unknown:
            raise Wrong(f"{name} holds {sorted(map(str, unknown))}; choose from {', '.join(_CHANGES)}")
        for change, keeps in zip(_CHANGES, allowed, strict=True):
            why = _WHY.get((name, change), "seen from above there is no up, left or right")
            if keeps is False and change in answer[name]:
                raise Wrong(f"{name} with {change}: {why}")
            if keeps is True and change not in answer[name]:
                raise Wrong(f"{name} without {change}: it keeps the class; {why}")


ALLOWED_CHANGES = Exercise(
    name="allowed_changes",
    question="Which changes keep the class? `allowed_changes` maps `'digits'`, `'seedlings'`, "
    "`'satellite'` and "
    "`'street signs'` to a list, chosen from 'horizontal flip', 'vertical flip', 'quarter turns', 'small "
    "shift' "
    "and 'strong hue'.",
    verify=_verify_allowed,
    hint_text="Ask for each: could the changed picture have come from the same camera, and would you still "
    "give "
    "it the same label? Seedlings and satellites are seen from above. A change that does nothing at all "
    "cannot "
    "harm.",
    solution_source="""
        from_above = ["horizontal flip", "vertical flip", "quarter turns", "small shift"]
        allowed_changes = {
            "digits": ["small shift", "strong hue"],
            "seedlings": from_above,
            "satellite": from_above,
            "street signs": ["small shift"],
        }
    """,
    praise="The list belongs to the data, not to the network. And a change that is allowed may still not "
    "help: "
    "measure.",
    wrong_answers={
        "is no digit at all": """
            everything = ["horizontal flip", "vertical flip", "quarter turns", "small shift"]
            allowed_changes = {"digits": everything, "seedlings": everything, "satellite": everything,
                               "street signs": ["small shift"]}
        """,
        "becomes 'turn right'": """
            above = ["horizontal flip", "vertical flip", "quarter turns", "small shift"]
            allowed_changes = {"digits": ["small shift", "strong hue"], "seedlings": above,
                               "satellite": above,
                               "street signs": ["horizontal flip", "small shift"]}
        """,
        "there is no up": """
            allowed_changes = {"digits": ["small shift", "strong hue"], "seedlings": ["small shift"],
                               "satellite": ["small shift"], "street signs": ["small shift"]}
        """,
    },
    other_right_answers=[
        """
        moves = {"horizontal flip", "vertical flip", "quarter turns", "small shift"}
        allowed_changes = {"seedlings": moves, "satellite": moves, "street signs": {"small shift"},
                           "digits": {"strong hue", "small shift"}}
        """,
        """
        names = ("horizontal flip", "vertical flip", "quarter turns", "small shift", "strong hue")
        allowed_changes = {"digits": names[3:], "seedlings": names[:4], "satellite": names[:4],
                           "street signs": names[3:4]}
        """,
    ],
)


def _verify_pgd_step(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    original = rng.random((2, 3, 4, 4))
    original[0, 0, 0] = [0.0, 1.0, 0.02, 0.98]
    eps, step_size = 0.05, 0.06
    changed = np.clip(original + rng.uniform(-eps, eps, original.shape), 0, 1)
    gradient = rng.normal(size=original.shape) * 1e-3
    moved = changed + step_size * np.sign(gradient)
    want = np.clip(np.clip(moved, original - eps, original + eps), 0, 1)
    known = {
        "nothing keeps the result within eps of the *original* picture": np.clip(moved, 0, 1),
        "pixels leave [0, 1]": np.clip(moved, original - eps, original + eps),
        "it steps by the gradient itself; take its sign, or a tiny gradient does nothing": np.clip(
            np.clip(changed + step_size * gradient, original - eps, original + eps), 0, 1
        ),
        "it goes down the gradient: that is a picture the network likes better": np.clip(
            np.clip(changed - step_size * np.sign(gradient), original - eps, original + eps), 0, 1
        ),
        "the box is laid around the picture of the last step, so each step may go eps further": np.clip(
            np.clip(moved, changed - eps, changed + eps), 0, 1
        ),
    }
    given = changed.copy()
    got = answer(given, original.copy(), gradient.copy(), step_size, eps)
    same_shape(got, want)
    if not np.array_equal(given, changed):
        raise Wrong("your function changes the picture that it was given: work on a copy")
    values = np.asarray(got, dtype=float)
    if not np.allclose(values, want, atol=1e-9):
        for reason, value in known.items():
            if np.allclose(values, value, atol=1e-9):
                raise Wrong(reason)
    close(values, want, 1e-9)


PGD_STEP = Exercise(
    name="pgd_step",
    question="Write `pgd_step(changed, original, gradient, step_size, eps)` with NumPy: one step up the "
    "loss. "
    "Go `step_size` along the sign of the gradient, then back to within `eps` of the original and into [0, "
    "1].",
    verify=_verify_pgd_step,
    hint_text="`np.clip` does both projections; it takes arrays as limits: `np.clip(x, original - eps, "
    "original "
    "+ eps)`.",
    solution_source="""
        import numpy as np

        def pgd_step(changed, original, gradient, step_size, eps):
            moved = changed + step_size * np.sign(gradient)
            near = np.clip(moved, original - eps, original + eps)
            return np.clip(near, 0, 1)
    """,
    praise="Move, project, clip: with a loop around it and a random start this is PGD.",
    wrong_answers={
        "within eps of the *original*": """
            import numpy as np

            def pgd_step(changed, original, gradient, step_size, eps):
                return np.clip(changed + step_size * np.sign(gradient), 0, 1)
        """,
        "leave [0, 1]": """
            import numpy as np

            def pgd_step(changed, original, gradient, step_size, eps):
                moved = changed + step_size * np.sign(gradient)
                return np.clip(moved, original - eps, original + eps)
        """,
        "by the gradient itself": """
            import numpy as np

            def pgd_step(changed, original, gradient, step_size, eps):
                near = np.clip(changed + step_size * gradient, original - eps, original + eps)
                return np.clip(near, 0, 1)
        """,
        "each step may go eps further": """
            import numpy as np

            def pgd_step(changed, original, gradient, step_size, eps):
                moved = changed + step_size * np.sign(gradient)
                return np.clip(np.clip(moved, changed - eps, changed + eps), 0, 1)
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def pgd_step(changed, original, gradient, step_size, eps):
            low, high = np.maximum(original - eps, 0), np.minimum(original + eps, 1)
            return np.minimum(np.maximum(changed + step_size * np.sign(gradient), low), high)
        """,
        """
        import torch

        def pgd_step(changed, original, gradient, step_size, eps):
            changed, original, gradient = map(torch.as_tensor, (changed, original, gradient))
            offset = (changed + step_size * gradient.sign() - original).clamp(-eps, eps)
            return (original + offset).clamp(0, 1)
        """,
    ],
)


def _verify_own_recipe(answer: Any) -> None:
    from course_utils.data.augmentation_registry import full_spec

    same_type(answer, (list, tuple), what="own_recipe")
    if not 2 <= len(answer) <= 6:
        raise Wrong(f"own_recipe has {len(answer)} steps; take 2 to 6, or nobody can say which one helped")
    try:
        steps = full_spec(list(answer))
    except ValueError as error:
        raise Wrong(str(error)) from None
    for step in steps:
        if step.get("p") == 0:
            raise Wrong(f"{step['name']} has p = 0: it never does anything")
    names = [step["name"] for step in steps]
    if "hue" in names or any(step["name"] == "color_jitter" and step["hue"] > 0.05 for step in steps):
        raise Wrong(
            "it turns the hue: the shade of green is one of the few things that tell young plants apart"
        )
    if not {"flip", "quarter_turns", "rotation", "affine"} & set(names):
        raise Wrong(
            "it neither mirrors nor turns, though seedlings are seen from above: that is the cheapest gain"
        )


OWN_RECIPE = Exercise(
    name="own_recipe",
    question="Write a recipe of your own for the seedlings: `own_recipe = ['flip', {'name': 'cutout', 'p': "
    "0.3}, ...]`, two to six steps from the registry. Then measure it as in section 6, with at least three "
    "seeds, and leave out one step after the other: which one earns its place?",
    verify=_verify_own_recipe,
    hint_text="`describe()` of `course_utils.data.augmentations` lists every step with its options. Start "
    "from "
    "what the table of section 6 says, and change one thing at a time.",
    solution_source="""
        own_recipe = [
            "quarter_turns",
            "flip",
            {"name": "affine", "degrees": 45, "scale": [0.9, 1.1], "fill": "reflection"},
        ]
    """,
    praise="It can be run. What it is worth only the measurement says.",
    wrong_answers={
        "Did you mean 'flip'": """
            own_recipe = ["flipp", "rotation"]
        """,
        "shade of green": """
            own_recipe = ["flip", {"name": "hue", "strength": 0.4}]
        """,
        "never does anything": """
            own_recipe = ["rotation", {"name": "cutout", "p": 0.0}]
        """,
        "neither mirrors nor turns": """
            own_recipe = ["cutout", "gaussian_noise"]
        """,
    },
    other_right_answers=[
        """
        upside_down = {"name": "flip", "direction": "vertical"}
        own_recipe = ["flip", upside_down, {"name": "brightness", "strength": 0.1}]
        """,
        """
        turn = {"name": "rotation", "degrees": 180, "fill": "reflection"}
        own_recipe = (turn, {"name": "random_erasing", "p": 0.2})
        """,
    ],
)
