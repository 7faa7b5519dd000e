"""The audit: planted faults are found, clean sets are left in peace, the JSON keeps its keys."""

import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import files
from course_utils.data import confounds
from course_utils.data.audit import audit
from course_utils.data.confounds import NUM_FOLDS, find_confounds
from course_utils.data.manifest import Manifest, Row
from course_utils.data.picture_facts import picture_facts
from course_utils.plots.audit_page import audit_page


@pytest.fixture
def few_shuffles(monkeypatch):
    """For tests of other things than confounds: the baseline takes most of the time."""
    monkeypatch.setattr(confounds, "NUM_SHUFFLES", 1)


def picture(generator: np.random.Generator, side: int = 48, colour: float | None = None) -> Image.Image:
    """Colour fields of their own; `colour` fixes the mean brightness."""
    coarse = generator.integers(0, 256, (5, 5, 3)).astype(float)
    if colour is not None:
        coarse += colour - coarse.mean(axis=(0, 1))
    image = Image.fromarray(coarse.clip(0, 255).astype(np.uint8))
    return image.resize((side, side), Image.Resampling.BICUBIC)


def draw(folder: Path, sides: dict[str, int], *, count: int = 12, seed: int = 0, ending: str = "png") -> Path:
    generator = np.random.default_rng(seed)
    for name, side in sides.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture(generator, side).save(folder / name / f"{number}.{ending}")
    return folder


def texts(report, level: str) -> str:
    return "\n".join(f"{one.topic}: {one.text}" for one in report.findings if one.level == level)


def test_the_size_leak_of_the_satellite_set(tmp_path):
    """Two classes of 256 x 256, two of 64 x 64: size tells pairs of classes, which is half the problem."""
    sides = {"cloudy": 256, "desert": 256, "green_area": 64, "water": 64}
    report = audit(draw(tmp_path / "satellite", sides), near=False)
    size = next(one for one in report.confounds if one.name == "size")
    assert size.balanced_accuracy == pytest.approx(0.5, abs=0.05)
    assert size.chance == 0.25
    assert size.is_real
    assert size.told_apart == (("cloudy", "desert"), ("green_area", "water"))
    warnings = texts(report, "warning")
    assert re.search(
        r"confounds: size alone predicts the class: balanced accuracy 0\.\d\d against 0\.25 by chance",
        warnings,
    )
    assert "cloudy, desert | green_area, water" in warnings
    assert "leak suspect" in warnings
    assert "mean colour" not in warnings


def test_a_set_without_a_leak_is_left_in_peace(tmp_path):
    report = audit(draw(tmp_path / "set", {"a": 48, "b": 48, "c": 48}))
    assert not any(one.is_real for one in report.confounds)
    assert texts(report, "error") == texts(report, "warning") == ""
    fine = texts(report, "fine")
    assert "all 36 pictures can be read" in fine
    assert "none of these alone predicts the class" in fine
    assert "all pictures are 48 x 48 pixels" in fine
    assert "12 pictures of every class" in fine


def test_random_properties_raise_no_alarm():
    """8 sets of noise, two to eight classes: no property is called real."""
    generator = np.random.default_rng(1)
    for seed in range(8):
        labels = [f"class {code}" for code in generator.integers(0, 2 + seed % 7, 150)]
        noise = {"size": generator.normal(size=(150, 2))}
        assert not any(one.is_real for one in find_confounds(noise, labels, seed=seed))


