"""Mixup and CutMix: labels follow the pixels, alpha reaches its operation, nothing else is disturbed."""

import multiprocessing
import pickle

import numpy as np
import pytest
import torch
from scipy import stats
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy

from course_utils import runtime
from course_utils.data.datasets import UNLABELLED, PictureSet
from course_utils.data.loaders import Batches
from course_utils.data.mixing import Mixing, numpy_seeded, smoothed_one_hot
from course_utils.data.transforms import normalise

NUM_CLASSES = 5
WAYS = [
    *({"library": "timm", "mode": mode} for mode in ("batch", "pair", "elem")),
    {"library": "torchvision"},
]


def batch(size, side=16):
    """Give pictures of one value each, which is told apart from any mixture of others, and their targets."""
    values = torch.rand(size, generator=torch.Generator().manual_seed(0))
    return values[:, None, None, None].expand(size, 3, side, side).clone(), torch.arange(size) % NUM_CLASSES


def mixing(**options):
    return Mixing(num_classes=NUM_CLASSES, **options)


def partner(place, size, library):
    """Give the picture that the one at `place` is mixed with."""
    return size - 1 - place if library == "timm" else (place - 1) % size


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_rows_sum_to_one_and_the_input_stays(way, size):
    images, targets = batch(size)
    before = images.clone(), targets.clone()
    for step in range(6):
        mixed, soft = mixing(**way)(images, targets, epoch=0, step=step)
        assert mixed.shape == images.shape and mixed.dtype == images.dtype
        assert soft.shape == (size, NUM_CLASSES) and soft.dtype == torch.float32
        torch.testing.assert_close(soft.sum(dim=1), torch.ones(size))
        assert (soft > 0).all()
        mixed += 1  # nor is the result a view of the input
        assert torch.equal(images, before[0]) and torch.equal(targets, before[1])


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("operation", ["mixup", "cutmix"])
def test_labels_hold_the_share_of_the_pixels(way, operation):
    images, _ = batch(8)
    targets = torch.arange(8)  # a class each, so that the share can be read off the label
    mix = Mixing(
        num_classes=8,
        **{"mixup_alpha": 0.0, "cutmix_alpha": 0.0, f"{operation}_alpha": 1.0},
        label_smoothing=0.0,
        **way,
    )
    moved = 0
    for step in range(10):
        mixed, soft = mix(images, targets, epoch=1, step=step)
        for place in range(8):
            other = partner(place, 8, way["library"])
            share = float(soft[place, place])
            assert abs(float(soft[place, other]) - (1 - share)) < 1e-5
            expected = share * images[place, 0, 0, 0] + (1 - share) * images[other, 0, 0, 0]
            assert abs(float(mixed[place].mean() - expected)) < 1e-5
            if operation == "cutmix":
                parts = {round(float(images[place, 0, 0, 0]), 5), round(float(images[other, 0, 0, 0]), 5)}
                assert {round(v, 5) for v in mixed[place].unique().tolist()} <= parts
            else:
                torch.testing.assert_close(mixed[place], expected.expand(3, 16, 16), atol=1e-5, rtol=0)
            moved += share < 0.99
    assert moved > 40


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_smoothing_is_spread_over_all_classes(way):
    images, targets = batch(4)
    _, soft = mixing(label_smoothing=0.2, prob=0.0, **way)(images, targets, epoch=0, step=0)
    expected = torch.nn.functional.one_hot(targets, NUM_CLASSES) * 0.8 + 0.2 / NUM_CLASSES
    torch.testing.assert_close(soft, expected)


@pytest.mark.parametrize("mode", ["batch", "pair", "elem"])
def test_an_odd_batch_keeps_its_last_picture(mode):
    images, targets = batch(7)
    with pytest.raises(AssertionError, match="even"):
        Mixup(num_classes=NUM_CLASSES, mode=mode)(images.clone(), targets)
    mix = mixing(mode=mode, label_smoothing=0.1)
    mixed, soft = mix(images, targets, epoch=0, step=3)
    assert torch.equal(mixed[6], images[6])
    torch.testing.assert_close(soft[6:], smoothed_one_hot(targets[6:], NUM_CLASSES, 0.1))
    even, soft_even = mix(images[:6], targets[:6], epoch=0, step=3)
    assert torch.equal(mixed[:6], even) and torch.equal(soft[:6], soft_even)
    assert not torch.equal(even, images[:6])


