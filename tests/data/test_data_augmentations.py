"""The registry: every augmentation keeps the promises, and wrong recipes are refused."""

import json
import pickle
import tomllib

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from course_utils.data.augmentation_registry import Sometimes
from course_utils.data.augmentations import (
    GALLERY,
    REGISTRY,
    build_augment,
    build_step,
    describe,
    full_spec,
    gallery,
)
from course_utils.data.datasets import PictureSet
from course_utils.data.flips import RandomFlip
from course_utils.data.loaders import Batches
from course_utils.data.randomness import uniforms
from course_utils.data.torchvision_steps import transform_names

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")  # of v2.JPEG

STRONG = {name: {"name": name, **list(GALLERY[name].values())[-1]} for name in REGISTRY}
OTHERS = [
    {"name": "v2.RandomPerspective", "p": 1.0},
    {"name": "v2.ElasticTransform", "alpha": 20.0},
    {"name": "v2.JPEG", "quality": [10, 30]},
    {"name": "gaussian_blur", "p": 0.5},
]
ALL = [*STRONG.values(), *OTHERS]
INDICES = np.array([3, 8, 0, 41, 17, 5])


def pictures(channels=3, dtype=torch.float32):
    return torch.rand(len(INDICES), channels, 24, 24, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry["name"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_type_and_range_are_kept_and_the_input_is_not_changed(entry, channels):
    augment = build_augment([entry], seed=2)
    for dtype in (torch.float32, torch.float64):
        images = pictures(channels, dtype)
        before = images.clone()
        changed = augment(images, epoch=1, indices=INDICES)
        assert changed.shape == images.shape and changed.dtype == dtype
        assert changed.min() >= -1e-6 and changed.max() <= 1 + 1e-6
        assert torch.equal(images, before)
        if not (channels == 1 and entry["name"] in ("saturation", "hue")):
            assert not torch.equal(changed, images)


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry["name"])
def test_a_picture_does_not_depend_on_its_batch_nor_on_what_was_drawn_before(entry):
    augment, images = build_augment([entry], seed=2), pictures()
    torch.manual_seed(0)
    together = augment(images, epoch=4, indices=INDICES)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))  # torch's generator is as it was
    for place, index in enumerate(INDICES):
        alone = augment(images[place : place + 1], epoch=4, indices=np.array([index]))
        torch.testing.assert_close(alone[0], together[place], atol=1e-6, rtol=0)
    assert torch.equal(augment(images, epoch=4, indices=INDICES), together)
    others = [augment(images, epoch=e, indices=INDICES) for e in range(5, 8)]
    if entry["name"] not in ("flip", "v2.RandomInvert"):  # shown with p=1
        assert any(not torch.equal(other, together) for other in others)


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry["name"])
def test_F24_every_step_can_be_sent_to_a_spawned_worker(entry):
    augment, images = build_augment([entry], seed=2), pictures()
    again = pickle.loads(pickle.dumps(augment))
    assert torch.equal(again(images, epoch=0, indices=INDICES), augment(images, epoch=0, indices=INDICES))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_F24_workers_change_nothing_with_every_augmentation_on(method):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 3, 24, 24), dtype=np.uint8)
    drawn = PictureSet(
        [None] * 10, np.zeros(10), list("abcdefghij"), class_names=("a",), size=(24, 24), decoded=pixels
    )
    options = {"batch_size": 4, "mean": [0.0] * 3, "std": [1.0] * 3, "augment": build_augment(ALL, seed=3)}
    alone = Batches(drawn, **options)
    several = Batches(
        drawn, **options, num_workers=2 if method == "fork" else 1, multiprocessing_context=method
    )
    for one, other in zip(alone.epoch(2), several.epoch(2), strict=True):
        assert torch.equal(one.images, other.images)


