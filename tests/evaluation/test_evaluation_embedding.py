"""Features row by row; PCA against eigenvectors, t-SNE and neighbours against scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.manifold import TSNE
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.evaluation.embedding import knn_accuracy, layer_features, pca, tsne
from course_utils.models.features import features
from course_utils.models.simple_cnn import SimpleCNN


def clouds(count=90, width=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return rng.normal(size=(count, width)) + 4 * np.eye(width)[labels], labels


def batches(**options):
    pixels = np.random.default_rng(0).integers(0, 256, (11, 1, 16, 16), dtype=np.uint8)
    names = [f"{i}.png" for i in range(11)]
    pictures = PictureSet(
        [Path(n) for n in names],
        np.arange(11) % 2,
        names,
        class_names=("a", "b"),
        size=(16, 16),
        mode="L",
        decoded=pixels,
    )
    return Batches(pictures, batch_size=4, mean=(0.5,), std=(0.25,), **options)


def test_rows_of_features_are_in_the_order_of_the_set():
    torch.manual_seed(0)
    model = SimpleCNN(
        num_classes=2, image_size=16, in_channels=1, channels=(4, 6), hidden=(5,), dropout=0.5
    ).train()
    rows = layer_features(model, batches(), layer="cnn.7")
    assert rows.shape == (11, 6) and rows.dtype == np.float32
    assert model.training
    model.eval()
    whole = batches()
    whole.batch_size = 11
    images = torch.cat([images for images, _, _ in batches().epoch()])
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(rows), features(model, images, layer="cnn.7").features)
    assert layer_features(model, batches()).shape == (11, 5)
    with pytest.raises(ValueError, match="row i is picture i"):
        layer_features(model, batches(shuffle=True))


def test_pca_equals_the_eigenvectors_of_the_covariance():
    values, _ = clouds()
    found = pca(values, num_components=3)
    variances, directions = np.linalg.eigh(np.cov(values.T))
    by_hand = (values - values.mean(0)) @ directions[:, ::-1][:, :3]
    np.testing.assert_allclose(np.abs(found.points), np.abs(by_hand), atol=1e-9)
    np.testing.assert_allclose(found.explained, variances[::-1][:3] / variances.sum(), rtol=1e-9)
    assert np.array_equal(pca(values).points, pca(values.copy()).points)
    with pytest.raises(ValueError, match="have 1 to 6"):
        pca(values, num_components=7)


def test_tsne_is_scikit_learns_and_follows_the_seed():
    values, _ = clouds(60)
    found = tsne(values, seed=5, perplexity=10, num_steps=300)
    theirs = TSNE(
        perplexity=10, max_iter=300, init="pca", learning_rate="auto", random_state=5
    ).fit_transform(values)
    np.testing.assert_array_equal(found.points, theirs)
    assert found.perplexity == 10 and found.divergence > 0
    random = [
        tsne(values, seed=seed, perplexity=10, num_steps=300, start="random").points for seed in (1, 1, 2)
    ]
    assert np.array_equal(random[0], random[1]) and not np.array_equal(random[0], random[2])


@pytest.mark.parametrize(("count", "width"), [(5, 4), (8, 1), (20, 30)])
def test_small_sets_get_a_smaller_perplexity(count, width):
    found = tsne(np.random.default_rng(0).normal(size=(count, width)), seed=0, num_steps=300)
    assert found.perplexity == pytest.approx((count - 1) / 3)
    assert found.points.shape == (count, 2) and np.isfinite(found.points).all()


@pytest.mark.parametrize("k", [1, 3, 5])
def test_knn_accuracy_equals_scikit_learns(k):
    rng = np.random.default_rng(1)
    values, labels = rng.normal(size=(80, 4)), rng.integers(0, 4, 80) * 2  # labels need not be 0, 1, 2 ...
    values += 0.8 * np.eye(4)[labels // 2]
    judge = KNeighborsClassifier(k)
    assert knn_accuracy(values, labels, k=k) == pytest.approx(
        cross_val_score(judge, values, labels, cv=LeaveOneOut()).mean()
    )
    half = slice(None, 40), slice(40, None)
    expected = judge.fit(values[half[0]], labels[half[0]]).score(values[half[1]], labels[half[1]])
    got = knn_accuracy(
        values[half[1]], labels[half[1]], k=k, reference=values[half[0]], reference_labels=labels[half[0]]
    )
    assert got == pytest.approx(expected)


def test_a_point_is_not_its_own_neighbour_even_among_equal_points():
    values = np.repeat(np.arange(4.0)[:, None] * 10, 2, axis=0)  # four places with two points each
    assert knn_accuracy(values, np.array([0, 1] * 4), k=1) == 0.0
    assert knn_accuracy(values, np.repeat(np.arange(4), 2), k=1) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tsne(np.zeros((9, 3)), seed=0), "all rows are equal"),
        (lambda: tsne(np.eye(4), seed=0), "at least 5 rows"),
        (lambda: tsne(np.full((9, 2), np.nan), seed=0), "9 of 9 rows are not finite"),
        (lambda: tsne(clouds()[0], seed=0, perplexity=0.5), "perplexity is 0.5"),
        (lambda: tsne(clouds()[0], seed=0, num_steps=250), "more than 250"),
        (lambda: tsne(clouds()[0], seed=0, start="spectral"), "expected one of pca, random"),
        (lambda: knn_accuracy(*clouds(9), k=9), "there are 8 neighbours"),
        (lambda: knn_accuracy(clouds(9)[0], np.zeros(8)), "a label for each row"),
        (lambda: knn_accuracy(*clouds(9), reference=clouds(9)[0]), "give both"),
    ],
)
def test_what_cannot_be_done_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
