"""Exact statistics against one flat float64 array, whatever the sizes, the workers and the grouping."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import runtime
from course_utils.data import parallel
from course_utils.data.images import list_images, read_image
from course_utils.data.stats import ChannelStatistics, channel_statistics


def flat_figures(arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    flat = np.concatenate([array.reshape(-1, array.shape[-1]) for array in arrays])
    channels = [channel.astype(np.float64) / 255 for channel in flat.T]
    return np.array([channel.mean() for channel in channels]), np.array(
        [channel.std() for channel in channels]
    )


@pytest.fixture(scope="module")
def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 60, (50, 2))
    return [
        np.clip(rng.normal(rng.integers(0, 256, 3), 20, (h, w, 3)), 0, 255).astype(np.uint8) for h, w in sizes
    ]


@pytest.fixture(scope="module")
def paths(arrays: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(folder / f"{number}.png")
    return [folder / f"{number}.png" for number in range(len(arrays))]


def test_equal_to_a_flat_float64_array(arrays: list[np.ndarray], paths: list[Path]) -> None:
    mean, std = flat_figures(arrays)
    for pictures in (arrays, paths):
        result = channel_statistics(pictures)
        np.testing.assert_allclose(result.mean, mean, rtol=0, atol=1e-9)
        np.testing.assert_allclose(result.std, std, rtol=0, atol=1e-9)
        assert result.num_images == 50
        assert result.num_pixels == sum(array.shape[0] * array.shape[1] for array in arrays)
        assert result.histogram.shape == (3, 256) and result.histogram.dtype == np.int64


def test_the_usual_figure_is_there_and_is_too_small(arrays: list[np.ndarray]) -> None:
    result = channel_statistics(arrays)
    stds = np.stack([array.reshape(-1, 3).astype(np.float64).std(axis=0) / 255 for array in arrays])
    means = np.stack([array.reshape(-1, 3).astype(np.float64).mean(axis=0) / 255 for array in arrays])
    np.testing.assert_allclose(result.mean_of_image_std, stds.mean(axis=0), rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.mean_of_image_mean, means.mean(axis=0), rtol=0, atol=1e-9)
    assert all(usual < true for usual, true in zip(result.mean_of_image_std, result.std, strict=True))


@pytest.mark.parametrize("worth_a_process", [10, 1000])  # processes, threads
def test_workers_change_nothing(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth_a_process: int
) -> None:
    monkeypatch.setattr(parallel, "_WORTH_A_PROCESS", worth_a_process)
    some = [*paths[:20], tmp_path / "nowhere.png", *paths[20:]]
    one, four = (channel_statistics(some, num_workers=workers, on_bad="leave_out") for workers in (1, 4))
    assert one.as_dict() == four.as_dict()
    assert one.num_images == 50 and one.left_out == [(str(some[20]), "does not exist")]
    np.testing.assert_array_equal(one.histogram, four.histogram)


def test_parts_add_up(paths: list[Path]) -> None:
    whole = channel_statistics(paths)
    merged = channel_statistics(paths[:13]).merge(channel_statistics(paths[13:]))
    assert merged.mean == whole.mean and merged.std == whole.std
    assert merged.mean_of_image_std == pytest.approx(whole.mean_of_image_std, abs=1e-12)
    assert merged.num_images == whole.num_images
    with pytest.raises(ValueError, match="3 and 1 channels"):
        whole.merge(channel_statistics(paths, mode="L"))


def test_no_cancellation_on_a_huge_set_of_nearly_equal_pixels() -> None:
    # 10^12 pixels of 254 and 255: the float formula E[x^2] - E[x]^2 loses digits, whole numbers do not.
    histogram = np.zeros((1, 256), dtype=np.int64)
    histogram[0, 254], histogram[0, 255] = 10**12 - 1, 1
    result = ChannelStatistics(histogram, 1, (0.0,), (0.0,))
    share = 1e-12
    assert result.std[0] * 255 == pytest.approx((share * (1 - share)) ** 0.5, rel=1e-12)
    assert result.mean[0] * 255 == pytest.approx(254 + share, rel=1e-15)


def test_one_value_has_no_spread() -> None:
    result = channel_statistics([np.full((7, 5, 3), 51, np.uint8)])
    assert result.mean == pytest.approx((0.2,) * 3, abs=1e-15) and result.std == (0.0,) * 3


def test_grey_pictures_and_grey_reading(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / "x.png")
    path = tmp_path / "x.png"
    cases = [([path], {}, 3), ([path], {"mode": "L"}, 1), ([grey], {}, 1), ([grey[..., None]], {}, 1)]
    for pictures, options, channels in cases:
        result = channel_statistics(pictures, **options)
        assert result.mean == pytest.approx((0.5,) * channels, abs=1e-15)
        # Variance of 0..n-1: (n^2 - 1) / 12.
        assert result.std == pytest.approx((((256**2 - 1) / 12) ** 0.5 / 255,) * channels, abs=1e-15)


def test_orientation_and_transparency_count_as_the_reader_sees_them(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert channel_statistics([tmp_path / "clear.png"]).mean == (1.0, 1.0, 1.0)


def test_damaged_files_stop_or_are_left_out_and_said(paths: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(paths[0].read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"1 of 51 pictures cannot be read:\n.*bad\.png: is cut off"):
        channel_statistics([*paths, bad])
    result = channel_statistics([*paths, bad], on_bad="leave_out")
    assert result.as_dict() | {"left_out": []} == channel_statistics(paths).as_dict()
    assert [path for path, _ in result.left_out] == [str(bad)]
    assert "left out 1 damaged" in str(result)
    with pytest.raises(ValueError, match="none of the 1 pictures"):
        channel_statistics([bad], on_bad="leave_out")


@pytest.mark.parametrize(
    ("pictures", "options", "message"),
    [
        ([], {}, "no pictures"),
        ([np.zeros((2, 2, 3))], {}, "dtype float64"),
        ([np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8)], {}, r"\[1, 3\] channels"),
        ([np.zeros((0, 2, 3), np.uint8)], {}, "expected uint8"),
        ([np.zeros((2, 2), np.uint8)], {"on_bad": "skip"}, "expected one of stop, leave_out"),
    ],
)
def test_wrong_input_is_refused(pictures: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        channel_statistics(pictures, **options)


def test_real_seedlings_equal_a_flat_array() -> None:
    real = runtime.real_data_dir()
    if real is None or not (real / "seedlings_150px").is_dir():
        pytest.skip("COURSE_REAL_DATA is not set, or has no seedlings_150px")
    files = list_images(real / "seedlings_150px")
    result = channel_statistics(files)
    mean, std = flat_figures([read_image(path) for path in files])
    np.testing.assert_allclose(result.mean, mean, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.std, std, rtol=0, atol=1e-9)
