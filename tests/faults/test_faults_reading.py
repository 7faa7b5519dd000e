"""Pictures of every kind reach the network upright and whole. F4 and F5 of the fault list.

The reader itself is compared with formulas, pixel by pixel, in tests/data/test_data_images.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from planted import encoded
from torch import Tensor, nn

from course_utils.data.datasets import labelled, unlabelled
from course_utils.data.images import ImageError, list_images, read_image, read_image_float, scan
from course_utils.data.layouts import read_layout
from course_utils.data.loaders import Batches
from course_utils.data.stats import channel_statistics
from course_utils.evaluation.predict import predict

# How a camera that writes this Exif tag has stored what was upright.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


class FirstTwo(nn.Module):
    """Gives the red of the first two pixels for logits: no turning or mirroring keeps both."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :2]


@pytest.mark.parametrize("tag", STORED)
def test_F4_training_validation_and_prediction_see_the_same_upright_picture(
    tmp_path: Path, nothing_changes: Callable[..., None], tag: int
) -> None:
    upright = np.random.default_rng(tag).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = tag
    for part in ("train/a", "train/b", "val/a", "test"):
        (tmp_path / "set" / part).mkdir(parents=True)
        stored = Image.fromarray(np.ascontiguousarray(STORED[tag](upright)))
        stored.save(tmp_path / "set" / part / "1.png", exif=exif)
    nothing_changes()
    layout = read_layout(tmp_path / "set")
    rule = {"class_names": layout.class_names, "size": (24, 20)}
    train = labelled(layout.records, split="train", **rule)
    val = labelled(layout.records, split="val", **rule)
    test = unlabelled(layout.records, split="test", **rule)
    want = torch.from_numpy(upright).permute(2, 0, 1).float() / 255
    for pictures in (train, val, test, train.in_memory()):
        batches = Batches(pictures, batch_size=2, mean=[0.0] * 3, std=[1.0] * 3)
        for batch in batches.epoch():
            assert all(torch.equal(image, want) for image in batch.images)
    batches = Batches(test, batch_size=2, mean=[0.0] * 3, std=[1.0] * 3)
    np.testing.assert_array_equal(predict(FirstTwo(), batches).logits[0], upright[0, :2, 0] / np.float32(255))
    assert channel_statistics(list_images(tmp_path)).mean == pytest.approx(
        tuple(upright.reshape(-1, 3).mean(axis=0) / 255), abs=1e-12
    )


def of_middle_grey() -> dict[str, Image.Image]:
    """The same middle grey, 128 of 255, in fourteen modes; with alpha it is black that lets half through."""
    grey, size = Image.new("L", (20, 24), 128), (20, 24)
    checks = Image.fromarray((np.indices((24, 20)).sum(axis=0) % 2).astype(bool))  # one bit: half the pixels
    deep = np.full((24, 20), 128 * 257)
    return {
        "1.png": checks,
        "L.png": grey,
        "LA.png": Image.new("LA", size, (0, 127)),
        "P.gif": grey.convert("P"),
        "PA.tiff": grey.convert("PA"),
        "RGB.bmp": grey.convert("RGB"),
        "RGBA.PNG": Image.new("RGBA", size, (0, 0, 0, 127)),
        "CMYK.tif": grey.convert("RGB").convert("CMYK"),
        "YCbCr.JPG": grey.convert("YCbCr"),
        "LAB.tiff": Image.new("LAB", size, (137, 128, 128)),
        "I;16.png": Image.fromarray(deep.astype(np.uint16)),
        "I;16B.tiff": Image.fromarray(deep.astype(">u2")),
        "I.tiff": Image.fromarray(deep.astype(np.int32)),
        "F.tiff": Image.fromarray(np.full((24, 20), 128 / 255, np.float32)),
    }


def test_F5_every_mode_trains_as_three_channels_from_0_to_1(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    (tmp_path / "set" / "grey").mkdir(parents=True)
    (tmp_path / "set" / "other").mkdir()
    for name, image in of_middle_grey().items():
        image.save(tmp_path / "set" / "grey" / name)
    (tmp_path / "set" / "other" / "1.jpeg").write_bytes(encoded("JPEG"))
    nothing_changes()
    layout = read_layout(tmp_path / "set")
    assert len(layout.records) == 15 and layout.remarks == []
    scan([record.path for record in layout.records]).raise_if_bad()
    pictures = labelled(layout.records, class_names=layout.class_names, size=(24, 20))
    (batch,) = Batches(pictures, batch_size=15, mean=[0.0] * 3, std=[1.0] * 3).epoch()
    assert batch.images.shape == (15, 3, 24, 20) and batch.images.dtype == torch.float32
    assert batch.images.min() >= 0 and batch.images.max() <= 1
    for path, image in zip(pictures.paths, batch.images, strict=True):
        if path.parent.name == "grey":
            assert image.mean().item() == pytest.approx(128 / 255, abs=2.5 / 255), path.name


def test_F5_a_16_bit_value_of_1000_is_not_clipped_to_white(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    Image.fromarray(np.full((4, 5), 1000, np.uint16)).save(tmp_path / "deep.png")
    nothing_changes()
    assert np.unique(read_image_float(tmp_path / "deep.png").round(4)) == [np.float32(0.0153)]
    assert (read_image(tmp_path / "deep.png") == 4).all()  # 1000 / 257, to the nearest


def test_F5_of_an_animation_the_first_frame_counts(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    for name in ("x.gif", "x.Png", "x.WEBP"):
        options = {"lossless": True} if name == "x.WEBP" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    nothing_changes()
    assert len(list_images(tmp_path)) == 3
    for path in list_images(tmp_path):
        assert (read_image(path) == [255, 0, 0]).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[70_000]], np.int32), "holds values from 70000 to 70000; expected 0 to 65535"),
        (np.array([[-1.0]], np.float32), "holds values from -1 to -1; expected 0 to 1"),
        (np.array([[300.0]], np.float32), "holds values from 300 to 300; expected 0 to 255"),
        (np.array([[np.nan]], np.float32), "holds values that are not finite"),
    ],
)
def test_F5_values_without_a_meaning_are_refused_with_the_path(
    tmp_path: Path, nothing_changes: Callable[..., None], values: np.ndarray, words: str
) -> None:
    Image.fromarray(values).save(tmp_path / "x.tiff")
    nothing_changes()
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "x.tiff")
    assert str(caught.value).startswith(f"{tmp_path / 'x.tiff'}: {words}")
