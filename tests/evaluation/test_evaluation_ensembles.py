"""Ensembles: a mean of probabilities, whatever order members have their classes and pictures in."""

from dataclasses import replace

import numpy as np
import pytest

from course_utils.evaluation.class_lists import columns_by_name
from course_utils.evaluation.ensembles import ensemble, join, reorder
from course_utils.evaluation.predict import Predictions

NAMES = ("猫", "狗", "bird", "7")


def draw(seed, num=20):
    generator = np.random.default_rng(seed)
    targets = np.random.default_rng(99).integers(0, len(NAMES), num)
    logits = generator.normal(0, 2, (num, len(NAMES))).astype(np.float32)
    return Predictions(logits, targets, [f"{i:03d}.jpg" for i in range(num)], NAMES)


def shuffled(predictions, seed):
    """The same predictions with classes and pictures in another order."""
    generator = np.random.default_rng(seed)
    columns = generator.permutation(len(predictions.class_names))
    rows = generator.permutation(len(predictions.ids))
    place = {old: new for new, old in enumerate(columns.tolist())}
    return Predictions(
        predictions.logits[rows][:, columns],
        np.array([place[t] for t in predictions.targets[rows].tolist()]),
        [predictions.ids[i] for i in rows],
        tuple(predictions.class_names[i] for i in columns),
    )


def test_it_is_the_mean_of_the_probabilities():
    members = [draw(seed) for seed in range(3)]
    got = ensemble(members)
    assert got.probabilities == pytest.approx(np.mean([m.probabilities for m in members], axis=0), abs=1e-6)
    assert (got.ids, got.class_names) == (members[0].ids, NAMES)
    assert (got.targets == members[0].targets).all()
    assert got.logits.dtype == np.float32
    weighted = ensemble({"raw": members[0], "ema": members[1]}, weights=[1, 3])
    want = 0.25 * members[0].probabilities + 0.75 * members[1].probabilities
    assert weighted.probabilities == pytest.approx(want, abs=1e-6)
    assert ensemble(members, weights=[0, 2, 0]).probabilities == pytest.approx(
        members[1].probabilities, abs=1e-6
    )


def test_one_member_keeps_its_probabilities():
    assert ensemble([draw(0)]).probabilities == pytest.approx(draw(0).probabilities, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_another_order_of_classes_and_pictures_is_mapped(seed):
    members = [draw(0), draw(1)]
    mixed = [members[0], shuffled(members[1], seed)]
    assert ensemble(mixed).logits == pytest.approx(ensemble(members).logits, abs=1e-6)
    back = reorder(shuffled(members[1], seed), class_names=NAMES, ids=members[1].ids)
    assert (back.logits == members[1].logits).all() and (back.targets == members[1].targets).all()
    assert (back.ids, back.class_names) == (members[1].ids, NAMES)


def test_unlabelled_pictures_stay_unlabelled():
    hidden = replace(draw(1), targets=np.full(20, -1))
    assert (ensemble([hidden, hidden]).targets == -1).all()
    assert (reorder(shuffled(draw(1), 3), class_names=NAMES).targets >= 0).all()
    assert (reorder(hidden, class_names=NAMES[::-1]).targets == -1).all()
    assert (ensemble([draw(0), hidden]).targets == draw(0).targets).all()


def changed(**changes):
    return replace(draw(1), **changes)


NAN_LOGITS = draw(1).logits.copy()
NAN_LOGITS[3, 1] = np.nan
OTHER_TARGETS = draw(1).targets.copy()
OTHER_TARGETS[5] = (OTHER_TARGETS[5] + 1) % 4


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (changed(class_names=("猫", "狗", "bird", "fish")), "missing are '7'; not expected are 'fish'"),
        (changed(class_names=("猫", "狗", "bird")), "3 classes, expected 4"),
        (changed(class_names=("猫", "狗", "bird", "bird")), "bird more than once"),
        (changed(ids=[*draw(1).ids[:-1], "x.jpg"]), r"1 are missing \(such as \['019.jpg'\]\), 1 not"),
        (changed(ids=["a.jpg"] * 20), "ids repeat"),
        (changed(logits=NAN_LOGITS), "not finite"),
        (changed(targets=OTHER_TARGETS), r"1 pictures have another label.*'005.jpg'"),
    ],
)
def test_members_that_do_not_fit_are_refused_by_name(member, said):
    with pytest.raises(ValueError, match=said) as caught:
        ensemble({"first": draw(0), "the second run": member})
    assert "the second run" in str(caught.value)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan]])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="2 weights"):
        ensemble([draw(0), draw(1)], weights=weights)


def test_nothing_to_average():
    with pytest.raises(ValueError, match="at least one"):
        ensemble([])
    with pytest.raises(ValueError, match="no parts"):
        join({})


def test_ids_that_repeat_do_no_harm_in_the_same_order():
    twice = [replace(draw(seed), ids=["a.jpg"] * 20) for seed in (0, 1)]
    assert len(ensemble(twice).ids) == 20


def test_the_parts_of_a_cross_validation_are_joined():
    whole = draw(0)
    parts = {
        f"fold {k}": Predictions(whole.logits[k::3], whole.targets[k::3], whole.ids[k::3], whole.class_names)
        for k in range(3)
    }
    parts["fold 2"] = shuffled(parts["fold 2"], 1)
    got = reorder(join(parts), ids=whole.ids)
    assert (got.logits == whole.logits).all() and (got.targets == whole.targets).all()
    with pytest.raises(ValueError, match=r"'000.jpg' is in fold 0 and in fold 1"):
        join({"fold 0": parts["fold 0"], "fold 1": parts["fold 0"]})


def test_columns_by_name():
    assert columns_by_name(["b", "a", "c"], ["a", "b", "c"]) == [1, 0, 2]