def test_scores_of_a_property_that_tells_all_half_or_nothing():
    labels = [name for name in "abcd" for _ in range(50)]
    number = np.repeat(np.arange(4), 50)
    found = {
        one.name: one
        for one in find_confounds({"all": number, "half": number // 2, "nothing": np.zeros(200)}, labels)
    }
    assert found["all"].balanced_accuracy == found["all"].accuracy == found["all"].skill == 1.0
    assert found["all"].told_apart == (("a",), ("b",), ("c",), ("d",))
    assert found["half"].balanced_accuracy == 0.5
    assert found["nothing"].balanced_accuracy == found["nothing"].chance == found["nothing"].majority == 0.25
    assert found["nothing"].skill == 0.0
    assert found["nothing"].told_apart == ()


def test_the_majority_does_not_pass_for_a_prediction():
    """95 of 100 pictures in one class: accuracy 0.95 means nothing, balanced accuracy says so."""
    generator = np.random.default_rng(0)
    labels = ["common"] * 190 + ["rare"] * 10
    (one,) = find_confounds({"size": generator.normal(size=200)}, labels)
    assert one.majority == 0.95
    assert not one.is_real


def test_large_sets_and_small_classes():
    generator = np.random.default_rng(0)
    labels = ["a"] * 6000 + ["b"] * 3000 + ["few"] * NUM_FOLDS + ["fewer"] * (NUM_FOLDS - 1)
    values = np.array([{"a": 0, "b": 5, "few": 9, "fewer": 99}[label] for label in labels], dtype=float)
    (one,) = find_confounds({"size": values + generator.normal(scale=0.1, size=len(values))}, labels)
    assert {name for group in one.told_apart for name in group} == {"a", "b", "few"}
    assert find_confounds({"size": values}, ["a"] * len(values)) == []


def test_colour_is_worth_a_look_and_encoding_is_a_leak(tmp_path):
    generator = np.random.default_rng(0)
    for name, colour, quality in (("dark", 70, 90), ("bright", 190, 50)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(20):
            path = tmp_path / "set" / name / f"{number}.jpg"
            picture(generator, colour=colour).save(path, quality=quality)
    report = audit(tmp_path / "set", near=False)
    assert "mean colour alone predicts the class: balanced accuracy 1.00 against 0.50" in texts(
        report, "look"
    )
    assert "encoding alone predicts the class: balanced accuracy 1.00 against 0.50" in texts(
        report, "warning"
    )


def test_damaged_files_are_counted_with_path_and_reason(tmp_path, few_shuffles):
    source = draw(tmp_path / "set", {"a": 48, "b": 48})
    (source / "a/0.png").write_bytes((source / "a/0.png").read_bytes()[:200])
    (source / "b/3.png").write_bytes(b"<!DOCTYPE html><html>not found</html>")
    report = audit(source)
    assert [one.path for one in report.damaged] == ["a/0.png", "b/3.png"]
    assert "web page" in report.damaged[1].reason
    assert "2 of 24 files cannot be read; the first is a/0.png" in texts(report, "error")


def test_copies_within_and_across_parts_and_label_conflicts(tmp_path, few_shuffles):
    train = draw(tmp_path / "set/train", {"a": 48, "b": 48}, seed=1)
    val = draw(tmp_path / "set/val", {"a": 48, "b": 48}, seed=2)
    (val / "a/leak.png").write_bytes((train / "a/1.png").read_bytes())
    Image.open(train / "a/2.png").save(train / "b/conflict.bmp")
    Image.open(train / "b/3.png").resize((40, 40)).save(train / "b/smaller.jpg")
    report = audit(tmp_path / "set")
    by_kind = {one.kind: one for one in report.copies}
    assert len(report.copies) == 3
    assert by_kind["bytes"].paths == ("train/a/1.png", "val/a/leak.png")
    assert by_kind["bytes"].crosses_splits
    assert not by_kind["bytes"].conflicts
    assert by_kind["pixels"].labels == ("a", "b")
    assert by_kind["pixels"].conflicts
    assert by_kind["near"].paths == ("train/b/3.png", "train/b/smaller.jpg")
    errors = texts(report, "error")
    assert (
        "1 groups of pictures that are the same lie in more than one part; the closest: train/a/1.png"
        in errors
    )
    assert "1 groups of pictures that are the same have different labels" in errors


def test_class_lists_are_compared_between_parts(tmp_path, few_shuffles):
    """F7: val lacks a class and has one that is never learnt."""
    draw(tmp_path / "set/train", {"a": 48, "b": 48, "c": 48}, seed=1)
    draw(tmp_path / "set/val", {"a": 48, "b": 48, "other": 48}, seed=2, count=5)
    (tmp_path / "set/train/empty").mkdir()
    report = audit(tmp_path / "set", near=False)
    errors = texts(report, "error")
    assert "no pictures in train of the classes empty, other" in errors
    assert "to be recognised but never learnt: other" in errors
    assert "no pictures in val of the classes c, empty" in texts(report, "warning")


def test_a_manifest_is_audited_like_its_tree(tmp_path, few_shuffles):
    source = draw(tmp_path / "source", {"a": 48, "b": 48})
    (source / "b/again.png").write_bytes((source / "b/0.png").read_bytes())
    rows = [
        Row(
            path.relative_to(source).as_posix(),
            path.parent.name,
            "val" if path.stem in ("0", "1") else "train",
        )
        for path in sorted(source.rglob("*.png"))
    ]
    Manifest(tuple(rows)).write(tmp_path / "split.csv")
    report = audit(tmp_path / "split.csv", root=source)
    assert report.counts == {"train": {"a": 10, "b": 11}, "val": {"a": 2, "b": 2}}
    assert "b/0.png and b/again.png" in texts(report, "error")
    with pytest.raises(ValueError, match="pass root"):
        audit(tmp_path / "split.csv")
    (source / "a/5.png").unlink()
    with pytest.raises(ValueError, match=r"a/5\.png is missing"):
        audit(tmp_path / "split.csv", root=source)


def test_imbalance_sizes_and_modes_are_told(tmp_path, few_shuffles):
    source = draw(tmp_path / "set", {"many": 48}, count=60)
    draw(source, {"few": 32}, count=5, seed=3)
    Image.open(source / "few/0.png").convert("L").save(source / "few/0.png")
    report = audit(source, near=False)
    assert "from 5 pictures (few) to 60 (many) a class: 12.0 to 1" in texts(report, "warning")
    look = texts(report, "look")
    assert "2 sizes, 32 to 48 pixels wide and 32 to 48 high" in look
    assert "2 modes: RGB 64, L 1" in look
    assert report.size_ranges["few"].max_width == 32


def test_unlabelled_pictures_take_part_in_all_but_confounds(tmp_path, few_shuffles):
    source = draw(tmp_path / "set/train", {"a": 48, "b": 48}).parent
    (source / "test").mkdir()
    (source / "test/0001.png").write_bytes((source / "train/a/0.png").read_bytes())
    report = audit(source)
    assert report.counts["test"] == {"": 1}
    assert report.num_pictures == 25
    assert "lie in more than one part" in texts(report, "error")


KEYS = {
    "": "format name num_pictures class_names counts num_sizes sizes size_range size_ranges modes formats "
    "num_bytes damaged copies confounds remarks findings",
    "copies": "kind paths splits labels distance crosses_splits conflicts",
    "confounds": "name accuracy majority balanced_accuracy chance shuffled shuffled_sd shuffled_max skill "
    "told_apart is_real",
    "damaged": "path reason",
    "findings": "level topic text",
}


def test_the_json_keeps_its_keys(tmp_path, few_shuffles):
    """Whoever changes a key here raises `audit_report.FORMAT` too."""
    source = draw(tmp_path / "set", {"a": 48, "b": 32})
    (source / "a/0.png").write_bytes(b"")
    (source / "b/again.png").write_bytes((source / "b/0.png").read_bytes())
    report = audit(source)
    stored = json.loads(files.to_json(report.as_dict()))
    assert stored["format"] == 1
    assert " ".join(stored) == KEYS.pop("")
    for part, keys in KEYS.items():
        assert " ".join(stored[part][0]) == keys
    assert set(stored["size_range"]) == {
        f"{a}_{b}" for a in ("min", "median", "max") for b in ("width", "height")
    }
    again = json.loads(files.to_json(audit(source, num_workers=1).as_dict()))
    assert again == stored  # whatever the number of workers


def test_what_is_kept_of_a_picture_does_not_grow_with_it(tmp_path):
    sizes = []
    for side in (50, 1500):
        picture(np.random.default_rng(0), side).save(tmp_path / f"{side}.png")
        sizes.append(len(pickle.dumps(picture_facts(tmp_path / f"{side}.png"))))
    assert sizes[1] < sizes[0] + 20 < 4000


class _Page(HTMLParser):
    """Collects tags with their attributes, and the text outside of styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_stands_alone_and_describes_its_figures(tmp_path, few_shuffles):
    source = draw(tmp_path / "set", {"<b>bold</b>".replace("/", ""): 48, "荠菜 & co": 32})
    (source / "荠菜 & co/again.png").write_bytes((source / "荠菜 & co/0.png").read_bytes())
    report = audit(source)
    text = audit_page(report, root=source)
    page = _Page(text)
    assert page.open == []
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 4  # balance, confounds, copies, sizes
    assert all(one["src"].startswith("data:image/") and len(one["alt"]) > 20 for one in pictures)
    assert not any(tag in ("script", "iframe") for tag, _ in page.tags)
    assert all(one["href"].startswith("data:") for tag, one in page.tags if tag == "link")
    assert "http" not in re.sub(r"base64,[^\"]+", "", text)
    assert "color-scheme: light dark" in text
    for finding in report.findings:
        assert finding.text in page.text
    assert ("html", {"lang": "en"}) in page.tags
    assert "<b>" not in text
    without = audit_page(report)
    assert without.count("<img") == 3


def test_nothing_to_audit_is_an_error(tmp_path):
    (tmp_path / "set/a").mkdir(parents=True)
    with pytest.raises(ValueError, match="no pictures"):
        audit(tmp_path / "set")
    (tmp_path / "set/a/1.png").write_bytes(b"")
    with pytest.raises(ValueError, match="none of the 1 pictures can be read; the first is empty"):
        audit(tmp_path / "set")
