"""Views and their average: what each view does to pixels, and that the average is one of probabilities."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.evaluation.predict import predict
from course_utils.evaluation.predict_features import predict_features
from course_utils.evaluation.tta import VIEW_SETS, VIEWS, ViewAverage, apply_view, predict_views, view_names

NUM, CLASSES = 11, 3


def batches(size=(6, 6), batch_size=4, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (NUM, 3, *size), dtype=np.uint8)
    names = [f"{i}.png" for i in range(NUM)]
    pictures = PictureSet(
        names, [i % CLASSES for i in range(NUM)], names, class_names="abc", size=size, decoded=pixels
    )
    return Batches(pictures, batch_size=batch_size, mean=(0.5,) * 3, std=(0.25,) * 3, **options)


def network(size=(6, 6)):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * size[0] * size[1], CLASSES))


def images(size=(5, 5)):
    return torch.arange(2 * 3 * size[0] * size[1], dtype=torch.float32).reshape(2, 3, *size)


def test_each_view_equals_numpy():
    x = images()
    want = {
        "identity": x.numpy(),
        "flip": x.numpy()[..., ::-1],
        "flip_vertical": x.numpy()[..., ::-1, :],
        "turn_90": np.rot90(x.numpy(), 1, (2, 3)),
        "turn_180": np.rot90(x.numpy(), 2, (2, 3)),
        "turn_270": np.rot90(x.numpy(), 3, (2, 3)),
    }
    for name, pixels in want.items():
        assert (apply_view(x, name).numpy() == pixels).all(), name
    assert (apply_view(x, "turn_90+flip").numpy() == want["turn_90"][..., ::-1]).all()


def test_crops_keep_the_shape_and_their_corner():
    x = torch.zeros(1, 3, 16, 16)
    x[..., 0, 0], x[..., 0, 15], x[..., 15, 0], x[..., 15, 15] = 1, 2, 3, 4  # a mark in every corner
    for name, down, across, mark in [
        ("crop_top_left", 0, 0, 1),
        ("crop_top_right", 0, 15, 2),
        ("crop_bottom_left", 15, 0, 3),
        ("crop_bottom_right", 15, 15, 4),
    ]:
        view = apply_view(x, name)
        assert view.shape == x.shape
        assert view[0, 0, down, across] == mark
        view[..., down, across] = 0
        assert view.max() < mark  # the other corners are cut off
    assert apply_view(x, "crop_centre").abs().max() == 0
    flat = torch.full((1, 3, 16, 16), 0.3)
    assert all(torch.allclose(apply_view(flat, name), flat) for name in VIEWS)
    assert apply_view(torch.rand(1, 3, 1, 1), "crop_top_left").shape == (1, 3, 1, 1)


def test_sets_of_views():
    assert {name: len(view_names(name)) for name in VIEW_SETS} == {
        "flips": 2,
        "turns": 4,
        "eight": 8,
        "five_crops": 5,
        "ten_crops": 10,
    }
    assert view_names(["identity", "five_crops"])[0] == "identity"
    eight = {tuple(apply_view(images(), name).flatten().tolist()) for name in view_names("eight")}
    assert len(eight) == 8


@pytest.mark.parametrize(
    ("views", "said"),
    [
        ("flop", "Did you mean 'flip'"),
        ("crop_centre+turn_45", "'turn_45' is no view"),
        ([], "one view or more"),
        (["flips", "flip"], "each once"),
        ("", "'' is no view"),
    ],
)
def test_an_unknown_view_is_refused(views, said):
    with pytest.raises(ValueError, match=said):
        view_names(views)


def test_a_quarter_turn_needs_square_pictures():
    assert apply_view(images((4, 6)), "turn_180").shape == (2, 3, 4, 6)
    with pytest.raises(ValueError, match="4 x 6"):
        apply_view(images((4, 6)), "turn_90")


def test_the_average_is_one_of_probabilities():
    model = network().eval()
    got = predict_views(model, batches(), views="eight")
    want = np.zeros((NUM, CLASSES))
    for images_of_batch, _, indices in batches().epoch():
        with torch.no_grad():
            for name in view_names("eight"):
                want[indices] += model(apply_view(images_of_batch, name)).double().softmax(dim=1).numpy() / 8
    assert got.probabilities == pytest.approx(want, abs=1e-6)
    assert got.ids == batches().pictures.ids


def test_the_identity_alone_is_predict():
    model = network()
    plain, viewed = (
        predict(model, batches()),
        predict_views(model, batches(), views="identity"),
    )
    assert viewed.probabilities == pytest.approx(plain.probabilities, abs=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_models_mode_is_put_back(training):
    model = network().train(training)
    predict_views(model, batches(), views="flips")
    assert model.training is training
    assert ViewAverage(model, "flips").training is training


def test_tiny_probabilities_stay_finite_and_broken_ones_are_refused():
    class Sure(nn.Module):
        def forward(self, x):
            sign = torch.where(x[:, 0, 0, 0] > x[:, 0, 0, -1], 1.0, -1.0)
            return torch.stack([sign, -sign, -sign], dim=1) * self.size

    model = Sure()
    model.size = 1e4  # exp(-20000) is 0 in float32
    assert np.isfinite(predict_views(model, batches(), views="identity").logits).all()
    model.size = float("inf")
    with pytest.raises(FloatingPointError, match=r"0\.png"):
        predict_views(model, batches(), views="flips")


def test_one_broken_view_is_enough_to_refuse():
    class Broken(nn.Module):
        def forward(self, x):
            logits = torch.zeros(len(x), CLASSES)
            logits[x[:, 0, 0, 0] > x[:, 0, 0, -1], 1] = -torch.inf  # in one of the two views
            return logits

    with pytest.raises(FloatingPointError):
        predict_views(Broken(), batches(), views="flips")


class Stages(nn.Module):
    """Two layers with a map between them, and a classifier."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.fc(self.stem(x).mean((2, 3)))


@pytest.mark.parametrize("layer", [None, "stem"])
@pytest.mark.parametrize("batch_size", [4, 11, 50])
def test_features_of_a_whole_set_in_order(layer, batch_size):
    model = Stages()
    got = predict_features(model, batches(batch_size=batch_size), layer=layer)
    assert got.features.shape == (NUM, 8) and got.features.dtype == np.float32
    assert (got.ids, got.class_names) == (batches().pictures.ids, ("a", "b", "c"))
    assert got.targets.tolist() == [i % CLASSES for i in range(NUM)]
    with torch.no_grad():  # both names mean the same numbers here: the averaged map
        one_by_one = torch.cat(
            [model.stem(batches(batch_size=1)[0, i].images).mean((2, 3)) for i in range(NUM)]
        )
    assert got.features == pytest.approx(one_by_one.numpy(), abs=1e-5)
    assert model.training


def test_features_that_are_not_the_sets_own_are_refused():
    with pytest.raises(ValueError, match="without shuffle"):
        predict_features(Stages(), batches(shuffle=True))
    with pytest.raises(ValueError, match="nearest name is 'stem'"):
        predict_features(Stages(), batches(), layer="stm")
    model = Stages()
    with torch.no_grad():
        model.stem.weight.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match=r"11 of 11 pictures.*'0\.png'"):
        predict_features(model, batches())


def test_another_number_of_classes_is_refused_and_frozen_layers_stay_frozen():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, CLASSES + 1))
    model[0].eval()  # frozen on purpose, in a network that trains
    with pytest.raises(ValueError, match=r"4 logits per picture, but the pictures have 3 classes: a, b, c"):
        predict(model, batches())
    assert model.training and model[2].training and not model[0].training
