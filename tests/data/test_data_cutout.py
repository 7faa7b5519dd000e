"""The four defects of torchtoolbox's Cutout are real there and absent in ours."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data.augmentations import build_augment
from course_utils.data.cutout import Cutout, torchtoolbox_cutout
from course_utils.data.randomness import uniforms


@pytest.fixture(scope="module")
def library():
    """Give the adapter where the library is there. The library needs OpenCV, which is large."""
    pytest.importorskip("torchtoolbox")
    return torchtoolbox_cutout


def draws(count, step=None, seed=0):
    number = (step or Cutout()).num_random
    return torch.from_numpy(uniforms(seed, "cutout", 0, np.arange(count), number)).float()


def test_importing_the_library_leaves_numpy_as_it_was(library):
    library()
    assert not hasattr(np, "int")


def test_a_missing_library_is_a_clear_error(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torchtoolbox", None)
    monkeypatch.delitem(sys.modules, "torchtoolbox.transform", raising=False)
    with pytest.raises(ImportError, match="pip install torchtoolbox"):
        torchtoolbox_cutout()
    assert not hasattr(np, "int")


def test_defect_1_the_input_is_changed_even_with_inplace_false(library):
    picture = Image.new("RGB", (32, 32), "white")
    library(p=1.0, value=(0, 10), inplace=False)(picture)
    assert np.asarray(picture).min() < 255  # the library painted into the caller's picture
    images = torch.ones(4, 3, 32, 32)
    painted = Cutout(p=1.0, value=(0, 10))(images, draws(4))
    assert (images == 1).all() and (painted < 1).flatten(1).any(dim=1).all()
    Cutout(p=1.0, value=(0, 10), inplace=True)(images, draws(4))
    assert torch.equal(images, painted)


def test_defect_2_one_number_on_rgb_paints_red(library):
    picture = Image.new("RGB", (32, 32), "black")
    result = np.asarray(library(p=1.0, value=(200, 200))(picture))
    assert result[..., 0].max() == 200 and result[..., 1:].max() == 0
    painted = Cutout(p=1.0, value=(200, 200))(torch.zeros(1, 3, 32, 32), draws(1))[0]
    assert torch.equal(painted[0], painted[1]) and torch.equal(painted[0], painted[2])
    assert painted.max() == np.float32(200 / 255)


def test_defect_3_pictures_that_are_not_square_fail(library):
    cutout = library(p=1.0, scale=(0.4, 0.4), ratio=(2.5, 2.5))
    with pytest.raises(ValueError, match="empty range"):
        cutout(np.full((20, 90, 3), 255, np.uint8))  # wide, as an array
    with pytest.raises(ValueError, match="empty range"):
        cutout(Image.new("RGB", (20, 90), "white"))  # tall, from Pillow: the library swaps the sides
    ours = Cutout(p=1.0, scale=(0.4, 0.4), ratio=(2.5, 2.5), value=(0, 0))
    for height, width in ((20, 90), (90, 20), (1, 7)):
        painted = ours(torch.ones(8, 3, height, width), draws(8))
        share = (painted == 0).float().mean(dim=(1, 2, 3))
        assert (share <= 0.4 + 1e-6).all()
        if height > 1:
            assert (share > 0.33).all()  # the area asked for, less what rounding to pixels costs


def test_defect_4_seeding_torch_has_no_effect(library):
    picture = np.full((64, 64, 3), 255, dtype=np.uint8)
    cutout = library(p=1.0)
    state = random.getstate()
    try:
        random.seed(0)
        results = []
        for _ in range(4):
            torch.manual_seed(7)
            results.append(cutout(picture))
        assert any(not np.array_equal(results[0], other) for other in results[1:])
    finally:
        random.setstate(state)
    augment = build_augment([{"name": "cutout", "p": 1.0}], seed=7)
    images, indices = torch.ones(4, 3, 16, 16), np.arange(4)
    first = augment(images, epoch=0, indices=indices)
    random.seed(99)
    assert torch.equal(augment(images, epoch=0, indices=indices), first)
    assert not torch.equal(build_augment(["cutout"], seed=8)(images, epoch=0, indices=indices), first)


def test_the_arguments_are_those_of_the_library(library):
    cutout = library(p=0.3, scale=(0.1, 0.2), ratio=(0.5, 2.0), value=(3, 9), pixel_level=True, inplace=True)
    given = {"p": 0.3, "scale": (0.1, 0.2), "ratio": (0.5, 2.0), "value": (3, 9), "pixel_level": True}
    ours = Cutout(**given, inplace=True)
    for name in (*given, "inplace"):
        assert getattr(cutout, name) == getattr(ours, name)
    defaults, own = library(), Cutout()
    assert all(getattr(defaults, name) == getattr(own, name) for name in (*given, "inplace"))


def test_areas_and_values_are_distributed_as_in_the_library(library):
    state = random.getstate()
    random.seed(3)
    theirs = [
        np.asarray(library(p=1.0, value=(100, 101))(Image.new("L", (64, 64), 0))) > 0 for _ in range(600)
    ]
    random.setstate(state)
    step = Cutout(p=1.0, value=(100, 101))
    painted = step(torch.zeros(600, 1, 64, 64), draws(600))
    ours = (painted > 0)[:, 0].numpy()
    from scipy import stats

    for reduce in (lambda m: m.mean(axis=(1, 2)), lambda m: m.any(axis=2).sum(axis=1)):
        assert stats.ks_2samp(reduce(np.stack(theirs)), reduce(ours)).pvalue > 1e-3
    assert set((painted * 255).round().int().unique().tolist()) == {0, 100, 101}


def test_the_box_is_one_value_or_all_different_and_p_is_kept():
    flat = Cutout(p=1.0, scale=(0.2, 0.2), value=(10, 20))(torch.ones(3, 3, 30, 30), draws(3))
    for image in flat:
        assert len(image[image < 1].unique()) == 1
    noisy = Cutout(p=1.0, scale=(0.2, 0.2), value=(10, 20), pixel_level=True)(
        torch.ones(3, 3, 30, 30), draws(3)
    )
    levels = (noisy[noisy < 1] * 255).round().int().unique().tolist()
    assert levels == list(range(10, 21))
    changed = (Cutout(p=0.3)(torch.full((2000, 1, 8, 8), 2.0), draws(2000)) != 2).flatten(1).any(dim=1)
    assert 0.2 < float(changed.float().mean()) <= 0.34  # a few boxes are smaller than a pixel