def test_torchvision_transforms_equal_a_seeded_call_per_picture():
    images = pictures()
    step = build_step({"name": "v2.RandomPerspective", "distortion_scale": 0.7, "p": 1.0})
    randoms = torch.tensor([[0.5, 0.25]] * len(images))
    seed = (2**23 << 24) + 2**22
    reference = v2.RandomPerspective(0.7, p=1.0)
    for image, got in zip(images, step(images, randoms), strict=True):
        torch.manual_seed(seed)
        torch.testing.assert_close(got, reference(image).clamp(0, 1))
    wide = build_step({"name": "rand_augment", "num_ops": 3, "magnitude": 12})(images, randoms)
    torch.manual_seed(seed)
    torch.testing.assert_close(wide[0], v2.RandAugment(3, 12)(images[0]).clamp(0, 1))
    trivial = build_step("trivial_augment")(images, randoms)
    torch.manual_seed(seed)
    torch.testing.assert_close(trivial[0], v2.TrivialAugmentWide()(images[0]).clamp(0, 1))


def test_p_is_the_share_of_changed_pictures():
    step = build_step({"name": "brightness", "strength": 0.5, "p": 0.3})
    assert isinstance(step, Sometimes)
    images = torch.full((2000, 1, 1, 1), 0.5)
    randoms = torch.from_numpy(uniforms(0, "p", 0, np.arange(2000), step.num_random)).float()
    share = (step(images, randoms) != images).float().mean()
    assert abs(float(share) - 0.3) < 0.04


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (["rotatoin"], "Did you mean 'rotation'"),
        ([{"name": "rotation", "degree": 3}], "Did you mean 'degrees'"),
        (
            [{"name": "rotation", "degrees": 400}],
            "degrees of rotation is 400; expected a number from 0 to 180",
        ),
        ([{"name": "rotation", "degrees": True}], "degrees of rotation"),
        ([{"name": "rotation", "degrees": float("nan")}], "degrees of rotation"),
        ([{"name": "rotation", "degrees": "15"}], "degrees of rotation"),
        ([{"name": "crop", "padding": 1.5}], "expected a whole number"),
        ([{"name": "scale", "scale": 1.2}], "expected two numbers"),
        ([{"name": "scale", "scale": [1.2, 0.8]}], "the lower number first"),
        ([{"name": "flip", "direction": "horisontal"}], "Did you mean 'horizontal'"),
        ([{"name": "cutout", "pixel_level": 1}], "expected true or false"),
        ([{"name": "rotation", "p": 2}], "p of rotation is 2"),
        ([{"name": "flip", "p": -0.1}], "p of flip"),
        ([{"name": "rand_augment", "magnitude": 31}], "less than num_magnitude_bins"),
        ([{"name": "v2.RandomPerspectiv"}], "Did you mean 'RandomPerspective'"),
        ([{"name": "v2.RandomPerspective", "distortion": 0.5}], "Did you mean 'distortion_scale'"),
        ([{"name": "v2.RandomPerspective", "distortion_scale": 7}], "refuses"),
        ([{"name": "v2.Normalize"}], "is no transform"),
        ([{"degrees": 3}], "expected the name"),
        ([3], "expected the name"),
        ("flip", "expected a list"),
        ({"name": "flip"}, "expected a list"),
    ],
)
def test_wrong_recipes_are_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        build_augment(spec)


def test_a_torchvision_transform_that_changes_the_size_is_refused():
    with pytest.raises(ValueError, match=r"v2\.Resize made a picture of"):
        build_step({"name": "v2.Resize", "size": [5, 5]})(pictures(), torch.zeros(6, 2))


def test_recipes_are_plain_data_and_come_back_the_same():
    written = """
    augment = ["flip", {name = "rotation", degrees = 20, p = 0.5}, {name = "scale", scale = [0.7, 1]},
               {name = "v2.RandomInvert", p = 0.5}]
    """
    spec = tomllib.loads(written)["augment"]
    full = json.loads(json.dumps(full_spec(spec)))
    assert full[0] == {"name": "flip", "p": 0.5, "direction": "horizontal"}
    assert full[1] == {"name": "rotation", "degrees": 20, "fill": "zeros", "p": 0.5}
    images = pictures()
    first, second = build_augment(spec, seed=1), build_augment(full, seed=1)
    assert torch.equal(first(images, epoch=0, indices=INDICES), second(images, epoch=0, indices=INDICES))
    assert build_augment(["flip"]).steps == [RandomFlip()]
    assert full_spec(full) == full


