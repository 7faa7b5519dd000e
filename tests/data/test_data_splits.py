"""Splits: shares against scikit-learn, both sides for every seed, groups whole, the same answer for ever."""

import hashlib

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from course_utils.data.splits import kfold, stratified_split

SEEDLING_COUNTS = {"Black-grass": 263, "Maize": 221, "Loose Silky-bent": 654, "稗草": 17, "Sugar beet": 385}


def labels_of(counts: dict[str, int]) -> np.ndarray:
    """The classes in a fixed mixed-up order."""
    labels = np.repeat(list(counts), list(counts.values()))
    return labels[np.random.default_rng(0).permutation(len(labels))]


def table(labels: np.ndarray, parts) -> np.ndarray:
    """Counts by part and class, (P, C)."""
    return np.array([[int((labels[part] == name).sum()) for name in sorted(set(labels))] for part in parts])


@pytest.mark.parametrize("fractions", [(0.7, 0.3), (0.7, 0.15, 0.15), (0.5, 0.25, 0.125, 0.125)])
@pytest.mark.parametrize("seed", [0, 42, -7])
def test_every_item_once_and_each_class_within_one_of_its_share(fractions, seed):
    labels = labels_of(SEEDLING_COUNTS)
    parts = stratified_split(labels, fractions=fractions, seed=seed)
    assert len(parts) == len(fractions)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part in parts:
        assert (np.diff(part) > 0).all()
    totals = table(labels, [np.arange(len(labels))])[0]
    assert (np.abs(table(labels, parts) - np.outer(fractions, totals)) < 1.0).all()


def test_class_counts_are_those_of_scikit_learn_within_one():
    labels = labels_of(SEEDLING_COUNTS)
    theirs = next(StratifiedShuffleSplit(1, test_size=0.3, random_state=42).split(labels, labels))
    ours = stratified_split(labels, fractions=(0.7, 0.3), seed=42)
    assert (np.abs(table(labels, ours) - table(labels, theirs)) <= 1).all()


def test_the_rule_itself_from_the_standard_library_alone():
    """One class of ten: the seven smallest hashes train. No numpy generator takes part."""

    def rank(key: str) -> int:
        return int.from_bytes(hashlib.blake2b(f"42\x1e{key}".encode(), digest_size=8).digest(), "big")

    keys = [f"seed/{number}.png" for number in range(10)]
    expected = sorted(sorted(range(10), key=lambda item: rank(keys[item]))[:7])
    train, val = stratified_split(["a"] * 10, fractions=(0.7, 0.3), seed=42, keys=keys)
    assert train.tolist() == expected
    assert val.tolist() == sorted(set(range(10)) - set(expected))


def test_recorded_answer_never_changes():
    train, val, test = stratified_split(list("aaaaaaabbbbbc") + ["c"] * 7, seed=42)
    recorded = ([1, 2, 4, 5, 6, 8, 10, 11, 12, 13, 15, 17, 18, 19], [0, 9, 16], [3, 7, 14])
    assert (train.tolist(), val.tolist(), test.tolist()) == recorded


def test_seeds_differ_and_the_order_of_the_input_does_not_matter():
    labels = labels_of(SEEDLING_COUNTS)
    keys = [f"{label}/{item}.png" for item, label in enumerate(labels)]
    first = stratified_split(labels, seed=1, keys=keys)
    assert not np.array_equal(first[1], stratified_split(labels, seed=2, keys=keys)[1])
    turned = np.random.default_rng(5).permutation(len(labels))
    again = stratified_split(labels[turned], seed=1, keys=[keys[item] for item in turned])
    for one, other in zip(first, again, strict=True):
        assert {keys[item] for item in one} == {keys[turned[item]] for item in other}


def test_one_more_picture_moves_at_most_one_per_boundary_of_its_class():
    labels = labels_of(SEEDLING_COUNTS).tolist()
    keys = [f"{label}/{item}.png" for item, label in enumerate(labels)]
    for extra in range(20):
        before = stratified_split(labels, seed=3, keys=keys)
        after = stratified_split([*labels, "Maize"], seed=3, keys=[*keys, f"Maize/new {extra}.png"])
        moved = [item for one, other in zip(before, after, strict=True) for item in set(one) - set(other)]
        assert len(moved) <= 2
        assert all(labels[item] == "Maize" for item in moved)


def test_keys_in_composed_and_decomposed_spelling_split_alike():
    composed, decomposed = [f"\u00e9{n}" for n in range(30)], [f"e\u0301{n}" for n in range(30)]
    one = stratified_split(["a"] * 30, seed=0, keys=composed)
    other = stratified_split(["a"] * 30, seed=0, keys=decomposed)
    assert [part.tolist() for part in one] == [part.tolist() for part in other]


@pytest.mark.parametrize("num_parts", [2, 3, 5])
def test_small_classes_are_on_both_sides_for_every_seed(num_parts):
    """F8: classes of 2, 3 and 4 pictures beside a large one, 200 seeds."""
    labels = np.array(["two"] * 2 + ["three"] * 3 + ["four"] * 4 + ["many"] * 60)
    fractions = (1 - 0.05 * (num_parts - 1), *[0.05] * (num_parts - 1))
    for seed in range(200):
        counts = table(labels, stratified_split(labels, fractions=fractions, seed=seed))  # columns by name
        for column, size in ((0, 4), (2, 3), (3, 2)):
            assert (counts[: min(size, num_parts), column] >= 1).all(), (seed, counts)


