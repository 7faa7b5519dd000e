"""The drawn folder of notebook 17: every problem that it says was planted is there, and no other."""

from hashlib import sha256

import pytest
from PIL import Image

from course_utils.data.audit import audit
from course_utils.data.images import list_images
from course_utils.data.layouts import read_layout
from course_utils.data.samples import own_pictures
from course_utils.evaluation.submission import from_sample


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    return folder, own_pictures.write(folder, num_images=60)


def digests(folder):
    pictures = (path for path in folder.rglob("*.*g") if path.name != "IMG_9002.jpg")  # the web page
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in pictures}


def test_the_folder_reads_as_four_classes(drawn):
    folder, _ = drawn
    layout = read_layout(folder / "labelled")
    assert layout.class_names == own_pictures.CLASS_NAMES
    assert any(".heic 1" in remark for remark in layout.remarks)
    assert min(layout.counts["all"].values()) >= 9


def test_the_audit_finds_what_was_planted(drawn):
    folder, planted = drawn
    report = audit(folder / "labelled", num_workers=1)
    of_kind = {
        kind: {one.path for one in planted if one.kind == kind} for kind in ("broken", "copy", "two labels")
    }
    assert {one.path for one in report.damaged} == of_kind["broken"]
    clashing = [group for group in report.copies if group.conflicts]
    assert len(clashing) == 1 and of_kind["two labels"] < set(clashing[0].paths)
    equal = [set(group.paths) for group in report.copies if group.kind == "bytes" and not group.conflicts]
    assert len(equal) == 1 and of_kind["copy"] < equal[0]
    assert {"RGB", "L", "CMYK", "RGBA", "P"} <= set(report.modes)


def test_modes_are_those_that_the_list_names(drawn):
    folder, planted = drawn
    changed = [one for one in planted if one.kind == "mode"]
    assert len(changed) == 4
    for one in changed:
        with Image.open(folder / "labelled" / one.path) as picture:
            assert one.detail == f"stored as {picture.mode}"


def test_new_pictures_have_answers_and_a_sample(drawn):
    folder, _ = drawn
    answers = own_pictures.new_labels()
    assert [path.name for path in list_images(folder / "new")] == list(answers)
    assert set(answers.values()) == {*own_pictures.CLASS_NAMES, ""}
    form = from_sample(folder / "sample_submission.csv", class_names=own_pictures.CLASS_NAMES)
    assert form.ids == tuple(name.removesuffix(".jpg") for name in answers)


def test_a_seed_fixes_every_picture_and_another_changes_them(drawn, tmp_path):
    folder, _ = drawn
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        own_pictures.write(tmp_path / str(seed), seed=seed, num_images=60)
    assert digests(tmp_path / "0") == digests(folder)
    assert set(digests(tmp_path / "1").values()).isdisjoint(digests(folder).values())


def test_too_few_pictures_are_refused(tmp_path):
    with pytest.raises(ValueError, match="needs 40 or more"):
        own_pictures.write(tmp_path, num_images=20)
