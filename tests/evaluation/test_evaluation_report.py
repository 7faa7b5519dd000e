"""The report of planted predictions, and its page as a browser shows it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import headless_browser as browser
import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from course_utils import files
from course_utils.evaluation import metrics
from course_utils.evaluation.calibration import fit_temperature
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.report import build_report
from course_utils.plots.report_page import report_page, write_page

NAMES = ("猫", "dog", "a <b>bold</b> & very long class name without any sense", "7")


def draw(seed=0, num=120, names=NAMES, absent=()):
    generator = np.random.default_rng(seed)
    targets = generator.choice([c for c in range(len(names)) if c not in absent], num)
    logits = generator.normal(0, 1.5, (num, len(names))).astype(np.float32)
    logits[np.arange(num), targets] += 2.5
    return Predictions(logits, targets, [f"图/{i:04d}.jpg" for i in range(num)], names)


def pictures(num=120, size=28):
    return np.random.default_rng(1).integers(0, 256, (num, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def report():
    predictions = draw()
    return build_report(
        predictions,
        name="run <1>",
        images=pictures(),
        facts={"brightness": pictures().mean(axis=(1, 2, 3)), "source": ["老", "new"] * 60},
        about={"data": "made up & drawn", "command": "evaluate " + "x" * 300},
        temperature=fit_temperature(draw(1).logits, draw(1).targets),
        compare={"other run": replace(draw(2), targets=predictions.targets)},
        resamples=200,
    )


def test_it_holds_the_figures_of_metrics_and_is_plain_json(report):
    values, predictions = report.as_dict(), draw()
    assert json.loads(files.to_json(values)) == values
    assert values["summary"] == metrics.summary(
        predictions.logits, predictions.targets, NAMES, scores_are="logits"
    )
    for name, (low, high) in values["intervals_95"].items():
        flat = {**values["summary"], "macro_f1": values["summary"]["macro"]["f1"]}
        assert low <= flat[name] <= high, name
    assert values["intervals_95"].keys() == {
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "log_loss",
        "top_4_accuracy",
    }
    assert repr(report).startswith("run <1>: accuracy 0.")


def test_the_worst_errors_are_wrong_ordered_and_shown(report):
    values, predictions = report.as_dict(), draw()
    chances = softmax(predictions.logits.astype(float), axis=1)
    wrong = np.flatnonzero(predictions.predicted != predictions.targets)
    truth = chances[np.arange(120), predictions.targets]
    order = sorted(wrong.tolist(), key=lambda i: truth[i])[:24]
    assert [error["id"] for error in values["worst_errors"]] == [predictions.ids[i] for i in order]
    first = values["worst_errors"][0]
    assert first["true"] == NAMES[predictions.targets[order[0]]]
    assert first["confidence_in_truth"] == pytest.approx(truth[order[0]], abs=1e-6)
    assert len(report.pictures) == len(order)
    assert all((shown == pictures()[i]).all() for shown, i in zip(report.pictures, order, strict=True))


def test_files_do_as_pictures_and_only_errors_are_read(tmp_path):
    predictions = draw(num=30)
    paths = [tmp_path / f"{i}.png" for i in range(30)]
    for i in np.flatnonzero(predictions.predicted != predictions.targets):
        Image.new("RGB", (40, 20), (int(i), 0, 0)).save(paths[i])
    found = build_report(predictions, images=paths, resamples=2)
    assert [one.shape for one in found.pictures] == [(20, 40, 3)] * len(found.pictures)
    assert len(found.pictures) == len(found.as_dict()["worst_errors"]) > 0


def test_temperature_and_comparison(report):
    values, predictions = report.as_dict(), draw()
    found = values["temperature"]
    assert found["log_loss_before"] == values["summary"]["log_loss"]
    scaled = predictions.logits.astype(float) / found["value"]
    assert found["log_loss_after"] == pytest.approx(metrics.log_loss(scaled, predictions.targets))
    assert found["ece_before"] == values["calibration"]["ece"]
    (row,) = values["comparisons"]
    want = metrics.mcnemar(predictions.predicted, draw(2).predicted, predictions.targets)
    assert (row["other"], row["only_this_right"], row["p_value"]) == (
        "other run",
        want.only_first,
        want.p_value,
    )
    assert row["other_accuracy"] == metrics.accuracy(draw(2).predicted, predictions.targets)


DEGENERATE = {
    "absent class": draw(absent=(1,)),
    "one class": Predictions(np.ones((5, 1), np.float32), np.zeros(5, int), list("abcde"), ("only",)),
    "one image": draw(num=1),
    "all right": Predictions(np.eye(3, dtype=np.float32) * 9, np.arange(3), list("abc"), tuple("xyz")),
    "all wrong": Predictions(np.eye(3, dtype=np.float32) * 9, np.array([1, 2, 0]), list("abc"), tuple("xyz")),
    "many classes": draw(num=90, names=tuple(f"class {i}" for i in range(70))),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_sets_have_a_report_and_a_page(name):
    found = build_report(DEGENERATE[name], resamples=20)
    assert json.loads(files.to_json(found.as_dict())) == found.as_dict()
    parsed = Page.of(report_page(found.as_dict()))
    assert parsed.unclosed == [] and all(alt.strip() for alt in parsed.alts)


@pytest.mark.parametrize(
    ("predictions", "options", "said"),
    [
        (replace(draw(), targets=np.full(120, -1)), {}, "120 of 120 pictures have no label"),
        (draw(), {"images": pictures(3)}, "3 images for 120"),
        (draw(), {"facts": {"x": [1]}}, "'x' has 1 values"),
        (draw(), {"images": [np.zeros((4, 4, 3))] * 120}, "float64"),
        (
            draw(),
            {"compare": {"other": replace(draw(), class_names=tuple("abcd"))}},
            "other: the class lists",
        ),
    ],
)
def test_what_does_not_fit_is_refused(predictions, options, said):
    with pytest.raises(ValueError, match=said):
        build_report(predictions, resamples=2, **options)


class Page(HTMLParser):
    """Tags that stay open, alt texts, and addresses of a page."""

    def __init__(self):
        super().__init__()
        self.unclosed, self.alts, self.addresses, self.text = [], [], [], ""

    @classmethod
    def of(cls, text):
        page = cls()
        page.feed(text)
        return page

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in ("meta", "link", "img", "br", "!doctype"):
            self.unclosed.append(tag)
        if tag == "img":
            self.alts.append(values.get("alt") or "")
        self.addresses += [values[key] for key in ("src", "href") if key in values]

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_self_contained_and_escaped(report):
    text = report_page(report.as_dict(), pictures=report.pictures)
    page = Page.of(text)
    assert page.unclosed == []
    assert len(page.alts) >= 6 + len(report.pictures) and all(alt.strip() for alt in page.alts)
    assert all(address.startswith("data:") for address in page.addresses)
    assert "<b>bold" not in text and "a <b>bold</b> & very" in page.text
    assert "url(" not in text and "@import" not in text and "<script" not in text
    for number in (report.as_dict()["summary"]["accuracy"], *report.as_dict()["intervals_95"]["accuracy"]):
        assert f"{number:.4f}" in page.text
    assert re.search(r"Picture 图/\d{4}\.jpg: .*, taken for .* %\)\.", " ".join(page.alts))


def test_pictures_have_to_be_those_of_the_errors(report):
    with pytest.raises(ValueError, match="1 pictures for"):
        report_page(report.as_dict(), pictures=report.pictures[:1])


BAD = """<!DOCTYPE html><html><head><link rel="stylesheet" href="http://127.0.0.1:9/style.css"></head>
<body style="background: white; color: #ccc"><h2>bad</h2><div style="width: 700px">wide</div>
<img src="data:,x" alt="broken">
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">
<script>console.error("planted")</script></body></html>"""


@pytest.mark.skipif(browser.chromium() is None, reason="no chromium, chromium-browser or google-chrome here")
def test_the_page_in_a_browser(report, tmp_path):
    good = write_page(report, tmp_path / "report.html")
    bad = tmp_path / "bad.html"
    bad.write_text(BAD, encoding="utf-8")
    views = [(good, width, scheme) for width in (400, 1280) for scheme in ("light", "dark")]
    views.append((bad, 400, "light"))
    (*found, planted), console = browser.look_at(views, tmp_path)
    sides = [(one["width"], one["dark"]) for one in found]
    assert sides == [(400, False), (400, True), (1280, False), (1280, True)]
    for one in found:
        assert one["too_wide"] <= 0
        assert one["broken"] == one["without_alt"] == one["requests"] == []
        assert one["scripts"] == 0
        assert one["images"] >= 6 + len(report.pictures)
        assert one["contrast"] > 7
        assert "Worst errors" in one["headings"]
    assert not [line for line in console if "report.html" in line]
    # The same look finds each fault of a page that has them all.
    assert planted["too_wide"] > 0 and planted["broken"] == ["broken"] and len(planted["without_alt"]) == 1
    assert planted["requests"] == ["http://127.0.0.1:9/style.css"]
    assert planted["contrast"] < 2
    assert any("planted" in line for line in console)
