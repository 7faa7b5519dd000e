"""Batches: every picture once, the same whatever the workers and ranks."""

import multiprocessing
import pickle

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from course_utils.data.datasets import UNLABELLED, PictureSet, labelled, unlabelled
from course_utils.data.layouts import Record
from course_utils.data.loaders import Batches
from course_utils.data.randomness import permutation, uniforms
from course_utils.data.transforms import Augment, RandomAffine, RandomFlip, normalise


def drawn_set(num_images: int, *, channels: int = 1, side: int = 8) -> PictureSet:
    pixels = np.random.default_rng(0).integers(0, 256, (num_images, channels, side, side), dtype=np.uint8)
    return PictureSet(
        [None] * num_images,
        np.arange(num_images) % 3,
        [f"{i:04d}" for i in range(num_images)],
        class_names=("a", "b", "c"),
        size=(side, side),
        mode="L" if channels == 1 else "RGB",
        decoded=pixels,
    )


def drawn_batches(num_images: int, batch_size: int, **options) -> Batches:
    return Batches(drawn_set(num_images), batch_size=batch_size, mean=[0.5], std=[0.25], **options)


def test_uniforms_do_not_depend_on_who_else_is_asked_for():
    together = uniforms(3, "augment", 5, np.arange(100), 4)
    alone = uniforms(3, "augment", 5, np.array([41]), 4)
    assert np.array_equal(together[41], alone[0])
    assert not np.array_equal(together, uniforms(3, "augment", 6, np.arange(100), 4))
    assert not np.array_equal(together, uniforms(4, "augment", 5, np.arange(100), 4))


def test_uniforms_are_uniform_and_independent():
    numbers = uniforms(0, "test", 0, np.arange(20_000), 3)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    correlation = np.corrcoef(np.concatenate([numbers[1:].T, numbers[:-1].T]))
    assert np.abs(correlation - np.eye(6)).max() < 0.03


def test_permutation_holds_everything_once_and_changes_with_the_epoch():
    first, second = permutation(0, "order", 0, 1000), permutation(0, "order", 1, 1000)
    assert sorted(first) == list(range(1000))
    assert (first != second).mean() > 0.9


@pytest.mark.parametrize("num_images", [1, 2, 7, 8, 9, 15, 16, 17])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_picture_once_and_no_short_last_batch(num_images, shuffle):
    batches = drawn_batches(num_images, 8, shuffle=shuffle)
    seen = [batch.indices.numpy() for batch in batches.epoch(2)]
    assert sorted(np.concatenate(seen)) == list(range(num_images))
    sizes = [len(part) for part in seen]
    assert len(seen) == len(batches) == -(-num_images // 8)
    assert max(sizes) - min(sizes) <= 1


def test_ranks_share_each_batch_of_one_process():
    whole = drawn_batches(37, 10, shuffle=True)
    ranks = [drawn_batches(37, 10, shuffle=True, rank=r, world_size=3) for r in range(3)]
    for number in range(len(whole)):
        parts = np.concatenate([rank.indices(4, number) for rank in ranks])
        assert np.array_equal(parts, whole.indices(4, number))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_F24_workers_change_nothing(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    augment = Augment([RandomAffine(degrees=20, translate=0.1), RandomFlip()], seed=1)
    options = {"shuffle": True, "augment": augment, "seed": 5}
    alone = drawn_batches(23, 5, **options)
    several = drawn_batches(
        23, 5, num_workers=2 if method == "fork" else 1, multiprocessing_context=method, **options
    )
    for epoch in (1, 0):
        pairs = zip(alone.epoch(epoch), several.epoch(epoch), strict=True)
        for one, other in pairs:
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_batches_can_be_sent_to_a_worker_after_use():
    batches = drawn_batches(9, 4, num_workers=1)
    next(iter(batches.epoch()))
    again = pickle.loads(pickle.dumps(batches))
    assert torch.equal(again[0, 1].images, batches[0, 1].images)


def test_images_are_scaled_and_normalised():
    pictures = drawn_set(5, channels=3)
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    images = Batches(pictures, batch_size=5, mean=mean, std=std)[0, 0].images
    expected = v2.functional.normalize(pictures.pixels(np.arange(5)).float() / 255, mean, std)
    torch.testing.assert_close(images, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 0}, "batch_size"), ({"batch_size": 4, "mean": [0.1, 0.2]}, "1 channels")],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Batches(drawn_set(4), **{"mean": [0.0], "std": [1.0], **options})


def test_affine_equals_torchvision_for_each_picture():
    images = torch.rand(6, 2, 20, 28)
    randoms = torch.rand(6, 5)
    randoms[:, 3:] = 0.5  # no shift: torchvision rounds it to pixels
    ours = RandomAffine(degrees=30, scale=(0.8, 1.3), shear=15)(images, randoms)
    for image, row, got in zip(images, randoms.tolist(), ours, strict=True):
        expected = v2.functional.affine(
            image[None],
            angle=(2 * row[0] - 1) * 30,
            translate=[0, 0],
            scale=0.8 + row[2] * 0.5,
            shear=[(2 * row[1] - 1) * 15, 0.0],
            interpolation=v2.InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(got, expected[0], atol=1e-4, rtol=0)
    shift = RandomAffine(translate=0.25)(images, torch.tensor([[0.5, 0.5, 0.5, 1.0, 0.5]] * 6))
    torch.testing.assert_close(shift[..., :, :21], images[..., :, 7:])  # a quarter of the width to the left


def test_flip_mirrors_the_chosen_ones_only():
    images = torch.rand(4, 3, 5, 5)
    flipped = RandomFlip(p=0.5)(images, torch.tensor([[0.1], [0.9], [0.49], [0.5]]))
    expected = torch.stack([images[0].flip(-1), images[1], images[2].flip(-1), images[3]])
    assert torch.equal(flipped, expected)


def test_normalise_equals_torchvision():
    images = torch.rand(2, 3, 4, 4)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    torch.testing.assert_close(normalise(images, mean, std), v2.functional.normalize(images, mean, std))


def test_sets_from_records(tmp_path):
    from PIL import Image

    records = []
    for name, split in (("cat", "train"), ("dog", "train"), ("cat", "test")):
        path = tmp_path / f"{name}-{split}.png"
        Image.new("RGB", (6, 4), "red").save(path)
        records.append(Record(path, name, split, path.name))
    pictures = labelled(records, class_names=("cat", "dog"), size=(4, 6), split="train")
    image, target, picture_id = pictures[1]
    assert image.shape == (3, 4, 6) and image.dtype == torch.uint8
    assert (target, picture_id) == (1, "dog-train.png")
    assert torch.equal(pictures.in_memory()[1][0], image)
    assert pictures.subset([1]).ids == ["dog-train.png"]
    blind = unlabelled(records, class_names=("cat", "dog"), size=(4, 6))
    assert set(blind.targets) == {UNLABELLED} and not blind.is_labelled
    with pytest.raises(ValueError, match=r"dog-train\.png has the label 'dog'"):
        labelled(records, class_names=("cat", "mouse"), size=(4, 6))
    with pytest.raises(ValueError, match="split 'val'; the splits found are test, train"):
        labelled(records, class_names=("cat", "dog"), size=(4, 6), split="val")
    with pytest.raises(ValueError, match="targets reach from"):
        PictureSet([None], [2], ["x"], class_names=("a", "b"), size=(1, 1))