@pytest.mark.parametrize("mode", ["batch", "pair", "elem"])
def test_equals_timm_with_the_same_seed(mode):
    images, targets = batch(8)
    images = images * torch.rand(images.shape)
    reference = Mixup(0.8, 1.0, prob=0.9, switch_prob=0.4, mode=mode, num_classes=NUM_CLASSES)
    seed = runtime.derive_seed(11, "mix", 2, 5)
    with numpy_seeded(seed):
        expected = reference(images.clone(), targets)
    options = {"prob": 0.9, "switch_prob": 0.4, "mode": mode, "seed": 11}
    got = mixing(**options)(images, targets, epoch=2, step=5)
    assert torch.equal(got[0], expected[0]) and torch.equal(got[1], expected[1])


def shares(mix, count):
    """Give lambda, the share the first picture keeps, over `count` steps."""
    images, targets = torch.zeros(2, 1, 64, 64), torch.tensor([0, 1])
    return np.array([float(mix(images, targets, epoch=0, step=s)[1][0, 0]) for s in range(count)])


@pytest.mark.parametrize("library", ["timm", "torchvision"])
@pytest.mark.parametrize("alpha", [0.3, 2.0])
def test_mixup_alpha_shapes_lambda_of_mixup(library, alpha):
    options = {"label_smoothing": 0.0, "library": library, "switch_prob": 0.0}
    drawn = shares(mixing(mixup_alpha=alpha, cutmix_alpha=50.0, **options), 400)
    assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_each_alpha_reaches_the_operation_it_is_named_after(library):
    options = {"label_smoothing": 0.0, "library": library}
    always_mixup, always_cutmix = {"switch_prob": 0.0}, {"switch_prob": 1.0}
    half, extreme = 1000.0, 0.01  # lambda near 0.5; lambda near 0 or 1

    mixup_half = shares(mixing(mixup_alpha=half, cutmix_alpha=extreme, **always_mixup, **options), 60)
    assert np.abs(mixup_half - 0.5).max() < 0.1
    mixup_extreme = shares(mixing(mixup_alpha=extreme, cutmix_alpha=half, **always_mixup, **options), 60)
    assert (np.abs(mixup_extreme - 0.5) > 0.45).mean() > 0.85

    cutmix_half = shares(mixing(mixup_alpha=extreme, cutmix_alpha=half, **always_cutmix, **options), 60)
    assert cutmix_half.min() > 0.4 and cutmix_half.max() < 0.9  # cut at the border, a box is smaller
    cutmix_extreme = shares(mixing(mixup_alpha=half, cutmix_alpha=extreme, **always_cutmix, **options), 60)
    assert ((cutmix_extreme < 0.05) | (cutmix_extreme > 0.9)).sum() > (cutmix_half > 0.9).sum() + 20


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_prob_and_switch_prob_are_frequencies(library):
    images, targets = batch(2)
    mix = mixing(prob=0.6, switch_prob=0.3, cutmix_alpha=200.0, mixup_alpha=200.0, library=library)
    kinds = []
    for step in range(400):
        mixed, _ = mix(images, targets, epoch=0, step=step)
        num_values = len(mixed[0].unique())
        kinds.append("none" if torch.equal(mixed, images) else "cutmix" if num_values > 1 else "mixup")
    for kind, share in (("none", 0.4), ("cutmix", 0.18), ("mixup", 0.42)):
        assert abs(kinds.count(kind) / 400 - share) < 0.09, kind


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_step_depends_on_its_seed_alone_and_disturbs_no_generator(way):
    images, targets = batch(6)
    mix = mixing(seed=4, **way)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    expected_numpy, expected_torch = np.random.rand(3), torch.rand(3)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    first = mix(images, targets, epoch=2, step=9)
    assert np.array_equal(np.random.rand(3), expected_numpy)  # noqa: NPY002
    assert torch.equal(torch.rand(3), expected_torch)
    again = pickle.loads(pickle.dumps(mix))(images, targets, epoch=2, step=9)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    others = [
        mix(images, targets, epoch=3, step=9),
        mix(images, targets, epoch=2, step=8),
        mix(images, targets, epoch=2, step=9, rank=1),
        mixing(seed=5, **way)(images, targets, epoch=2, step=9),
    ]
    assert all(not torch.equal(first[1], other[1]) for other in others)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_mixing_before_or_after_normalisation_is_the_same(way):
    images, targets = torch.rand(6, 3, 16, 16), torch.arange(6) % NUM_CLASSES
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.1]
    for step in range(4):
        mix = mixing(switch_prob=0.5, **way)
        after, _ = mix(normalise(images, mean, std), targets, epoch=0, step=step)
        before, _ = mix(images, targets, epoch=0, step=step)
        torch.testing.assert_close(after, normalise(before, mean, std), atol=1e-4, rtol=0)


