"""Each augmentation against torchvision or its formula, with chosen random numbers."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torchvision.transforms.v2 import InterpolationMode, functional

from course_utils.data import color
from course_utils.data.affine import Rotation, Scale, Shear, Translation, grid_of
from course_utils.data.crops import RandomCrop, RandomPad, RandomResizedCrop
from course_utils.data.erasing import RandomErasing, fitted_boxes, inside
from course_utils.data.flips import RandomFlip, RandomQuarterTurns
from course_utils.data.noise import GaussianBlur, GaussianNoise, SaltAndPepper
from course_utils.data.randomness import uniforms
from course_utils.data.transforms import Augment


@pytest.fixture
def images():
    return torch.rand(5, 3, 20, 28, generator=torch.Generator().manual_seed(0))


def draws(count, step, seed=0):
    return torch.from_numpy(uniforms(seed, "test", 0, np.arange(count), step.num_random)).float()


def torchvision_affine(image, *, angle=0.0, scale=1.0, shear=(0.0, 0.0)):
    return functional.affine(
        image, angle, [0, 0], scale, list(shear), interpolation=InterpolationMode.BILINEAR
    )


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 5), (6, 9)])
def test_the_grid_equals_affine_grid(height, width):
    matrices = torch.randn(4, 2, 3, dtype=torch.double)
    expected = torch.nn.functional.affine_grid(matrices, [4, 1, height, width], align_corners=False)
    torch.testing.assert_close(grid_of(matrices, height, width), expected)


def test_rotation_scale_and_shear_equal_torchvision(images):
    steps = {
        Rotation(degrees=40): lambda u: {"angle": (2 * u - 1) * 40},
        Scale(scale=(0.5, 2.0)): lambda u: {"scale": 0.5 + 1.5 * u},
        Shear(degrees=30): lambda u: {"shear": ((2 * u - 1) * 30, 0.0)},
        Shear(degrees=30, direction="vertical"): lambda u: {"shear": (0.0, (2 * u - 1) * 30)},
    }
    for step, options in steps.items():
        randoms = draws(5, step)
        for image, got, u in zip(images, step(images, randoms), randoms[:, 0].tolist(), strict=True):
            expected = torchvision_affine(image, **options(u))
            torch.testing.assert_close(got, expected, atol=2e-4, rtol=0)


def test_translation_shifts_by_its_fraction(images):
    step = Translation(translate=0.25)
    shifted = step(images, torch.tensor([[1.0, 0.0]] * 5))  # read a quarter further right and up
    expected = torch.zeros_like(images)
    expected[:, :, 5:, :21] = images[:, :, :15, 7:]
    torch.testing.assert_close(shifted, expected)


def test_quarter_turns_equal_rot90_and_refuse_what_is_not_square(images):
    square = images[:4, :, :, :20]
    turned = RandomQuarterTurns()(square, torch.tensor([[0.0], [0.25], [0.5], [0.9999]]))
    for number, (got, image) in enumerate(zip(turned, square, strict=True)):
        assert torch.equal(got, image.rot90(number, (-2, -1)))
    with pytest.raises(ValueError, match="20 x 28"):
        RandomQuarterTurns()(images, torch.zeros(5, 1))


def test_vertical_flip_equals_torchvision(images):
    flipped = RandomFlip(p=1.0, direction="vertical")(images, torch.rand(5, 1))
    assert torch.equal(flipped, functional.vertical_flip(images))


def test_resized_crop_equals_torchvision(images):
    step = RandomResizedCrop(scale=(0.05, 1.0), ratio=(0.5, 2.0))
    randoms = draws(5, step)
    got = step(images, randoms)
    for image, result, (top, left, tall, wide) in zip(
        images, got, step.boxes(20, 28, randoms).tolist(), strict=True
    ):
        expected = functional.resized_crop(image, top, left, tall, wide, [20, 28], antialias=False)
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_resized_crop_boxes_have_the_area_and_aspect_asked_for():
    step = RandomResizedCrop(scale=(0.2, 0.5), ratio=(0.8, 1.25))
    boxes = step.boxes(200, 200, draws(4000, step)).double()
    area = boxes[:, 2] * boxes[:, 3] / 200**2
    assert stats.kstest(area.numpy(), "uniform", (0.2, 0.3)).pvalue > 1e-3
    aspect = boxes[:, 3] / boxes[:, 2]
    assert aspect.min() > 0.78 and aspect.max() < 1.28 and abs(float(aspect.log().mean())) < 0.02
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= 200).all()
    assert (boxes[:, 0] == 0).any() and (boxes[:, 0] + boxes[:, 2] == 200).any()


@pytest.mark.parametrize(
    ("fill", "mode"), [("zeros", "constant"), ("border", "edge"), ("reflection", "reflect")]
)
def test_crop_equals_torchvision(images, fill, mode):
    step = RandomCrop(padding=3, fill=fill)
    randoms = torch.tensor([[0.0, 0.999], [0.999, 0.0], [0.5, 0.5], [0.2, 0.7], [0.9, 0.1]])
    for image, got, row in zip(images, step(images, randoms), randoms.tolist(), strict=True):
        padded = functional.pad(image, [3], padding_mode=mode)
        top, left = (int(u * 7) for u in row)
        assert torch.equal(got, functional.crop(padded, top, left, 20, 28))


def test_crop_by_reflection_needs_pictures_larger_than_the_padding(images):
    with pytest.raises(ValueError, match="padding=20"):
        RandomCrop(padding=20, fill="reflection")(images, torch.zeros(5, 2))


def test_pad_equals_torchvision(images):
    step = RandomPad(padding=0.4)
    randoms = draws(5, step)
    frames = step.frame(20, 28, randoms).tolist()
    for image, got, (top, bottom, left, right) in zip(images, step(images, randoms), frames, strict=True):
        padded = functional.pad(image, [left, top, right, bottom])
        expected = functional.resize(padded, [20, 28], antialias=False)
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
    assert torch.equal(RandomPad(padding=0.0)(images, randoms), images) or torch.allclose(
        RandomPad(padding=0.0)(images, randoms), images, atol=1e-5
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_equal_torchvision(images, channels):
    images = images[:, :channels]
    factors = torch.tensor([0.0, 0.4, 1.0, 1.6, 2.0])
    turns = torch.tensor([-0.5, -0.2, 0.0, 0.1, 0.5])
    pairs = [
        (color.adjust_brightness, functional.adjust_brightness, factors),
        (color.adjust_contrast, functional.adjust_contrast, factors),
        (color.adjust_saturation, functional.adjust_saturation, factors),
        (color.adjust_hue, functional.adjust_hue, turns),
    ]
    for ours, reference, values in pairs:
        expected = torch.stack([reference(i, v) for i, v in zip(images, values.tolist(), strict=True)])
        torch.testing.assert_close(ours(images, values), expected, atol=1e-6, rtol=0)


def test_colour_steps_draw_factors_around_one(images):
    randoms = torch.tensor([[0.0], [0.25], [0.5], [0.75], [1.0]])
    factors = torch.tensor([0.6, 0.8, 1.0, 1.2, 1.4])
    for step, adjust in [
        (color.Brightness(strength=0.4), color.adjust_brightness),
        (color.Contrast(strength=0.4), color.adjust_contrast),
        (color.Saturation(strength=0.4), color.adjust_saturation),
    ]:
        torch.testing.assert_close(step(images, randoms), adjust(images, factors))
    turned = color.Hue(strength=0.4)(images, randoms)
    torch.testing.assert_close(turned, color.adjust_hue(images, torch.tensor([-0.4, -0.2, 0, 0.2, 0.4])))


def test_color_jitter_is_its_parts_in_order(images):
    step = color.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1)
    randoms = draws(5, step)
    expected = images
    for number, part in enumerate(
        (color.Brightness(0.3), color.Contrast(0.3), color.Saturation(0.3), color.Hue(0.1))
    ):
        expected = part(expected, randoms[:, number : number + 1])
    torch.testing.assert_close(step(images, randoms), expected)
    assert torch.equal(color.ColorJitter(0, 0, 0, 0)(images, randoms), images)


def test_gaussian_noise_is_normal_with_the_std_asked_for():
    grey = torch.full((4, 1, 60, 60), 0.5)
    step = GaussianNoise(std=0.05)
    noise = (step(grey, draws(4, step)) - 0.5).numpy() / 0.05
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise.reshape(4, -1)) - np.eye(4)).max() < 0.06
    strong = GaussianNoise(std=1.0)(grey, draws(4, step))
    assert strong.min() == 0 and strong.max() == 1


def test_salt_is_white_pepper_black_and_both_reach_every_place():
    grey = torch.full((300, 3, 6, 7), 0.5)
    step = SaltAndPepper(amount=0.3, salt=0.25)
    noisy = step(grey, draws(300, step))
    assert set(noisy.unique().tolist()) == {0.0, 0.5, 1.0}
    assert torch.equal(noisy[:, 0], noisy[:, 1]) and torch.equal(noisy[:, 0], noisy[:, 2])
    white, black = (noisy[:, 0] == 1).float(), (noisy[:, 0] == 0).float()
    assert abs(float(white.mean()) - 0.075) < 0.01 and abs(float(black.mean()) - 0.225) < 0.015
    for hits, share in ((white, 0.075), (black, 0.225)):
        per_place = hits.mean(dim=0)  # (6, 7), the border and the corners like the middle
        assert (per_place - share).abs().max() < 5 * (share * (1 - share) / 300) ** 0.5


def test_blur_equals_torchvision(images):
    step = GaussianBlur(sigma=(0.5, 2.0))
    randoms = draws(5, step)
    size = 2 * step.radius(20, 28) + 1
    for image, got, u in zip(images, step(images, randoms), randoms[:, 0].tolist(), strict=True):
        expected = functional.gaussian_blur(image, [size, size], [0.5 + 1.5 * u] * 2)
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
    scipy_blur = ndimage.gaussian_filter(images[0, 0].numpy(), 1.0, mode="mirror", truncate=3.0)
    alone = GaussianBlur(sigma=(1.0, 1.0))(images[:1, :1], torch.zeros(1, 1))[0, 0]
    np.testing.assert_allclose(alone.numpy(), scipy_blur, atol=1e-5)


def test_blur_of_tiny_pictures():
    assert GaussianBlur(sigma=(3.0, 3.0))(torch.rand(2, 1, 2, 1), torch.zeros(2, 1)).shape == (2, 1, 2, 1)


def test_erasing_equals_torchvision(images):
    step = RandomErasing(p=0.6, value=0.25)
    randoms = draws(5, step)
    got = step(images, randoms)
    chosen = randoms[:, 0] < 0.6
    assert 0 < chosen.sum() < 5
    for image, result, box, hit in zip(images, got, step.boxes(20, 28, randoms), chosen, strict=True):
        expected = functional.erase(image, *box.tolist(), torch.tensor(0.25)) if hit else image
        assert torch.equal(result, expected)


def test_erasing_with_noise_fills_the_box_only(images):
    step = RandomErasing(p=1.0, scale=(0.3, 0.3), pixel_level=True)
    randoms = draws(5, step)
    got, mask = step(images, randoms), inside(step.boxes(20, 28, randoms), 20, 28)
    outside = ~mask.expand_as(images)
    assert torch.equal(got[outside], images[outside])
    assert stats.kstest(got[~outside].numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("height", "width"), [(40, 40), (10, 90), (90, 10), (1, 1)])
def test_boxes_keep_their_area_inside_any_picture(height, width):
    randoms = torch.from_numpy(uniforms(0, "boxes", 0, np.arange(500), 4)).float()
    area = randoms[:, 0]
    boxes = fitted_boxes(area, 0.05 + randoms[:, 1] * 19, randoms[:, 2:], height, width)
    assert (boxes >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= torch.tensor([height, width])).all()
    missing = area * height * width - boxes[:, 2] * boxes[:, 3]  # rounding down costs a row and a column
    assert (missing <= boxes[:, 2] + boxes[:, 3] + 1.01).all() and (missing > -0.01).all()


def test_random_numbers_stay_below_one_in_float32(images):
    class Probe:
        num_random = 1

        def __call__(self, images, randoms):
            seen.append(randoms)
            return images

    seen, real = [], uniforms
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "course_utils.data.transforms.uniforms", lambda *a: np.full_like(real(*a), 1 - 2.0**-53)
        )
        Augment([Probe()])(images, epoch=0, indices=np.arange(5))
    assert seen[0].dtype == torch.float32 and (seen[0] < 1).all() and (seen[0] > 0.999).all()
