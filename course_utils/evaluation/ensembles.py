"""Several models are asked about the same pictures, and their probabilities averaged.

Members may be runs with other seeds or networks, the models of the folds of a cross-validation, or the raw
and the averaged (EMA) weights of one run. Class lists are matched by name and pictures by id, so members may
have been predicted in another order. Source: Lakshminarayanan et al., arXiv 1612.01474 (mean of
probabilities). Notebook 16 gathers one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import log_softmax, logsumexp

from course_utils.evaluation.class_lists import columns_by_name
from course_utils.evaluation.predict import Predictions


def reorder(
    predictions: Predictions,
    *,
    class_names: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    where: str = "the predictions",
) -> Predictions:
    """The same predictions with the columns in the order of `class_names` and the rows in that of `ids`.

    None leaves an order as it is. Targets are mapped with the classes. ValueError for other class names,
    other ids, or ids that repeat (then only the order they already have is possible).
    """
    logits, targets, names = predictions.logits, predictions.targets, list(predictions.ids)
    if class_names is not None and list(class_names) != list(predictions.class_names):
        columns = columns_by_name(predictions.class_names, class_names, where=where)
        new_place = np.argsort(columns)  # from a class's old number to its new one
        logits = logits[:, columns]
        targets = np.where(targets >= 0, new_place[np.maximum(targets, 0)], targets)
    if ids is not None and list(ids) != names:
        rows = _rows_by_id(names, list(ids), where)
        logits, targets, names = logits[rows], targets[rows], list(ids)
    order = predictions.class_names if class_names is None else tuple(class_names)
    return replace(predictions, logits=logits, targets=targets, ids=names, class_names=order)


def ensemble(
    members: Mapping[str, Predictions] | Sequence[Predictions], *, weights: Sequence[float] | None = None
) -> Predictions:
    """Average the probabilities of several predictions of the same pictures.

    members: by name (used in errors) or in a list; rows and columns of the result are in the order of the
    first. weights: one per member, at least 0, scaled to the sum 1; None: equal. The result's logits are the
    logarithm of the mean probability. ValueError if the members differ in their classes, pictures or labels,
    or hold a logit that is not finite.
    """
    named = dict(members) if isinstance(members, Mapping) else _numbered(members)
    if not named:
        raise ValueError("an ensemble needs at least one member")
    share = _shares(weights, len(named))
    first = next(iter(named.values()))
    stack = []
    for name, member in named.items():
        if not np.isfinite(member.logits).all():
            raise ValueError(f"{name}: there are logits that are not finite; leave this member out")
        same = reorder(member, class_names=first.class_names, ids=first.ids, where=name)
        odd = np.flatnonzero((same.targets != first.targets) & (same.targets >= 0) & (first.targets >= 0))
        if len(odd):
            raise ValueError(
                f"{name}: {len(odd)} pictures have another label than in the first member, such as "
                f"{first.ids[odd[0]]!r}"
            )
        stack.append(log_softmax(same.logits.astype(np.float64), axis=1))  # (N, K)
    mixed = logsumexp(np.stack(stack), axis=0, b=share[:, None, None])
    return replace(first, logits=mixed.astype(np.float32))


def join(parts: Mapping[str, Predictions] | Sequence[Predictions]) -> Predictions:
    """Put predictions of different pictures together, as the held-out parts of a cross-validation.

    So every picture of the set is predicted once, by the model that did not see it. ValueError if a picture
    comes in two parts, or class lists differ.
    """
    named = dict(parts) if isinstance(parts, Mapping) else _numbered(parts)
    if not named:
        raise ValueError("there are no parts to join")
    first = next(iter(named.values()))
    mapped = [reorder(part, class_names=first.class_names, where=name) for name, part in named.items()]
    ids = [one_id for part in mapped for one_id in part.ids]
    seen: dict[str, str] = {}
    for name, part in zip(named, mapped, strict=True):
        for one_id in part.ids:
            if seen.setdefault(one_id, name) != name:
                raise ValueError(
                    f"picture {one_id!r} is in {seen[one_id]} and in {name}; parts do not overlap"
                )
    return replace(
        first,
        logits=np.concatenate([part.logits for part in mapped]),
        targets=np.concatenate([part.targets for part in mapped]),
        ids=ids,
    )


def _numbered(members: Sequence[Predictions]) -> dict[str, Predictions]:
    return {f"member {number}": member for number, member in enumerate(members, 1)}


def _shares(weights: Sequence[float] | None, count: int) -> np.ndarray:
    values = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.shape != (count,) or not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        raise ValueError(f"weights are {weights}; expected {count} weights of at least 0, not all 0")
    return values / values.sum()


def _rows_by_id(have: list[str], want: list[str], where: str) -> list[int]:
    place = {name: index for index, name in enumerate(have)}
    if len(place) < len(have) or len(set(want)) < len(want):
        raise ValueError(
            f"{where}: ids repeat, so pictures in another order cannot be told apart; predict both in the "
            "same order"
        )
    missing, extra = [name for name in want if name not in place], sorted(set(have) - set(want))
    if missing or extra:
        raise ValueError(
            f"{where}: other pictures; {len(missing)} are missing (such as {missing[:3]}), {len(extra)} not "
            f"expected (such as {extra[:3]})"
        )
    return [place[name] for name in want]
