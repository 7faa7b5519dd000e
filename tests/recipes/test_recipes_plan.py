"""Which picture goes where: fractions, folds, given parts, copies, caps."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from course_utils.recipes import DataConfig
from course_utils.recipes.plan import make_plan


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def make_set(root, counts, prefix=""):
    for position, (name, count) in enumerate(counts.items()):
        for number in range(count):
            draw(root / prefix / name / f"{number}.png", 1000 * position + number + 7 * len(prefix))
    return root


def config(root, **changes):
    return DataConfig(**{"name": "mine", "source": str(root), "image_size": 12, **changes})


def parts_of(plan):
    return {row.path: row.split for row in plan.manifest.rows}


def test_missing_parts_are_held_out_by_their_fractions_class_by_class(tmp_path):
    make_set(tmp_path, {"a": 20, "b": 40})
    plan = make_plan(config(tmp_path, val_fraction=0.1, test_fraction=0.2))
    assert plan.manifest.counts() == {
        "train": {"a": 14, "b": 28},
        "val": {"a": 2, "b": 4},
        "test": {"a": 4, "b": 8},
    }
    assert plan.summary() == "42 train, 6 val, 12 test pictures in 2 classes"
    assert parts_of(make_plan(config(tmp_path, val_fraction=0.1, test_fraction=0.2))) == parts_of(plan)
    assert parts_of(make_plan(config(tmp_path, val_fraction=0.1, split_seed=1))) != parts_of(plan)


@pytest.mark.parametrize(("val", "test", "splits"), [(0, 0.2, ("train", "test")), (0.2, 0, ("train", "val"))])
def test_a_fraction_of_0_makes_no_part(tmp_path, val, test, splits):
    make_set(tmp_path, {"a": 10, "b": 10})
    plan = make_plan(config(tmp_path, val_fraction=val, test_fraction=test))
    assert plan.manifest.splits == splits and plan.num_images("train") == 16


def test_every_picture_is_tested_in_exactly_one_fold(tmp_path):
    make_set(tmp_path, {"a": 11, "b": 14})
    tested = Counter()
    for fold in range(5):
        plan = make_plan(config(tmp_path, num_folds=5, fold=fold, val_fraction=0))
        tested.update(row.path for row in plan.manifest.of("test"))
        assert len(plan.manifest.rows) == 25
    assert len(tested) == 25 and set(tested.values()) == {1}


def test_folds_can_hold_out_a_validation_part_too(tmp_path):
    make_set(tmp_path, {"a": 20, "b": 20})
    plan = make_plan(config(tmp_path, num_folds=4, fold=1, val_fraction=0.2))
    assert [plan.num_images(part) for part in ("train", "val", "test")] == [24, 6, 10]


def test_given_parts_stay_and_the_missing_one_comes_from_train(tmp_path):
    make_set(tmp_path, {"a": 10, "b": 10}, "train")
    make_set(tmp_path, {"a": 3, "b": 3}, "val")
    plan = make_plan(config(tmp_path, val_fraction=0.4, test_fraction=0.2))
    assert [plan.num_images(part) for part in ("train", "val", "test")] == [16, 6, 4]
    assert {row.path.split("/")[0] for row in plan.manifest.of("test")} == {"train"}
    with_test = make_set(tmp_path, {"a": 4, "b": 4}, "test")
    plan = make_plan(config(with_test))
    assert [plan.num_images(part) for part in ("train", "val", "test")] == [20, 6, 8]
    with pytest.raises(ValueError, match="num_folds has to be 0"):
        make_plan(config(with_test, num_folds=2))


def test_unlabelled_test_pictures_are_left_out_and_said(tmp_path):
    make_set(tmp_path, {"a": 10, "b": 10}, "train")
    draw(tmp_path / "test" / "x.png", 1)
    plan = make_plan(config(tmp_path))
    assert len(plan.manifest.rows) == 20
    assert any("left out 1 pictures without a label" in remark for remark in plan.remarks)


def test_copies_stay_on_one_side(tmp_path):
    make_set(tmp_path, {"a": 10, "b": 10})
    for number in range(4):
        (tmp_path / "a" / f"copy{number}.png").write_bytes((tmp_path / "a" / "0.png").read_bytes())
    for seed in range(5):
        parts = parts_of(make_plan(config(tmp_path, split_seed=seed)))
        assert len({parts[f"a/{name}.png"] for name in ("0", "copy0", "copy1", "copy2", "copy3")}) == 1
    apart = [parts_of(make_plan(config(tmp_path, split_seed=s, keep_together="none"))) for s in range(5)]
    assert any(parts["a/0.png"] != parts["a/copy0.png"] for parts in apart)


def test_a_picture_in_two_given_parts_is_said(tmp_path):
    make_set(tmp_path, {"a": 10, "b": 10}, "train")
    make_set(tmp_path, {"a": 3, "b": 3}, "test")
    (tmp_path / "test" / "a" / "0.png").write_bytes((tmp_path / "train" / "a" / "5.png").read_bytes())
    remarks = " ".join(make_plan(config(tmp_path, val_fraction=0.0)).remarks)
    assert "1 pictures of val or test are also in train" in remarks


def test_a_cap_keeps_the_shares_of_the_classes(tmp_path):
    make_set(tmp_path, {"a": 20, "b": 40})
    plan = make_plan(config(tmp_path, val_fraction=0.1, test_fraction=0.2, max_images=6))
    assert plan.manifest.counts()["train"] == {"a": 2, "b": 4}
    assert [plan.num_images(part) for part in ("val", "test")] == [6, 6]


def test_damaged_pictures_can_be_left_out_on_purpose(tmp_path):
    make_set(tmp_path, {"a": 10, "b": 10})
    (tmp_path / "a" / "0.png").write_bytes(b"not a picture")
    plan = make_plan(config(tmp_path, damaged="leave_out"))
    assert len(plan.manifest.rows) == 19
    assert any("a/0.png" in remark for remark in plan.remarks)


def test_the_fingerprint_follows_contents_labels_and_parts(tmp_path):
    make_set(tmp_path, {"a": 10, "b": 10})
    first = make_plan(config(tmp_path)).fingerprint
    assert make_plan(config(tmp_path)).fingerprint == first
    assert make_plan(config(tmp_path, split_seed=1)).fingerprint != first
    draw(tmp_path / "a" / "3.png", 999)
    assert make_plan(config(tmp_path)).fingerprint != first


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("mine", "sample", "say where it lies: --data PATH"),
        ("mine", "no/such/folder", "no such folder"),
        ("seedlings", None, "data.name=my_set"),
    ],
)
def test_data_that_cannot_be_had(tmp_path, name, source, words):
    make_set(tmp_path / "set", {"a": 4, "b": 4})
    with pytest.raises(ValueError, match=words):
        make_plan(config(tmp_path, name=name, source=source or str(tmp_path / "set")))