def test_a_class_of_one_is_refused_by_name_or_kept_in_training():
    labels = ["a"] * 10 + ["b"]
    with pytest.raises(ValueError, match=r"'b' \(1\).*rare=\"train\""):
        stratified_split(labels, seed=0)
    train, val, test = stratified_split(labels, seed=0, rare="train")
    assert 10 in train
    assert len(train) + len(val) + len(test) == 11


def test_a_class_with_one_group_is_refused_or_kept_in_training():
    labels, groups = ["a"] * 10 + ["b"] * 3, [None] * 10 + ["g"] * 3
    with pytest.raises(ValueError, match=r"'b' \(3\)"):
        stratified_split(labels, seed=0, groups=groups)
    assert {10, 11, 12} <= set(stratified_split(labels, seed=0, groups=groups, rare="train")[0].tolist())


def random_groups(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """600 pictures of 4 uneven classes in groups of 1 to 12, some groups of two classes."""
    generator = np.random.default_rng(seed)
    labels, groups = [], []
    for group in range(110):
        name = generator.choice(list("abcd"), p=[0.5, 0.3, 0.15, 0.05])
        for _ in range(generator.integers(1, 13)):
            labels.append(generator.choice(list("abcd")) if generator.random() < 0.02 else name)
            groups.append(group)
    return np.array(labels), np.array(groups)


@pytest.mark.parametrize("seed", range(8))
def test_groups_stay_whole_and_shares_near(seed):
    labels, groups = random_groups(seed)
    parts = stratified_split(labels, fractions=(0.7, 0.15, 0.15), seed=seed, groups=groups)
    sides = [set(groups[part]) for part in parts]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    counts = table(labels, parts)
    assert (counts > 0).all()
    wanted = np.outer((0.7, 0.15, 0.15), counts.sum(axis=0))
    assert np.abs(counts - wanted).max() <= 12  # one largest group


def test_group_folds_are_as_balanced_as_those_of_scikit_learn():
    def imbalance(labels, folds):
        counts = table(labels, folds)
        wanted = counts.sum(axis=0) / len(folds)
        return float((((counts - wanted) ** 2) / wanted).sum())

    ours, theirs = [], []
    for seed in range(10):
        labels, groups = random_groups(seed)
        ours.append(
            imbalance(labels, [val for _, val in kfold(labels, num_folds=5, seed=seed, groups=groups)])
        )
        reference = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)
        theirs.append(imbalance(labels, [val for _, val in reference]))
    assert np.mean(ours) <= np.mean(theirs)


def test_two_groups_reach_both_sides_for_every_seed():
    labels = ["a"] * 40 + ["b"] * 40
    groups = [f"a{item // 20}" for item in range(40)] + [f"b{item // 10}" for item in range(40)]
    for seed in range(200):
        counts = table(
            np.array(labels), stratified_split(labels, fractions=(0.8, 0.1, 0.1), seed=seed, groups=groups)
        )
        assert (counts[:2] > 0).all(), (seed, counts)
        assert counts[2, 1] > 0


def test_entangled_groups_are_refused():
    """Three groups, each of two classes, in a ring: two sides cannot both have all three classes."""
    with pytest.raises(ValueError, match="so tied to groups of other classes"):
        stratified_split(list("abbcca"), fractions=(0.5, 0.5), seed=1, groups=[1, 1, 2, 2, 3, 3])


@pytest.mark.parametrize("num_folds", [2, 5, 7])
def test_kfold_validates_each_item_once_and_evenly(num_folds):
    labels = labels_of(SEEDLING_COUNTS)
    folds = kfold(labels, num_folds=num_folds, seed=0)
    np.testing.assert_array_equal(np.sort(np.concatenate([val for _, val in folds])), np.arange(len(labels)))
    for train, val in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, val])), np.arange(len(labels)))
    counts = table(labels, [val for _, val in folds])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_kfold_keeps_a_class_of_one_out_of_every_validation_part():
    labels = ["a"] * 9 + ["b"]
    with pytest.raises(ValueError, match="'b'"):
        kfold(labels, num_folds=3, seed=0)
    for train, val in kfold(labels, num_folds=3, seed=0, rare="train"):
        assert 9 in train
        assert 9 not in val
        assert len(val) == 3


def test_rare_classes_do_not_all_start_at_the_first_fold():
    labels = [f"class {item // 2}" for item in range(40)]
    sizes = [len(val) for _, val in kfold(labels, num_folds=5, seed=0)]
    assert max(sizes) <= 2 * min(sizes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fractions": (0.7, 0.2)}, "sum to 1"),
        ({"fractions": (1.0,)}, "two or more"),
        ({"fractions": (1.2, -0.2)}, "above 0"),
        ({"fractions": (float("nan"), 0.5)}, "sum to 1"),
        ({"groups": ["g"]}, "groups has 1 entries, labels has 4"),
        ({"keys": ["k"] * 4}, "'k' twice"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"rare": "drop"}, "rare is 'drop'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        stratified_split(list("aabb"), **{"seed": 0, "fractions": (0.5, 0.5)} | arguments)


def test_nothing_to_split_and_too_many_folds():
    with pytest.raises(ValueError, match="labels is empty"):
        stratified_split([], seed=0)
    with pytest.raises(ValueError, match="only 3 items"):
        kfold(list("aaa"), num_folds=4, seed=0)
