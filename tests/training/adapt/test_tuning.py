import csv

import cv2
import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.training.adapt.tuning import (
    HELD_BACK_SHARE,
    MIN_CORRECTIONS,
    Comparison,
    KnownSet,
    Size,
    blend_weights,
    judge_models,
    load_corrections,
    tune,
)
from digitocr.training.datasets.corpus import Candidates
from digitocr.training.datasets.mnist import load_mnist


def made(folder, images, labels):
    """Write digits as an export of corrections is."""
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["crop", "label"])
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            (folder / str(label)).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / f"{label}/r{i}.png"), image)
            writer.writerow([f"{label}/r{i}.png", label])
    return folder


def noise(count):
    return np.random.default_rng(3).integers(0, 255, (count, 28, 28), dtype=np.uint8)


class TestCorrections:
    def test_a_share_is_held_back_the_same_each_time(self, tmp_path):
        folder = made(tmp_path / "c", noise(400), [i % 10 for i in range(400)])
        own, held = load_corrections(folder)
        assert len(own.labels) + len(held.labels) == 400
        assert abs(len(held.labels) / 400 - HELD_BACK_SHARE) < 0.08
        again, _ = load_corrections(folder)
        np.testing.assert_array_equal(own.images, again.images)
        assert not {i.tobytes() for i in own.images} & {i.tobytes() for i in held.images}

    def test_more_corrections_leave_those_held_back_where_they_are(self, tmp_path):
        few = made(tmp_path / "few", noise(400)[:200], [1] * 200)
        many = made(tmp_path / "many", noise(400), [1] * 400)
        held = {i.tobytes() for i in load_corrections(few)[1].images}
        assert held <= {i.tobytes() for i in load_corrections(many)[1].images}

    def test_too_few(self, tmp_path):
        with pytest.raises(UsageError, match="too few"):
            load_corrections(made(tmp_path / "c", noise(MIN_CORRECTIONS - 1), [1] * (MIN_CORRECTIONS - 1)))

    def test_no_export(self, tmp_path):
        with pytest.raises(UsageError, match="holds no corrections"):
            load_corrections(tmp_path)

    def test_a_damaged_export(self, tmp_path):
        folder = made(tmp_path / "c", noise(120), [1] * 120)
        next(folder.glob("1/*.png")).write_bytes(b"")
        with pytest.raises(UsageError, match="damaged"):
            load_corrections(folder)


GOOD = (
    Comparison("own", 100, 0.70, 0.90, 0.001),
    Comparison("mnist", 10_000, 0.995, 0.9946, 0.5),
    Comparison("drawn", 5000, 0.9, 0.9, 1),
)


@pytest.mark.parametrize(
    ("place", "changed", "why"),
    [
        (0, Comparison("own", 100, 0.70, 0.74, 0.3), "not significantly better"),
        (0, Comparison("own", 100, 0.70, 0.50, 0.001), "not significantly better"),
        (0, Comparison("own", 100, 0.10, 0.30, 0.001), "look at the labels"),
        (1, Comparison("mnist", 10_000, 0.995, 0.9944, 0.5), "worse on MNIST"),
        (2, Comparison("drawn", 5000, 0.90, 0.88, 0.001), "worse on drawings"),
    ],
)
def test_only_what_is_better_and_nowhere_worse_is_promoted(place, changed, why):
    assert judge_models(*GOOD).promoted
    verdict = judge_models(*(changed if i == place else one for i, one in enumerate(GOOD)))
    assert not verdict.promoted
    assert why in verdict.lines()[-1]


class Forgetful:
    """A network that reads fewer of what was known before, the farther its weight goes; bright pictures sooner."""

    def __init__(self, limit, limit_of_bright):
        self.limits = limit, limit_of_bright
        self.weight = 1.0

    def get_weights(self):
        return [np.array([self.weight])]

    def set_weights(self, weights):
        self.weight = float(weights[0][0])

    def __call__(self, batch, training):
        bright = batch.reshape(len(batch), -1).min(axis=1) > 0.5
        known = self.weight <= np.where(bright, self.limits[1], self.limits[0])
        return np.eye(12)[np.where(known, 1, 7)]


@pytest.mark.parametrize(
    ("limit", "of_bright", "share"),
    [(1.0, 1.0, 1.0), (0.55, 1.0, 0.5), (1.0, 0.75, 0.7), (0.75, 0.55, 0.5), (0.0, 1.0, 0.3)],
)
def test_weights_go_no_farther_than_is_known_still(limit, of_bright, share):
    network = Forgetful(limit, of_bright)
    dark, bright = (
        KnownSet(Candidates(noise(50) // 2 + add, np.ones(50, np.int8)), classes, loss)
        for add, classes, loss in ((0, 10, 0.0), (128, 12, 0.01))
    )
    assert blend_weights(network, [np.array([0.0])], (dark, bright)) == share
    assert network.weight == share


@pytest.fixture(scope="module")
def writing():
    """Digits of a drawn writer whose 7 the shipped model does not know, as the reading path cuts them."""
    try:
        load_mnist()
    except UsageError:
        pytest.skip("MNIST is neither at hand nor to be had from the network")
    from new_writer import SOURCES

    from digitocr.recognition.normalize import to_mnist
    from digitocr.training.datasets.labelling import labelled_lines
    from digitocr.training.synth.lines import line

    images, labels, i = [], [], 0
    while len(labels) < 430:  # 298 to learn from, the rest held back
        rng = np.random.default_rng((5, i))
        i += 1
        text = "".join(rng.choice(list("777012345689"), size=5))
        drawing = line(rng, SOURCES, text=text, damage=0.3)
        values = np.array([-1 if d.overwritten else d.label for d in drawing.digits], np.int8)
        plain = np.ones(len(drawing.signs), dtype=bool)
        for found in labelled_lines(drawing.image, drawing.owner, values, plain):
            for candidate, label in zip(found.line.candidates, found.labels, strict=True):
                if 0 <= label < 10:
                    images.append(to_mnist(found.line.ink(candidate)))
                    labels.append(int(label))
    return np.stack(images)[:430], np.array(labels)[:430]


SMALL = Size(pictures=1200, digits=6000, frozen=200, lines=100)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")  # on few lines; enough for what is told here
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, when it saves
def test_a_new_writer_is_learned_and_nothing_is_unlearned(writing, tmp_path):
    folder = made(tmp_path / "c", *writing)
    verdict = tune(None, folder, tmp_path / "new.keras", SMALL, 1, print)
    print("\n".join(verdict.lines()))
    assert 1 - verdict.own.after <= 0.5 * (1 - verdict.own.before)
    assert verdict.mnist.after >= verdict.mnist.before - 0.0005
    assert verdict.promoted


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")  # on few lines; enough for what is told here
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, when it saves
def test_shuffled_labels_are_not_promoted(writing, tmp_path):
    images, labels = writing
    folder = made(tmp_path / "c", images, np.random.default_rng(1).permutation(labels))
    verdict = tune(None, folder, tmp_path / "new.keras", SMALL, 1, print)
    print("\n".join(verdict.lines()))
    assert not verdict.promoted
