"""Shapes: every digit in its variants, archives drawn by writer, MNIST as a source."""

import os
from pathlib import Path

import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.synth.hand import Pen, draw_hand
from digitocr.training.synth.pen import Token, ink_texture, rasterise, write
from digitocr.training.synth.skeletons import DIGITS, LETTERS, SIGNS, SQUARE, by_label, square_by_label
from digitocr.training.synth.stroke_archives import holds_two, load_archive, sources_at
from digitocr.training.synth.strokes import DIGIT_LABELS, Glyph, SkeletonSource, Sources, picture_source

DATA = Path(os.environ.get("DIGITOCR_DATA", "../shared/data"))


def needs(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{name} is not at DIGITOCR_DATA")
    return path


def small_archive(path: Path) -> Path:
    """Two writers, each with a zero and a one of two strokes; the second is set aside for measuring."""
    ring = np.stack([np.cos(np.linspace(0, 6.3, 20)) * 60, np.sin(np.linspace(0, 6.3, 20)) * 100], axis=1)
    bar = np.stack([np.zeros(8), np.linspace(100, -100, 8)], axis=1)
    foot = np.stack([np.linspace(-30, 30, 5), np.full(5, -100.0)], axis=1)
    points = np.concatenate([ring, bar, foot, ring, bar, foot]).astype(np.int16)
    np.savez(
        path,
        points=points,
        stroke_offsets=np.array([0, 20, 28, 33, 53, 61, 66], np.int32),
        digit_offsets=np.array([0, 1, 3, 4, 6], np.int32),
        labels=np.array(["0", "1", "0", "1"]),
        writers=np.array([5, 5, 9, 9], np.int16),
        is_test=np.array([False, False, True, True]),
    )
    return path


def test_every_digit_has_the_worlds_variants() -> None:
    variants = {str(d): {s.variant for s in DIGITS if s.label == str(d)} for d in range(10)}
    assert variants["0"] >= {"plain", "open", "slashed"}
    assert variants["1"] >= {"bare", "flag", "flag-foot"}
    assert variants["2"] >= {"plain", "loop"}
    assert variants["3"] >= {"round", "flat"}
    assert variants["4"] >= {"open", "closed"}
    assert variants["5"] >= {"one", "two", "tick"}
    assert variants["6"] >= {"plain", "straight", "open"}
    assert variants["7"] >= {"bare", "bar", "hook"}
    assert variants["8"] >= {"one", "two", "open"}
    assert variants["9"] >= {"round", "straight", "p"}


def test_names_of_variants_are_unique_and_paths_lie_in_the_cap_frame() -> None:
    names = [(s.label, s.variant) for s in (*DIGITS, *SIGNS)]
    assert len(names) == len(set(names))
    for skeleton in DIGITS:
        points = np.concatenate(skeleton.strokes())
        assert points.dtype == np.float32
        assert -0.2 < points[:, 1].min() < 0.1
        assert 0.9 < points[:, 1].max() < 1.1
        assert np.ptp(points[:, 0]) < 1.1


def test_curves_pass_through_their_controls() -> None:
    for skeleton in (*DIGITS, *SIGNS, *SQUARE):
        for controls, drawn in zip(skeleton.controls, skeleton.strokes(), strict=True):
            distance = np.linalg.norm(controls[:, None] - drawn[None], axis=2).min(axis=1)
            assert distance.max() < 1e-5


def test_a_writer_draws_all_variants_of_all_labels_in_time() -> None:
    rng = np.random.default_rng(0)
    for label, variants in by_label().items():
        seen = {SkeletonSource().writer(rng).glyph(rng, label).variant for _ in range(60 * len(variants))}
        assert seen == {f"own/{label}/{v.variant}" for v in (*variants, *square_by_label()[label])}


def test_some_writers_follow_the_guides_of_a_box_in_every_digit() -> None:
    rng = np.random.default_rng(0)
    hands = [SkeletonSource().writer(rng) for _ in range(200)]
    square = [hand for hand in hands if hand.skeletons is square_by_label()]
    assert 10 <= len(square) <= 40
    written = [hand.glyph(rng, label).variant for hand in square for label in DIGIT_LABELS]
    assert all("square" in variant for variant in written)
    assert any("." in variant for variant in written), "none with round corners"


def test_a_writer_keeps_to_a_variant() -> None:
    rng = np.random.default_rng(1)
    writer = SkeletonSource().writer(rng)
    seen = [writer.glyph(rng, "7").variant for _ in range(50)]
    assert max(seen.count(v) for v in set(seen)) >= 40


def test_signs_that_look_like_digits_are_not_among_the_letters() -> None:
    assert not LETTERS & set("IOSZBlbqgzsPyYG")


def test_an_archive_is_drawn_by_writer_and_keeps_test_writers_apart(tmp_path: Path) -> None:
    path = small_archive(tmp_path / "pens.npz")
    rng = np.random.default_rng(0)
    train, test = load_archive(path), load_archive(path, held_out=True)
    assert {w for w, _ in train.by_writer} == {5}
    assert {w for w, _ in test.by_writer} == {9}
    one = train.writer(rng).glyph(rng, "1")
    assert one is not None
    assert one.variant == "pens/1/5"
    assert len(one.strokes) == 2
    points = np.concatenate(one.strokes)
    assert points[:, 1].min() == pytest.approx(0, abs=0.2)
    assert points[:, 1].max() == pytest.approx(1)
    # y goes down: the foot is under the bar
    assert one.strokes[1][:, 1].mean() > one.strokes[0][:, 1].mean()
    assert train.writer(rng).glyph(rng, "8") is None


@pytest.mark.parametrize(("label", "kept"), [("0", False), ("4", True)])
def test_two_digits_under_one_label_are_left_out_but_a_four_may_be_open(label: str, kept: bool) -> None:
    bar = np.stack([np.zeros(9), np.linspace(0, 1, 9)], axis=1).astype(np.float32)
    assert holds_two(Glyph(label, (bar, bar + np.float32([0.4, 0.0])), "x")) is not kept
    assert not holds_two(Glyph(label, (bar, bar[:4] + np.float32([0.4, 0.0])), "x"))


def test_sources_are_what_is_there(tmp_path: Path) -> None:
    assert sources_at(None).names == ("skeletons",)
    assert sources_at(tmp_path).names == ("skeletons",)
    small_archive(tmp_path / "pendigits.npz")
    assert sources_at(tmp_path).names == ("pendigits", "skeletons")
    assert sources_at(tmp_path, held_out=True).names == ("pendigits",)
    with pytest.raises(UsageError, match="no stroke archives"):
        sources_at(tmp_path / "nowhere", held_out=True)


def test_labels_an_archive_lacks_come_from_our_own_skeletons(tmp_path: Path) -> None:
    small_archive(tmp_path / "pendigits.npz")
    sources = sources_at(tmp_path, skeletons=0)
    rng = np.random.default_rng(0)
    written = write(rng, [Token("0"), Token("8"), Token(".", digit=False)], draw_hand(rng, sources), 40)
    assert [g.variant.split("/")[0] for g in written.digits] == ["pendigits", "own"]
    assert [g.label for g in written.signs] == ["."]


def test_pictures_can_be_written_with(tmp_path: Path) -> None:
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 10:18] = 255
    source = picture_source("boxes", images, np.arange(10))
    rng = np.random.default_rng(0)
    hand = draw_hand(rng, Sources((source,)), slant=0.0, baseline=0.0)
    written = write(rng, [Token("3"), Token("5")], hand, 40)
    assert [g.label for g in written.digits] == ["3", "5"]
    for name in (1, 2):
        ys, xs = np.nonzero(written.owner == name)
        assert 30 < np.ptp(ys) < 60
        assert 8 < np.ptp(xs) < 40


