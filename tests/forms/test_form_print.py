"""What is known of a form's print."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_form import FIELDS, SIZE, form, marked, printed

from digitocr.errors import TemplateError
from digitocr.forms.features import PAGE_SIDE_PX, features_of, save_features
from digitocr.forms.form_print import PATCH_PX, FormPrint, load_form_print
from digitocr.forms.print_lines import lines_of
from digitocr.forms.template import Template

PICTURE = printed()
FORM = form(PICTURE)
BARE = Template("bare", SIZE, FIELDS)


class TestFormPrint:
    def test_it_is_measured_on_a_page_of_one_length(self):
        assert max(FORM.size) == PAGE_SIDE_PX
        assert np.allclose(FORM.points, FORM.features.points * (PAGE_SIDE_PX / max(SIZE)))

    def test_known_by_its_features_alone_it_has_neither_picture_nor_corners(self):
        assert FORM.picture is None
        assert FORM.corners.shape == (0, 2)

    def test_its_lines_are_drawn_where_there_is_no_picture(self):
        lined = FormPrint(BARE, replace(FORM.features, lines=lines_of(PICTURE)))
        assert lined.picture.shape == FORM.size[::-1]
        assert lined.picture.min() < 200

    def test_corners_keep_away_from_features(self):
        lined = FormPrint(BARE, replace(FORM.features, lines=lines_of(PICTURE)))
        x, y = lined.corners.astype(int).T
        assert len(x)
        assert (lined.near_features(PATCH_PX)[y, x] == 0).all()

    def test_near_is_what_is_within_reach(self):
        one = FormPrint(BARE, replace(FORM.features, points=np.array([[400, 500]], np.float32)))
        ys, xs = np.nonzero(one.near_features(3))
        assert (np.ptp(xs), np.ptp(ys), len(xs)) == (6, 6, 49)
        assert (int(xs.mean()), int(ys.mean())) == (round(400 * one.scale), round(500 * one.scale))


class TestLoadFormPrint:
    def test_from_its_picture(self, tmp_path):
        cv2.imwrite(str(tmp_path / "empty.png"), PICTURE)
        loaded = load_form_print(replace(BARE, reference=tmp_path / "empty.png"))
        assert loaded.empty.shape == loaded.size[::-1]
        assert len(loaded.features.points) == len(features_of(PICTURE).points)

    def test_from_a_picture_of_another_size(self, tmp_path):
        cv2.imwrite(str(tmp_path / "empty.png"), np.kron(PICTURE, np.ones((2, 2), np.uint8)))
        loaded = load_form_print(replace(BARE, reference=tmp_path / "empty.png"))
        assert loaded.features.points.max(axis=0)[1] < SIZE[1]

    def test_from_its_features(self, tmp_path):
        save_features(tmp_path / "f.npz", FORM.features)
        loaded = load_form_print(replace(BARE, features=tmp_path / "f.npz"))
        assert np.array_equal(loaded.features.points, FORM.features.points)

    def test_markers_alone_are_enough(self):
        loaded = load_form_print(replace(BARE, markers=marked(PICTURE)[1]))
        assert len(loaded.features.points) == 0

    def test_a_template_without_print_is_refused(self):
        with pytest.raises(TemplateError, match="neither a picture nor features nor markers"):
            load_form_print(BARE)

    def test_damaged_features_are_named(self, tmp_path):
        path = tmp_path / "bare.features.npz"
        path.write_bytes(b"no archive")
        with pytest.raises(TemplateError, match=r"bare\.features\.npz"):
            load_form_print(replace(BARE, features=path))

    def test_a_picture_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(TemplateError, match=r"empty\.png: cannot read"):
            load_form_print(replace(BARE, reference=tmp_path / "empty.png"))