def test_every_augmentation_is_described_and_has_a_place_in_the_gallery():
    assert list(GALLERY) == list(REGISTRY)
    rows = {row["name"]: row for row in describe()}
    assert list(rows) == list(REGISTRY)
    assert all(row["description"] and row["label_effect"] for row in rows.values())
    assert rows["rotation"]["options"] == {"degrees": 15.0, "fill": "zeros"}


def test_transform_names_are_usable_ones():
    names = transform_names()
    assert {"RandomPerspective", "ElasticTransform", "ColorJitter", "AugMix"} <= set(names)
    assert not {"MixUp", "Normalize", "Compose", "ToTensor"} & set(names)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_gallery_changes_every_panel_and_strong_more_than_mild(kind):
    smooth = np.linspace(0, 1, 32)[:, None, None] * np.linspace(0.2, 1, 48)[None, :, None]
    image = smooth * np.array([1.0, 0.6, 0.3])
    image[8:20, 10:22] = [0.1, 0.8, 0.3]
    image = (image * 255).astype(kind) if kind == np.uint8 else image.astype(kind)
    before = image.copy()
    names = [name for name in REGISTRY if name != "quarter_turns"]  # for square pictures
    panels = gallery(image, seed=1)
    assert np.array_equal(image, before)
    assert len(panels) == sum(len(GALLERY[name]) for name in names)
    difference = {k: np.abs(p.astype(float) - image.astype(float)).mean() for k, p in panels.items()}
    assert all(p.shape == image.shape and p.dtype == kind for p in panels.values())
    assert all(difference[title] > 0 for title in panels)
    for name in names:
        if "strong" in GALLERY[name] and name != "rand_augment":
            assert difference[f"{name}, strong"] > difference[f"{name}, mild"], name
    again = gallery(image, ["rotation"], seed=1)
    assert list(again) == ["rotation, mild", "rotation, strong"]
    assert np.array_equal(again["rotation, strong"], panels["rotation, strong"])


def test_gallery_refuses_what_it_does_not_know():
    square = np.zeros((8, 8, 3), np.uint8)
    square[2:4, 1:7] = 255
    assert list(gallery(square, ["quarter_turns"])) == ["quarter_turns"]
    with pytest.raises(ValueError, match="Did you mean 'cutout'"):
        gallery(square, ["cutuot"])
    with pytest.raises(ValueError, match="height, width, channels"):
        gallery(square[..., 0])


def test_elastic_with_equal_knots_is_a_shift_and_with_unequal_ones_bends():
    images = pictures()
    step, equal = build_step({"name": "elastic", "strength": 0.1}), torch.full((len(INDICES), 50), 0.8)
    shifts = torch.tensor([[0.8 * 2 - 1] * 2]).expand(len(INDICES), 2)
    shift = build_step({"name": "translation", "translate": 0.1})
    expected = shift(images, (shifts + 1) / 2)
    torch.testing.assert_close(step(images, equal), expected, atol=1e-5, rtol=0)
    none = build_step({"name": "elastic", "strength": 0.0})
    torch.testing.assert_close(none(images, torch.rand(len(INDICES), 50)), images, atol=1e-5, rtol=0)
    ramp = torch.linspace(0, 1, 24).expand(1, 1, 24, 24).contiguous()  # values say which column was read
    knots = torch.full((1, 2, 5, 5), 0.5)
    knots[0, 0, 2, 2] = 1.0  # only the middle of the picture moves, by a tenth of its width
    moved = (step(ramp, knots.reshape(1, 50)) - ramp)[0, 0]
    assert abs(float(moved[11:13, 11:13].mean()) - 0.1) < 0.01
    assert float(moved[:, 0].abs().max()) < 0.02 and float(moved[0].abs().max()) < 0.02
