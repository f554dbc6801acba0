"""Typefaces: fonts with letters and digits, and many looks of each."""

import shutil

import numpy as np
import pytest

from digitocr.training.synth.layouts.faces import Face, draw_face, text_fonts
from digitocr.training.synth.printing import fonts_found

FONTS = fonts_found()


def test_words_are_as_long_as_told_and_as_high_as_asked():
    for face in (Face(), Face(width=0.7), Face(width=1.3, slant=0.2), Face(heavy=True), Face(dotted=True)):
        mask = face.mask("HH 1840", 40)
        ys, xs = np.nonzero(mask > 127)
        assert abs(np.ptp(xs) - face.length("HH 1840", 40)) < 16
        assert 34 <= np.ptp(ys) <= 48


def test_a_narrow_face_is_narrower_and_a_heavy_one_has_more_ink():
    assert Face(width=0.7).length("1840", 30) < 0.75 * Face().length("1840", 30)
    assert (Face(heavy=True).mask("1840", 30) > 127).sum() > 1.2 * (Face().mask("1840", 30) > 127).sum()


def test_nothing_is_printed_for_no_words():
    assert not Face().mask("", 20).any()


@pytest.mark.skipif(not FONTS, reason="Matplotlib is not installed")
def test_kinds_of_face_come_from_fonts_of_that_kind():
    rng = np.random.default_rng(1)
    bold = [draw_face(rng, FONTS, "bold").path.stem for _ in range(9)]
    assert all("Bol" in name or name.startswith("cmb") for name in bold)
    assert all(
        draw_face(rng, FONTS, "mono").path.stem.startswith(("DejaVuSansMono", "cmtt")) for _ in range(9)
    )
    assert draw_face(rng, (), "bold").path is None


@pytest.mark.skipif(not FONTS, reason="Matplotlib is not installed")
def test_only_fonts_with_letters_and_digits_are_found(tmp_path):
    (tmp_path / "deep").mkdir()
    shutil.copy(FONTS[0], tmp_path / "deep" / "a.ttf")
    lettered_alike = next(FONTS[0].parent.glob("LastResortHE-Regular.ttf"))
    shutil.copy(lettered_alike, tmp_path / "b.ttf")
    (tmp_path / "c.ttf").write_bytes(b"no font")
    assert text_fonts(tmp_path) == (tmp_path / "deep" / "a.ttf",)
