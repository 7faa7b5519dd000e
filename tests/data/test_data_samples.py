"""The drawn sample sets: the same bytes for a seed, the real names and faults, too hard for linear models."""

import re
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from course_utils.data import sources
from course_utils.data.samples import food11, satellite, seedlings
from course_utils.data.samples.drawing import Canvas, box, class_counts, generator
from course_utils.data.samples.light import fractal_noise, window

FEW = {seedlings: 120, food11: 84, satellite: 12}
SETS = list(FEW)
NAMES = ["seedlings", "food11", "satellite"]


def tree(root: Path) -> dict[str, str]:
    """Relative path to sha256 of every file below `root`."""
    return {
        path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Draws a small set of a module (once per module and seed) and returns its folder."""
    done: dict[tuple[str, int], Path] = {}

    def draw(module: ModuleType, seed: int = 0) -> Path:
        key = (module.__name__, seed)
        if key not in done:
            done[key] = tmp_path_factory.mktemp("drawn")
            module.write(done[key], seed=seed, num_images=FEW[module])
        return done[key]

    return draw


@pytest.mark.parametrize("module", SETS, ids=NAMES)
def test_a_seed_fixes_every_byte_and_another_seed_changes_every_picture(
    module: ModuleType, drawn: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.random.default_rng(5).random(3)  # other generators in use must not matter
    module.write(tmp_path, seed=0, num_images=FEW[module])
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""  # no progress bar unless asked for
    first, other = tree(drawn(module)), tree(drawn(module, seed=1))
    assert tree(tmp_path) == first
    pictures = {digest for name, digest in first.items() if not name.endswith(".csv")}
    assert pictures.isdisjoint(other.values())


@pytest.mark.parametrize("module", SETS, ids=NAMES)
def test_the_number_of_pictures_is_the_one_asked_for(module: ModuleType, drawn: Callable[..., Path]) -> None:
    names = [name for name in tree(drawn(module)) if not name.endswith(".csv")]
    assert len(names) == FEW[module]


def test_a_smaller_set_is_part_of_a_larger_one_and_progress_is_shown_on_request(
    drawn: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    satellite.write(tmp_path, num_images=4, progress=True)
    assert "4/4" in capsys.readouterr().err
    assert tree(tmp_path).items() <= tree(drawn(satellite)).items()


@pytest.mark.parametrize(("module", "too_few"), [(seedlings, 39), (food11, 32), (satellite, 3)], ids=NAMES)
def test_too_few_pictures_are_an_error_before_anything_is_drawn(
    module: ModuleType, too_few: int, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"num_images is {too_few}.* needs {too_few + 1} or more"):
        module.write(tmp_path, num_images=too_few)
    assert not any(tmp_path.iterdir())


# Seedlings


def test_seedlings_have_the_real_folders_names_and_proportions(drawn: Callable[..., Path]) -> None:
    root = drawn(seedlings)
    assert sorted(p.name for p in root.iterdir()) == ["sample_submission.csv", "test", "train"]
    assert sorted(p.name for p in (root / "train").iterdir()) == sorted(seedlings.CLASS_NAMES)
    pictures = [name for name in tree(root) if name.endswith(".png")]
    assert all(re.fullmatch(r"(train/[^/]+|test)/[0-9a-f]{9}\.png", name) for name in pictures)
    counts = np.array([len(list((root / "train" / name).iterdir())) for name in seedlings.CLASS_NAMES])
    ideal = np.array(seedlings.REAL_COUNTS) / sum(seedlings.REAL_COUNTS) * counts.sum()
    assert np.abs(counts - ideal).max() <= 1


def test_seedlings_come_in_many_sizes_within_bounds(drawn: Callable[..., Path]) -> None:
    sizes = [Image.open(path).size for path in drawn(seedlings).rglob("*.png")]
    widths = [width for width, _ in sizes]
    assert min(widths) >= seedlings.SMALLEST and max(widths) <= seedlings.LARGEST
    assert len(set(widths)) > 40
    assert any(width != height for width, height in sizes)


def test_seedlings_hold_the_planted_copies_and_no_others(drawn: Callable[..., Path]) -> None:
    root = drawn(seedlings)
    copies = seedlings.planted_copies(num_images=FEW[seedlings])
    assert {how for _, _, how in copies} == {"exact", "near"}
    assert {path.split("/")[0] for path, _, _ in copies} == {"train", "test"}
    digests = tree(root)
    repeated = {digest for digest, count in Counter(digests.values()).items() if count > 1}
    exact = [copy for copy in copies if copy[2] == "exact"]
    assert repeated == {digests[path] for path, _, _ in exact} == {digests[old] for _, old, _ in exact}
    for path, old, how in copies:
        first, second = (
            np.asarray(Image.open(root / name).resize((16, 16), Image.Resampling.BOX), dtype=float)
            for name in (path, old)
        )
        likeness = np.corrcoef(first.ravel(), second.ravel())[0, 1]
        assert likeness > 0.97, (path, old, how)
        if path.startswith("train"):
            assert Path(path).parent == Path(old).parent  # a copy never carries another label


def test_seedlings_test_answers_are_kept_out_of_the_tree(drawn: Callable[..., Path]) -> None:
    root = drawn(seedlings)
    answers = seedlings.test_labels(num_images=FEW[seedlings])
    assert list(answers) == sorted(path.name for path in (root / "test").iterdir())
    assert len(set(answers.values())) > 1
    lines = (root / "sample_submission.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,species"
    assert [line.split(",")[0] for line in lines[1:]] == list(answers)
    assert len({line.split(",")[1] for line in lines[1:]}) == 1  # one constant guess, as Kaggle gives


@pytest.mark.parametrize("num_images", [40, 41, 77, 300, 1300, 10_000])
def test_seedlings_of_any_number_hold_each_copy_with_its_original(num_images: int) -> None:
    copies = seedlings.planted_copies(3, num_images=num_images)
    copied, originals = {path for path, _, _ in copies}, {old for _, old, _ in copies}
    assert len(copied) == len(copies) >= 2
    assert copied.isdisjoint(originals)


# Food-11


def test_food11_has_the_real_folders_and_names(drawn: Callable[..., Path]) -> None:
    root = drawn(food11)
    assert len(food11.CLASS_NAMES) == 11
    for split in ("training", "validation"):
        names = [path.name for path in (root / split).iterdir()]
        matches = [re.fullmatch(r"(\d+)_(\d+)\.jpg", name) for name in names]
        labels = Counter(int(match.group(1)) for match in matches if match)
        assert labels.total() == len(names) and set(labels) == set(range(11))
        for label, count in labels.items():  # numbered without gaps within a class
            assert all((root / split / f"{label}_{number}.jpg").is_file() for number in range(count))
    testing = sorted(path.name for path in (root / "testing").iterdir())
    assert testing == [f"{number:04d}.jpg" for number in range(len(testing))]


def test_food11_pictures_are_small_jpegs_of_several_sizes(drawn: Callable[..., Path]) -> None:
    pictures = [Image.open(path) for path in drawn(food11).rglob("*.jpg")]
    assert {picture.format for picture in pictures} == {"JPEG"}
    assert {picture.size for picture in pictures} == {(side, side) for side in food11.SIDES}


def test_food11_test_answers_are_kept_out_of_the_tree(drawn: Callable[..., Path]) -> None:
    root = drawn(food11)
    answers = food11.test_labels(num_images=FEW[food11])
    assert [f"{key}.jpg" for key in answers] == sorted(path.name for path in (root / "testing").iterdir())
    labels = list(answers.values())
    assert labels != sorted(labels) and set(labels) <= set(range(11))
    lines = (root / "sample_submission.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["Id,Category", *(f"{key},0" for key in answers)]


# Satellite


def test_satellite_has_the_real_names_and_sizes(drawn: Callable[..., Path]) -> None:
    root = drawn(satellite)
    patterns = {
        "cloudy": r"train_\d+\.jpg",
        "desert": r"desert\(\d+\)\.jpg",
        "green_area": r"Forest_\d+\.jpg",
        "water": r"SeaLake_\d+\.jpg",
    }
    sides = {"cloudy": 256, "desert": 256, "green_area": 64, "water": 64}
    assert sorted(path.name for path in root.iterdir()) == sorted(patterns)
    for name, pattern in patterns.items():
        for path in (root / name).iterdir():
            assert re.fullmatch(pattern, path.name)
            assert Image.open(path).size == (sides[name], sides[name])


# The tools


def test_class_counts_follow_the_weights_and_leave_no_class_empty() -> None:
    assert class_counts(10, (1, 1, 3)) == [2, 2, 6]
    assert class_counts(100, (97, 2, 1)) == [97, 2, 1]
    assert class_counts(4, (1000, 1, 1, 1)) == [1, 1, 1, 1]
    for total in range(12, 300):
        counts = class_counts(total, seedlings.REAL_COUNTS)
        assert sum(counts) == total and min(counts) >= 1


def test_generators_depend_on_their_whole_key_only() -> None:
    assert generator(0, "a", 1).random() == generator(0, "a", 1).random()
    keys = [(0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 11)]
    assert len({generator(*key).random() for key in keys}) == len(keys)


def test_a_canvas_draws_where_it_is_told() -> None:
    canvas = Canvas(40, (0, 0, 0))
    canvas.fill(box((0.25, 0.5), 0.125, 0.25), (255, 0, 0))
    pixels = np.asarray(canvas.finish())
    assert pixels.shape == (40, 40, 3)
    assert (pixels[11:29, 6:14] == (255, 0, 0)).all()
    assert (pixels[:, 18:] == 0).all() and (pixels[:8] == 0).all()


def test_a_shadow_darkens_its_place_only() -> None:
    canvas = Canvas(40, (200, 200, 200))
    canvas.shadow([box((0.25, 0.25), 0.1, 0.1)], offset=(0.0, 0.0), blur=0.02, strength=0.5)
    pixels = np.asarray(canvas.finish())[:, :, 0]
    assert pixels[10, 10] < 130
    assert (pixels[20:, 20:] == 200).all()


def test_fractal_noise_is_standardised_and_smoother_when_asked() -> None:
    rough, smooth = (fractal_noise(64, generator(0, "noise"), roughness=r) for r in (-0.5, 2.0))
    for field in (rough, smooth):
        assert abs(field.mean()) < 1e-3 and abs(field.std() - 1) < 1e-3
    assert np.abs(np.diff(smooth)).mean() < 0.5 * np.abs(np.diff(rough)).mean()
    piece = window(smooth, 20, 30, generator(1))
    assert piece.shape == (20, 30) and np.isin(piece, smooth).all()


# How hard they are


def pixels_and_labels(module: ModuleType, root: Path) -> tuple[np.ndarray, np.ndarray]:
    """The labelled pictures as 32x32 RGB rows in [0, 1] and their labels."""
    if module is food11:
        pairs = [(path, int(path.name.split("_")[0])) for path in sorted((root / "training").iterdir())]
    else:
        base = root / "train" if module is seedlings else root
        pairs = [(p, k) for k, name in enumerate(module.CLASS_NAMES) for p in sorted((base / name).iterdir())]
    rows = [np.asarray(Image.open(p).resize((32, 32), Image.Resampling.BILINEAR)).ravel() for p, _ in pairs]
    return np.stack(rows) / 255.0, np.array([label for _, label in pairs])


@pytest.mark.slow
@pytest.mark.parametrize("module", SETS, ids=NAMES)
def test_a_linear_model_on_pixels_stays_below_60_percent(module: ModuleType) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder = sources.prepare(module.__name__.rpartition(".")[2])  # drawn once for all tests
    pixels, labels = pixels_and_labels(module, folder)
    seen, held_out, seen_labels, held_out_labels = train_test_split(
        pixels, labels, test_size=0.25, stratify=labels, random_state=0
    )
    for strength in (1e-4, 1e-2, 1.0):  # weak to strong fit
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=100))
        accuracy = model.fit(seen, seen_labels).score(held_out, held_out_labels)
        assert np.bincount(labels).max() / len(labels) < accuracy < 0.60
