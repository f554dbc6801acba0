"""Features of printed matter, and the file they are kept in."""

import numpy as np
import pytest
from drawn_form import SIZE, printed

from digitocr.errors import TemplateError
from digitocr.forms.features import (
    MAX_FEATURES,
    Features,
    detect_features,
    features_of,
    load_features,
    no_features,
    save_features,
)
from digitocr.records import Box

PICTURE = printed()


class TestFeaturesOf:
    def test_features_keep_out_of_where_one_writes(self):
        exclude = [Box(0, 0, 800, 600)]
        assert (features_of(PICTURE, exclude).points[:, 1] > 590).all()

    def test_features_lie_where_they_are_seen_whichever_way_up(self):
        upright = features_of(PICTURE).points
        turned = np.array(SIZE) - 1 - features_of(np.ascontiguousarray(np.rot90(PICTURE, 2))).points
        away = turned[:, None] - upright
        nearest = np.abs(away).sum(axis=2).argmin(axis=1)
        between = away[np.arange(len(turned)), nearest]
        assert np.abs(np.median(between, axis=0)).max() < 0.05

    def test_features_are_spread_over_the_page(self):
        points = features_of(PICTURE).points
        assert len(points) <= MAX_FEATURES
        assert np.ptp(points[:, 1]) > 0.8 * SIZE[1]

    def test_a_large_picture_has_its_features_in_its_own_pixels(self):
        large = np.kron(PICTURE, np.ones((3, 3), np.uint8))
        points = features_of(large).points
        assert np.allclose(np.ptp(points, axis=0), 3 * np.ptp(features_of(PICTURE).points, axis=0), rtol=0.02)

    def test_bare_paper_has_none(self):
        assert len(features_of(np.full((90, 70), 245, np.uint8)).points) == 0


class TestDetectFeatures:
    def test_they_lie_within_the_mask(self):
        mask = np.zeros(PICTURE.shape, np.uint8)
        mask[:300] = 255
        points = detect_features(PICTURE, mask).points
        assert len(points)
        assert (points[:, 1] < 300).all()

    def test_a_lower_contrast_finds_faint_print(self):
        faint = (235 + PICTURE / 25).astype(np.uint8)
        mask = np.full(faint.shape, 255, np.uint8)
        assert len(detect_features(faint, mask, 0.01).points) > 10 * len(detect_features(faint, mask).points)


class TestRootSift:
    def test_a_descriptor_is_most_like_itself(self):
        found = features_of(PICTURE).root_sift
        cosines = found @ found.T
        assert np.allclose(np.diag(cosines), 1, atol=1e-5)
        assert cosines.max() < 1 + 1e-5

    def test_none_have_none(self):
        assert no_features().root_sift.shape == (0, 128)


class TestLoadFeatures:
    def test_what_was_saved_is_loaded(self, tmp_path):
        lines = np.arange(10, dtype=np.float32).reshape(2, 5)
        found = features_of(PICTURE)
        save_features(tmp_path / "f.npz", Features(found.points, found.descriptors, lines))
        loaded = load_features(tmp_path / "f.npz")
        assert np.array_equal(loaded.points, found.points)
        assert np.array_equal(loaded.descriptors, found.descriptors)
        assert np.array_equal(loaded.lines, lines)

    def test_a_file_from_before_lines_were_kept_has_none(self, tmp_path):
        found = features_of(PICTURE)
        np.savez(tmp_path / "old.npz", points=found.points, descriptors=found.descriptors)
        assert load_features(tmp_path / "old.npz").lines.shape == (0, 5)

    def test_a_damaged_file_is_named(self, tmp_path):
        path = tmp_path / "bare.features.npz"
        path.write_bytes(b"no archive")
        with pytest.raises(TemplateError, match=r"bare\.features\.npz: cannot read"):
            load_features(path)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"points": np.zeros((3, 2)), "descriptors": np.zeros((2, 128))},
            {"points": np.zeros((3, 3)), "descriptors": np.zeros((3, 128))},
            {"points": np.zeros((3, 2)), "descriptors": np.zeros((3, 64))},
            {"points": np.zeros((0, 2)), "descriptors": np.zeros((0, 128)), "lines": np.zeros((1, 4))},
        ],
    )
    def test_arrays_of_other_shapes_are_refused(self, wrong, tmp_path):
        np.savez(tmp_path / "f.npz", **wrong)
        with pytest.raises(TemplateError, match="does not hold the features of a form"):
            load_features(tmp_path / "f.npz")