def test_soft_targets_go_with_the_losses():
    images, targets = batch(6)
    _, soft = mixing()(images, targets, epoch=0, step=0)
    logits = torch.randn(6, NUM_CLASSES)
    torch.testing.assert_close(
        SoftTargetCrossEntropy()(logits, soft), torch.nn.CrossEntropyLoss()(logits, soft)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "pairs"}, "Did you mean 'pair'"),
        ({"library": "tim"}, "Did you mean 'timm'"),
        ({"mixup_alpha": -1.0}, "mixup_alpha is -1.0"),
        ({"cutmix_alpha": 1e-5}, "cutmix_alpha"),
        ({"prob": 1.2}, "prob is 1.2"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"mixup_alpha": 0.0, "cutmix_alpha": 0.0}, "both 0"),
        ({"mixup_alpha": float("nan")}, "mixup_alpha"),
        ({"library": "torchvision", "mode": "elem"}, "whole batches only"),
        ({"num_classes": 1}, "num_classes is 1"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Mixing(**{"num_classes": NUM_CLASSES, **options})


def test_targets_that_are_no_classes_are_refused():
    images, targets = batch(4)
    mix = mixing()
    for wrong, message in (
        (targets - 1, "reach from -1"),
        (targets + 3, "reach from 3 to 6"),
        (mix(images, targets, epoch=0, step=0)[1], "mixed already"),
        (targets[:3], "4 images"),
    ):
        with pytest.raises(ValueError, match=message):
            mix(images, wrong, epoch=0, step=0)


def drawn_set(num_images, target=None):
    pixels = np.random.default_rng(0).integers(0, 256, (num_images, 1, 8, 8), dtype=np.uint8)
    targets = np.arange(num_images) % 3 if target is None else np.full(num_images, target)
    return PictureSet(
        [None] * num_images,
        targets,
        [str(i) for i in range(num_images)],
        class_names=("a", "b", "c"),
        size=(8, 8),
        mode="L",
        decoded=pixels,
    )


def mixed_batches(num_images, batch_size, **options):
    return Batches(
        drawn_set(num_images),
        batch_size=batch_size,
        mean=[0.5],
        std=[0.2],
        mix=Mixing(num_classes=3),
        **options,
    )


@pytest.mark.parametrize("num_images", range(1, 18))
def test_no_picture_is_lost_at_any_size(num_images):
    batches = mixed_batches(num_images, 8, shuffle=True)
    seen = []
    for images, targets, indices in batches.epoch(1):
        assert targets.shape == (len(images), 3) and len(indices) == len(images)
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(len(images)))
        seen.extend(indices.tolist())
    assert sorted(seen) == list(range(num_images))


def test_workers_and_repeated_epochs_change_nothing():
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    alone = mixed_batches(23, 5, shuffle=True, seed=2)
    several = mixed_batches(23, 5, shuffle=True, seed=2, num_workers=2, multiprocessing_context="fork")
    for epoch in (1, 0, 1):
        for one, other in zip(alone.epoch(epoch), several.epoch(epoch), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_rank_mixes_its_own_share():
    ranks = [mixed_batches(20, 10, rank=rank, world_size=2)[0, 0] for rank in range(2)]
    plain = Batches(drawn_set(20), batch_size=10, mean=[0.5], std=[0.2])[0, 0]
    for rank, got in enumerate(ranks):
        share = plain.images[rank * 5 : rank * 5 + 5], plain.targets[rank * 5 : rank * 5 + 5]
        expected = Mixing(num_classes=3)(*share, epoch=0, step=0, rank=rank)
        assert torch.equal(got.images, expected[0]) and torch.equal(got.targets, expected[1])


def test_batches_refuse_mixing_that_does_not_fit():
    options = {"batch_size": 4, "mean": [0.5], "std": [0.2]}
    with pytest.raises(ValueError, match="4 classes; these have 3"):
        Batches(drawn_set(8), **options, mix=Mixing(num_classes=4))
    with pytest.raises(ValueError, match="no labels"):
        Batches(drawn_set(8, UNLABELLED), **options, mix=Mixing(num_classes=3))
