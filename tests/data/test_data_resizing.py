"""Resize rules against torchvision and Pillow; the eval transform as plain data."""

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode, v2

from course_utils.data.cache import cached_pixels
from course_utils.data.datasets import PictureSet
from course_utils.data.eval_transform import EvalTransform
from course_utils.data.images import read_image, read_many
from course_utils.data.resizing import FITS, INTERPOLATIONS, resize

SIZES = [(50, 30), (30, 50), (40, 40), (7, 200), (200, 7), (24, 24), (1, 1)]


def picture(width, height, mode="RGB"):
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_crop_equals_torchvision(size, interpolation):
    image = picture(*size)
    reference = v2.Compose([v2.Resize(24, interpolation=InterpolationMode(interpolation)), v2.CenterCrop(24)])
    got = resize(image, (24, 24), fit="crop", interpolation=interpolation)
    assert np.array_equal(np.asarray(got), np.asarray(reference(image)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame", [(24, 24), (20, 33)])
def test_pad_shows_the_whole_picture_centred_on_black(size, frame):
    image = picture(*size)
    got = resize(image, frame, fit="pad")
    assert got.size == (frame[1], frame[0])
    white = resize(Image.new("RGB", size, "white"), frame, fit="pad")
    mask = np.asarray(white)[..., 0] > 0
    scale = min(frame[0] / size[1], frame[1] / size[0])
    rows, columns = mask.any(axis=1).sum(), mask.any(axis=0).sum()
    assert abs(rows - max(1, size[1] * scale)) <= 1 and abs(columns - max(1, size[0] * scale)) <= 1
    assert (np.asarray(got)[~mask] == 0).all()


@pytest.mark.parametrize("size", [(48, 24), (24, 48), (96, 32), (12, 12), (24, 6)])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_pad_equals_pillow_where_the_sides_divide(size, interpolation):
    image = picture(*size)
    expected = ImageOps.pad(image, (24, 24), INTERPOLATIONS[interpolation])
    got = resize(image, (24, 24), fit="pad", interpolation=interpolation)
    assert np.array_equal(np.asarray(got), np.asarray(expected))


def test_squash_is_the_default_and_equals_pillow():
    image = picture(50, 30)
    expected = np.asarray(image.resize((20, 10), Image.Resampling.BILINEAR))
    assert np.array_equal(np.asarray(resize(image, (10, 20))), expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("fit", FITS)
def test_every_way_of_reading_uses_the_rule(tmp_path, fit, mode):
    path = tmp_path / "a.png"
    picture(50, 30).save(path)
    rule = {"size": (16, 20), "mode": mode, "fit": fit, "interpolation": "bicubic"}
    expected = np.asarray(
        resize(Image.open(path).convert(mode), (16, 20), fit=fit, interpolation="bicubic")
    ).reshape(16, 20, -1)
    assert np.array_equal(read_image(path, **rule), expected)
    assert np.array_equal(read_many([path], **rule)[0], expected)
    files = PictureSet([path], [0], ["a"], class_names=("x",), **rule)
    for pictures in (
        files,
        files.in_memory(),
        files.cached(folder=tmp_path / "cache"),
        files.subset([0]).cached(folder=tmp_path / "cache").subset([0]),
    ):
        assert np.array_equal(pictures[0][0].permute(1, 2, 0).numpy(), expected)


def test_the_cache_keeps_the_rules_apart(tmp_path):
    path = tmp_path / "a.png"
    picture(50, 30).save(path)
    options = {"size": (16, 16), "folder": tmp_path / "cache"}
    found = {
        (fit, way): cached_pixels([path], fit=fit, interpolation=way, **options)
        for fit in FITS
        for way in INTERPOLATIONS
    }
    assert len({pixels.path for pixels in found.values()}) == len(found)
    assert cached_pixels([path], **options).path == found["squash", "bilinear"].path
    for (fit, way), pixels in found.items():
        expected = read_image(path, size=(16, 16), fit=fit, interpolation=way)
        assert np.array_equal(pixels[np.array([0])][0].transpose(1, 2, 0), expected)


def test_unknown_rules_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'squash'"):
        resize(picture(5, 5), (4, 4), fit="squish")
    with pytest.raises(ValueError, match="Did you mean 'bicubic'"):
        PictureSet([], [], [], class_names=("a",), size=(4, 4), interpolation="cubic")
    with pytest.raises(ValueError, match="size is"):
        resize(picture(5, 5), (0, 4))


def test_eval_transform_reads_resizes_and_normalises(tmp_path):
    path = tmp_path / "a.png"
    picture(50, 30).save(path)
    mean, std = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    transform = EvalTransform(size=(24, 24), mean=mean, std=std, fit="crop", interpolation="bicubic")
    reference = v2.Compose(
        [
            v2.Resize(24, interpolation=InterpolationMode.BICUBIC),
            v2.CenterCrop(24),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
        ]
    )
    torch.testing.assert_close(
        transform([path, path])[1], reference(Image.open(path)).as_subclass(torch.Tensor)
    )
    again = EvalTransform.from_dict(json.loads(json.dumps(transform.as_dict())))
    assert again == transform and again.mode == "RGB"
    assert EvalTransform(size=(8, 9), mean=(0.1,), std=(0.3,))([path]).shape == (1, 1, 8, 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fit": "stretch"}, "fit is 'stretch'"),
        ({"std": [0.1, 0.0, 0.1]}, "above 0"),
        ({"mean": [0.1]}, "1 means and 3"),
        ({"size": [8]}, "size is"),
        ({"crop": 1}, "'crop' is no setting"),
    ],
)
def test_eval_transform_refuses_what_cannot_be(change, message):
    values = EvalTransform(size=(8, 8), mean=(0.5,) * 3, std=(0.5,) * 3).as_dict()
    with pytest.raises(ValueError, match=message):
        EvalTransform.from_dict({**values, **change})
