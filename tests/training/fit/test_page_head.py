"""The head of the page network, on a tiny detector."""

import keras
import numpy as np
import pytest
from page_samples import features_of, tiny_detector

from digitocr.networks.page_network import CHANNELS, CLASSES, FEATURES, PageNetwork, as_input
from digitocr.networks.second_reader import session
from digitocr.training.datasets.page_corpus import labelled_page
from digitocr.training.fit import page_head
from digitocr.training.fit.courses import Course
from digitocr.training.fit.page_head import balanced, crops, head, train_head, varied, with_probabilities
from digitocr.training.onnx_graphs import exported
from digitocr.training.pretrained_page import cut
from digitocr.training.synth.photos import photo
from digitocr.training.synth.strokes import Sources

CROP = page_head.CROP


@pytest.fixture(scope="module")
def page():
    drawing = photo(np.random.default_rng(4), Sources(), longest=400, turns=False)
    return labelled_page(drawing, 400)


@pytest.fixture(scope="module")
def detector():
    return cut(tiny_detector())


def sample(shape=CROP):
    rng = np.random.default_rng(3)
    return [rng.normal(size=(1, channels, *shape)).astype(np.float32) for channels in CHANNELS]


def test_the_head_is_small_and_takes_any_size():
    network = head()
    assert 0.1e6 < network.count_params() < 0.15e6
    assert network(sample((60, 41))).shape == (1, 60, 41, len(CLASSES) + 1)


def test_rare_kinds_weigh_more_and_the_mean_over_cells_is_one():
    labels = [np.array([[0] * 81, [0] * 81], np.uint8), np.array([1] * 18 + [0] * 20, np.uint8)]
    weights = balanced(labels, 3)
    assert weights[1] == pytest.approx(weights[0] * np.sqrt(182 / 18), rel=1e-5)
    assert weights[2] == weights[1]
    assert (182 * weights[0] + 18 * weights[1]) / 200 == pytest.approx(1)


def test_crops_hold_the_truth_of_their_place(page):
    where = np.arange(page.classes.size, dtype=np.float32).reshape(1, 1, *page.classes.shape)
    for (place, *_), truth in crops(page, [where] * 3, 5, np.random.default_rng(2)):
        at = place[0].astype(int)
        assert truth["classes"].shape == CROP
        assert np.array_equal(page.classes.ravel()[at], truth["classes"])
        assert np.array_equal(page.centre.ravel()[at], truth["centre"])


def test_light_varies_and_the_picture_stays(page):
    rng = np.random.default_rng(1)
    for _ in range(4):
        other = varied(page.picture, rng)
        assert other.shape == page.picture.shape
        assert np.ptp(other, axis=2).max() == 0
        assert np.corrcoef(other.ravel(), page.picture.ravel())[0, 1] > 0.9


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_training_lowers_the_loss(page, detector, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_head, "SHUFFLED", 4)
    course = Course("pages", 3, 4, 2e-3, tmp_path)
    train_head([page], [page], lambda pages: features_of(detector, pages), head(), course, 2, 5)
    losses = [
        float(line.rsplit(" ", 1)[1]) for line in capsys.readouterr().err.splitlines() if "loss" in line
    ]
    assert len(losses) == 3
    assert losses[2] < 0.9 * losses[0]


@pytest.mark.filterwarnings("ignore")
def test_the_exported_head_says_what_keras_says(page, detector):
    keras.utils.set_random_seed(2)
    network = with_probabilities(head())
    made = exported(network, sample())
    given = sample((40, 40))
    classes, centre = session(made, 1).run(None, dict(zip(FEATURES, given, strict=True)))
    wanted = network(given)
    assert np.abs(classes - wanted[0]).max() < 2e-3
    assert np.abs(centre - wanted[1]).max() < 1e-3
    maps = PageNetwork.of(detector, made, threads=1).maps(page.picture, max(page.picture.shape))
    (expected, _) = network(features_of(detector, as_input([page.picture])))
    assert maps.classes.shape == (*page.classes.shape, len(CLASSES))
    assert maps.centre.shape == page.classes.shape
    assert np.abs(maps.classes - expected[0]).max() < 1e-2
