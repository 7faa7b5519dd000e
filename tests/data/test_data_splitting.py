"""split_folder: the tutorial's script, done right."""

import re

import numpy as np
import pytest
from PIL import Image

from course_utils.data.manifest import Manifest
from course_utils.data.splitting import plan_split, split_folder


def put(folder, counts: dict[str, int], *, stem="{}"):
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (folder / name / f"{stem.format(number)}.jpg").write_bytes(
                f"{name}-{stem.format(number)}".encode()
            )
    return folder


def sides(plan) -> dict[str, str]:
    return {row.path: row.split for row in plan.manifest.rows}


def test_thirty_percent_with_seed_42(tmp_path):
    source = put(tmp_path / "source", {"Maize": 20, "Cleavers": 10, "Fat Hen": 33})
    split = split_folder(source, tmp_path / "target")
    assert split.manifest.counts() == {
        "train": {"Cleavers": 7, "Fat Hen": 23, "Maize": 14},
        "val": {"Cleavers": 3, "Fat Hen": 10, "Maize": 6},
    }
    stored = Manifest.read(tmp_path / "target/split.csv")
    assert stored.info["seed"] == 42
    assert stored.info["fractions"] == [0.7, 0.3]
    assert len(list((tmp_path / "target/val/Fat Hen").iterdir())) == 10


def test_the_same_split_wherever_the_folder_lies_and_whatever_lies_beside(tmp_path):
    one, other = (put(tmp_path / name / "set", {"a": 30, "b": 30}) for name in ("x", "y"))
    for junk in (".DS_Store", "Thumbs.db", "a/.DS_Store", "a/._1.jpg"):
        (other / junk).write_bytes(b"junk")
    for folder in ("__MACOSX", ".ipynb_checkpoints"):
        (other / folder).mkdir()
        (other / folder / "1-checkpoint.jpg").write_bytes(b"junk")
    (other / "a/film.mp4").write_bytes(b"film")
    assert sides(plan_split(one)) == sides(plan_split(other))
    assert any(".mp4 1" in remark for remark in plan_split(other).remarks)


def test_equal_files_stay_together_and_can_be_let_apart(tmp_path):
    """F11. Ten pictures, five times each under other names."""
    source = put(tmp_path / "source", {"a": 50, "b": 50})
    for path in source.rglob("*.jpg"):
        path.write_bytes(f"{path.parent.name}{int(path.stem) // 5}".encode())
    for seed in range(20):
        plan = plan_split(source, seed=seed)
        by_contents: dict[str, set[str]] = {}
        for row in plan.manifest.rows:
            by_contents.setdefault(row.sha256, set()).add(row.split)
            assert row.group
        assert len(by_contents) == 20
        assert all(len(parts) == 1 for parts in by_contents.values())
    apart = plan_split(source, keep_together=None).manifest
    assert not any(row.group for row in apart.rows)
    train = {row.sha256 for row in apart.of("train")}
    assert train & {row.sha256 for row in apart.of("val")}


def test_near_copies_stay_together(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "source" / name).mkdir(parents=True)
        for number in range(8):
            coarse = generator.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)
            picture.save(tmp_path / f"source/{name}/{number}.png")
            picture.resize((64, 64)).save(tmp_path / f"source/{name}/{number} again.jpg", quality=70)
    for seed in range(5):
        part = sides(plan_split(tmp_path / "source", seed=seed, keep_together="near"))
        assert all(
            part[path] == part[path.replace(".png", " again.jpg")] for path in part if path.endswith("png")
        )


def test_pictures_of_one_object_stay_together_by_name(tmp_path):
    source = tmp_path / "source"
    for plant in range(12):
        put(source, {"a" if plant % 2 else "b": 4}, stem=f"plant{plant:02d}_day{{}}")
    plan = plan_split(source, group_pattern=r"(plant\d+)_", fractions=(0.5, 0.25, 0.25))
    seen: dict[str, set[str]] = {}
    for path, part in sides(plan).items():
        seen.setdefault(re.search(r"plant\d+", path)[0], set()).add(part)
    assert len(seen) == 12
    assert all(len(parts) == 1 for parts in seen.values())


def test_copies_join_the_groups_of_both_names(tmp_path):
    """Plant 1 and plant 2 share a file, plant 2 and 3 as well: all three are one group."""
    source = put(tmp_path / "source", {"a": 40})
    for plant in range(4):
        for day in range(3):
            (source / f"a/plant{plant}_{day}.jpg").write_bytes(f"{plant}{day}".encode())
    (source / "a/plant2_0.jpg").write_bytes((source / "a/plant1_0.jpg").read_bytes())
    (source / "a/plant3_0.jpg").write_bytes((source / "a/plant2_1.jpg").read_bytes())
    rows = plan_split(source, group_pattern=r"plant\d").manifest.rows
    groups = {row.path[2:8]: set() for row in rows if "plant" in row.path}
    for row in rows:
        if "plant" in row.path:
            groups[row.path[2:8]].add(row.group)
    assert groups["plant1"] == groups["plant2"] == groups["plant3"] != groups["plant0"]
    assert all(len(group) == 1 for group in groups.values())


def test_prefix_names_and_sets_that_are_split_already(tmp_path):
    for part, count in (("training", 10), ("validation", 4)):
        (tmp_path / "food" / part).mkdir(parents=True)
        for label in range(3):
            for number in range(count):
                (tmp_path / f"food/{part}/{label}_{number}.jpg").write_bytes(
                    f"{part}{label}{number}".encode()
                )
    with pytest.raises(ValueError, match="already split into train, val"):
        plan_split(tmp_path / "food")
    one = split_folder(tmp_path / "food/training", tmp_path / "one")
    assert one.manifest.counts()["val"] == {"0": 3, "1": 3, "2": 3}
    pooled = split_folder(tmp_path / "food", tmp_path / "pooled", pool=True)
    assert len(pooled.manifest.rows) == 42
    assert len(list((tmp_path / "pooled").rglob("*.jpg"))) == 42  # 0_1.jpg is there twice


def test_refusals_name_the_folder_or_the_class(tmp_path):
    source = put(tmp_path / "source", {"a": 5, "b": 5})
    (source / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures in the classes empty"):
        plan_split(source)
    (source / "empty/1.jpg").write_bytes(b"one")
    with pytest.raises(ValueError, match=r"'empty' \(1\)"):
        plan_split(source)
    assert sides(plan_split(source, rare="train"))["empty/1.jpg"] == "train"
    with pytest.raises(ValueError, match=r"two \(train, val\) or three"):
        plan_split(source, fractions=(0.4, 0.3, 0.2, 0.1))
    with pytest.raises(ValueError, match="keep_together is 'all'"):
        plan_split(source, keep_together="all")
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "IMG.jpg").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"flat holds 1 pictures but no labels"):
        plan_split(flat)