@pytest.mark.parametrize("pen", [0.8, 2.5, 7.0, 14.0])
def test_strokes_are_as_thick_as_the_pen(pen: float) -> None:
    path = np.array([[5, 30.3], [95, 30.3]], np.float32)
    cover = rasterise(np.random.default_rng(0), [path], pen, (60, 100))
    thickness = cover[:, 40:60].sum(axis=0) / 255
    assert thickness.mean() == pytest.approx(pen, abs=0.6)


@pytest.mark.parametrize("pen", list(Pen))
def test_ink_lies_only_where_the_pen_was(pen: Pen) -> None:
    alpha = np.zeros((40, 60), np.uint8)
    alpha[10:20, 10:50] = 255
    flow = ink_texture(np.random.default_rng(0), alpha, pen, 1.0)
    assert flow.shape == alpha.shape
    assert flow.dtype == np.float32
    assert flow[alpha == 0].max() == 0
    assert 0.4 < flow[alpha > 0].mean() <= 1


def test_unknown_labels_are_named() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="'ß'"):
        write(rng, [Token("ß")], draw_hand(rng, Sources()), 30)


def test_mnist_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.zeros((3, 28, 28), np.uint8), np.arange(3, dtype=np.uint8)
    good, bad = tmp_path / "mnist.npz", tmp_path / "bad.npz"
    np.savez(good, x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    np.savez(bad, x_train=x[:2], y_train=y, x_test=x, y_test=y)
    monkeypatch.delenv("DIGITOCR_MNIST", raising=False)
    assert load_mnist(good)[0].shape == (3, 28, 28)
    monkeypatch.setenv("DIGITOCR_DATA", str(tmp_path))
    assert load_mnist()[3].tolist() == [0]
    monkeypatch.setenv("DIGITOCR_MNIST", str(bad))
    with pytest.raises(UsageError, match="as many labels"):
        load_mnist()
    monkeypatch.delenv("DIGITOCR_MNIST")
    monkeypatch.setenv("DIGITOCR_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="DIGITOCR_MNIST"):
        load_mnist(download=False)
    with pytest.raises(UsageError, match="cannot be read"):
        load_mnist(tmp_path / "absent.npz")


@pytest.mark.parametrize(("name", "least"), [("unipen_digits.npz", 13000), ("pendigits.npz", 7000)])
def test_real_archives(name: str, least: int) -> None:
    archive = load_archive(needs(name), distrust=name == "pendigits.npz")
    assert sum(map(len, archive.by_label.values())) > least
    assert set(archive.by_label) == set("0123456789")
    unseen = load_archive(needs(name), held_out=True, distrust=False)
    for label in "0123456789":
        assert not set(archive.by_label[label].tolist()) & set(unseen.by_label[label].tolist())


def test_writers_set_aside_in_unipen_are_whole_writers() -> None:
    archive = load_archive(needs("unipen_digits.npz"), distrust=False)
    unseen = load_archive(needs("unipen_digits.npz"), held_out=True, distrust=False)
    assert not {w for w, _ in archive.by_writer} & {w for w, _ in unseen.by_writer}


def test_real_letters_are_no_digits() -> None:
    archive = load_archive(needs("unipen_other.npz"), digits=False)
    assert not set(archive.by_label) & set("0123456789IOSZl")
    assert len(archive.by_label) > 20
