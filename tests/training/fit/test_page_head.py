"""The head of the page network, on a tiny detector."""

import keras
import numpy as np
import pytest
from page_samples import features_of, tiny_detector

from digitocr.networks.page_network import (
    CELL,
    CHANNELS,
    CLASSES,
    DIGIT,
    FEATURES,
    LEAST_SIDE,
    PageNetwork,
    as_input,
)
from digitocr.networks.second_reader import session
from digitocr.training.datasets.page_corpus import LabelledPage, labelled_page
from digitocr.training.fit.courses import Course
from digitocr.training.fit.page_head import (
    balanced,
    cut_out,
    head,
    spread,
    train_head,
    varied,
    with_probabilities,
)
from digitocr.training.onnx_graphs import exported
from digitocr.training.pretrained_page import cut
from digitocr.training.synth.photos import photo
from digitocr.training.synth.strokes import Sources

SPREAD = (np.zeros(sum(CHANNELS), np.float32), np.ones(sum(CHANNELS), np.float32))


@pytest.fixture(scope="module")
def page():
    drawing = photo(np.random.default_rng(4), Sources(), longest=400, turns=False)
    return labelled_page(drawing, 400)


@pytest.fixture(scope="module")
def detector():
    return cut(tiny_detector())


def sample(side=56):
    rng = np.random.default_rng(3)
    return [rng.normal(size=(1, channels, side, side)).astype(np.float32) for channels in CHANNELS]


def test_the_head_is_small_and_takes_any_size():
    network = head(*SPREAD)
    assert 0.7e6 < network.count_params() < 0.8e6
    assert network(sample(64)).shape == (1, 64, 64, len(CLASSES) + 1)


def test_rare_kinds_weigh_more_and_the_mean_over_cells_is_one():
    labels = [np.array([[0] * 81, [0] * 81], np.uint8), np.array([1] * 18 + [0] * 20, np.uint8)]
    weights = balanced(labels, 3)
    assert weights[1] == pytest.approx(weights[0] * np.sqrt(182 / 18), rel=1e-5)
    assert weights[2] == weights[1]
    assert (182 * weights[0] + 18 * weights[1]) / 200 == pytest.approx(1)


def test_features_have_a_mean_of_nought_and_a_spread_of_one(page, detector):
    mean, variance = spread([page] * 2, lambda pages: features_of(detector, pages))
    joined = np.concatenate(features_of(detector, as_input([page.picture])), axis=1)[0].reshape(len(mean), -1)
    assert np.allclose(mean, joined.mean(axis=1), atol=1e-3)
    assert np.allclose(variance, joined.var(axis=1), rtol=1e-2, atol=1e-4)


def test_a_cut_out_has_the_labels_of_its_place(page):
    shown = page.picture.min(axis=2).astype(float)
    for seed in range(5):
        part = cut_out(page, np.random.default_rng(seed))
        assert part.picture.shape[:2] == tuple(CELL * side for side in part.classes.shape)
        assert part.classes.shape == part.centre.shape
        assert part.centre.any()
        assert min(part.picture.shape[:2]) >= LEAST_SIDE
        darkness = [np.repeat(np.repeat(one.classes == DIGIT, 4, axis=0), 4, axis=1) for one in (part, page)]
        dark = part.picture.min(axis=2)[darkness[0]].mean()
        assert dark == pytest.approx(shown[darkness[1]].mean(), abs=30)
    blank = LabelledPage.of(page.picture, page.classes, np.zeros_like(page.centre))
    assert cut_out(blank, np.random.default_rng(1)) is blank


def test_light_varies_and_the_picture_stays(page):
    rng = np.random.default_rng(1)
    for _ in range(4):
        other = varied(page.picture, rng)
        assert other.shape == page.picture.shape
        assert (other == other[:, :, :1]).all(), "grey"
        assert np.corrcoef(other[:, :, 0].ravel(), page.picture.mean(axis=2).ravel())[0, 1] > 0.9


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_training_lowers_the_loss(page, detector, tmp_path, capsys):
    course = Course("pages", 3, 4, 2e-3, tmp_path)
    train_head([page], lambda pages: features_of(detector, pages), course, 5)
    losses = [
        float(line.rsplit(" ", 1)[1]) for line in capsys.readouterr().err.splitlines() if "loss" in line
    ]
    assert len(losses) == 3
    assert losses[2] < 0.9 * losses[0]


@pytest.mark.filterwarnings("ignore")
def test_the_exported_head_says_what_keras_says(page, detector):
    keras.utils.set_random_seed(2)
    network = with_probabilities(head(*SPREAD))
    made = exported(network, sample())
    given = sample(40)
    classes, centre = session(made, 1).run(None, dict(zip(FEATURES, given, strict=True)))
    wanted = network(given)
    assert np.abs(classes - wanted[0]).max() < 5e-3, "weights in half precision"
    assert np.abs(centre - wanted[1]).max() < 5e-3
    maps = PageNetwork.of(detector, made, threads=1).maps(page.picture, max(page.picture.shape))
    (expected, _) = network(features_of(detector, as_input([page.picture])))
    assert maps.classes.shape == (*page.classes.shape, len(CLASSES))
    assert maps.centre.shape == page.classes.shape
    assert np.abs(maps.classes - expected[0]).max() < 1e-2
