"""How a form lies on a page."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_form import FIELDS, SIZE, form, marked, printed, seen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitocr.errors import RegistrationError
from digitocr.forms.features import Features, features_of, save_features
from digitocr.forms.form_print import FormPrint, load_form_print
from digitocr.forms.print_lines import lines_of
from digitocr.forms.registration import (
    Registration,
    RegistrationView,
    choose,
    flatten,
    quarters_to_upright,
    register,
)

PICTURE = printed()
FORM = form(PICTURE)
CORNERS = np.array([(0, 0), (SIZE[0], 0), SIZE, (0, SIZE[1])], dtype=np.float64)
CENTRES = np.array([one.box.centre for one in FIELDS], dtype=np.float64)


def pose(turn, tilts, size=(1000, 1300)):
    """A homography that lays the form's corners into a picture of this size, turned and tilted."""
    inset = np.array([(60, 70), (size[0] - 60, 70), (size[0] - 60, size[1] - 70), (60, size[1] - 70)])
    target = np.roll(inset, -turn, axis=0) + np.array(tilts).reshape(4, 2) * 60
    return cv2.getPerspectiveTransform(CORNERS.astype(np.float32), target.astype(np.float32))


def off(found, homography):
    wanted = cv2.perspectiveTransform(CENTRES[None], homography)[0]
    return float(np.abs(found.place(CENTRES) - wanted).max())


def without_print_about_its_cells():
    empty = PICTURE.copy()
    empty[:, 450:] = 245
    for cell in (cell for one in FIELDS for cell in one.cells):
        cv2.rectangle(empty, (cell.x, cell.y), (cell.right, cell.bottom), 120, 1)
    return empty


def known_by_its_picture(empty, folder):
    cv2.imwrite(str(folder / "empty.png"), empty)
    return load_form_print(replace(FORM.template, reference=folder / "empty.png"))


def known_by_its_features(empty, folder):
    boxes = [one.box for one in FIELDS]
    save_features(folder / "f.npz", replace(features_of(empty, boxes), lines=lines_of(empty)))
    return load_form_print(replace(FORM.template, features=folder / "f.npz"))


class TestRegister:
    @pytest.mark.soak
    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 3), st.lists(st.floats(-1, 1), min_size=8, max_size=8))
    def test_any_pose_is_recovered(self, turn, tilts):
        homography = pose(turn, tilts)
        found = register(RegistrationView(seen(PICTURE, homography, (1000, 1300))), FORM)
        assert off(found, homography) < 3
        assert found.residual < 2

    def test_an_upside_down_page_is_recovered(self):
        turned = np.ascontiguousarray(np.rot90(PICTURE, 2))
        found = register(RegistrationView(turned), FORM)
        assert np.allclose(found.place(CENTRES), np.array(SIZE) - 1 - CENTRES, atol=2)

    def test_a_bent_page_is_followed_where_it_bends(self):
        y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
        bent = cv2.remap(PICTURE, x + 6 * np.sin(y / 180), y, cv2.INTER_LINEAR, borderValue=245)
        found = register(RegistrationView(bent), FORM)
        printed_there = np.array([(300.0, 150.0), (300.0, 450.0), (300.0, 800.0)])
        wanted = printed_there - np.column_stack([6 * np.sin(printed_there[:, 1] / 180), np.zeros(3)])
        assert np.abs(found.place(printed_there) - wanted).max() < 2.5

    @pytest.mark.parametrize("known", [known_by_its_picture, known_by_its_features])
    def test_frames_are_followed_where_a_page_bends_and_nothing_else_is_printed(self, known, tmp_path):
        empty = without_print_about_its_cells()
        framed = known(empty, tmp_path)
        y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
        bump = 6 * np.exp(-((x - 620) ** 2 + (y - 430) ** 2) / (2 * 120**2))
        bent = cv2.remap(empty, x + bump, y, cv2.INTER_LINEAR, borderValue=245)
        (place,) = register(RegistrationView(bent), framed).place(CENTRES[1:2])
        assert np.abs(place - (CENTRES[1] - (bump[int(CENTRES[1][1]), int(CENTRES[1][0])], 0))).max() < 1

    def test_features_without_lines_are_read_as_well(self, tmp_path):
        np.savez(tmp_path / "old.npz", points=FORM.features.points, descriptors=FORM.features.descriptors)
        old = load_form_print(replace(FORM.template, features=tmp_path / "old.npz"))
        assert old.picture is None
        assert (
            off(
                register(RegistrationView(seen(PICTURE, pose(1, [0.2] * 8), (1000, 1300))), old),
                pose(1, [0.2] * 8),
            )
            < 3
        )

    def test_a_faint_page_small_on_a_dark_desk_is_recovered(self):
        small = np.diag([0.62, 0.62, 1.0])
        small[:2, 2] = 300, 200
        dim = cv2.GaussianBlur(seen(PICTURE, small, (1150, 1100), level=60), (0, 0), 0.8)
        homography = np.diag([2.0, 2.0, 1.0]) @ small
        dim = cv2.resize((25 + dim * 0.2).astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        assert off(register(RegistrationView(dim), FORM), homography) < 3

    def test_another_form_is_refused(self):
        with pytest.raises(RegistrationError):
            register(RegistrationView(printed(seed=1)), FORM)

    def test_a_form_with_the_same_heading_is_refused(self):
        other = printed(seed=1)
        other[:330] = PICTURE[:330]
        with pytest.raises(RegistrationError, match="of its print is found"):
            register(RegistrationView(other), FORM)

    @pytest.mark.parametrize("level", [0, 255])
    def test_an_empty_page_is_refused(self, level):
        with pytest.raises(RegistrationError):
            register(RegistrationView(np.full((900, 700), level, np.uint8)), FORM)

    def test_a_page_too_blurred_is_refused(self):
        with pytest.raises(RegistrationError):
            register(RegistrationView(cv2.GaussianBlur(PICTURE, (0, 0), 14)), FORM)

    def test_a_strip_of_a_page_is_refused_or_lies_right(self):
        strip = np.ascontiguousarray(PICTURE[:300])
        try:
            found = register(RegistrationView(strip), FORM)
        except RegistrationError:
            return
        assert np.allclose(found.place(CENTRES[:1]), CENTRES[:1], atol=3)

    def test_markers_are_enough_without_print(self):
        picture, markers = marked(np.full(SIZE[::-1], 245, np.uint8))
        plain = FormPrint(
            replace(FORM.template, markers=markers), features_of(np.full((50, 50), 245, np.uint8))
        )
        homography = pose(2, [0.2, -0.3] * 4)
        found = register(RegistrationView(seen(picture, homography, (1000, 1300))), plain)
        assert off(found, homography) < 3
        assert found.quality == 1.0

    def test_one_covered_marker_does_no_harm(self):
        picture, markers = marked(PICTURE)
        with_markers = FormPrint(replace(FORM.template, markers=markers), features_of(picture))
        covered = picture.copy()
        covered[960:, :140] = 120
        found = register(RegistrationView(covered), with_markers)
        assert np.abs(found.place(CENTRES) - CENTRES).max() < 2


class TestChoose:
    def test_a_wrong_form_that_agrees_with_nothing_does_not_keep_the_right_one_from_being_found(self):
        nothing = replace(FORM.template, name="bare")
        few = FormPrint(nothing, Features(FORM.features.points[:9] * 0, FORM.features.descriptors[:9]))
        chosen, _ = choose(RegistrationView(PICTURE), [few, FORM])
        assert chosen.template.name == "drawn"

    def test_the_right_form_is_chosen_among_several(self):
        forms = [FORM, *(form(printed(seed), f"form{seed}") for seed in (1, 2))]
        chosen, _ = choose(RegistrationView(seen(printed(2), pose(1, [0.3] * 8), (1000, 1300))), forms)
        assert chosen.template.name == "form2"

    def test_where_no_form_fits_all_are_named(self):
        with pytest.raises(RegistrationError, match=r"no template fits .*drawn"):
            choose(RegistrationView(printed(7)), [FORM])

    @pytest.mark.soak
    def test_the_same_form_twice_is_no_answer(self):
        with pytest.raises(RegistrationError, match="one and two fit alike"):
            choose(RegistrationView(PICTURE), [form(PICTURE, "one"), form(PICTURE, "two")])

    @pytest.mark.soak
    def test_forms_that_differ_in_one_part_are_told_apart(self):
        other = printed(seed=3)
        twin = PICTURE.copy()
        twin[760:960] = other[760:960]
        forms = [form(PICTURE, "one"), form(twin, "two")]
        assert choose(RegistrationView(PICTURE), forms)[0].template.name == "one"
        assert choose(RegistrationView(twin), forms)[0].template.name == "two"


class TestRegistrationView:
    DESK = seen(PICTURE, pose(0, [0.3] * 8), (1000, 1300), level=40)

    def test_the_outline_is_that_of_the_paper(self):
        wanted = cv2.perspectiveTransform(CORNERS[None], pose(0, [0.3] * 8))[0]
        assert np.abs(RegistrationView(self.DESK).outline - wanted).max() < 12

    def test_without_a_desk_it_is_that_of_the_picture(self):
        assert np.array_equal(RegistrationView(PICTURE).outline, CORNERS)

    def test_features_of_the_paper_lie_where_they_are_on_the_page(self):
        points = RegistrationView(self.DESK).paper.points.astype(np.float64)
        (there,) = cv2.perspectiveTransform(points[None], np.linalg.inv(pose(0, [0.3] * 8)))
        upright = features_of(PICTURE).points
        nearest = np.linalg.norm(there[:, None] - upright, axis=2).min(axis=0)
        assert np.median(nearest) < 1.5

    def test_each_part_is_computed_once(self):
        view = RegistrationView(PICTURE)
        assert view.features is view.features
        assert view.paper is view.paper
        assert view.markers is view.markers


class TestRegistration:
    FLAT = Registration(
        pose(1, [0.2] * 8), np.zeros((25, 25, 2), np.float32), SIZE, 0.0, 1.0, np.zeros(0, np.bool_)
    )

    def test_points_are_placed_by_the_homography(self):
        wanted = cv2.perspectiveTransform(CENTRES[None], pose(1, [0.2] * 8))[0]
        assert np.allclose(self.FLAT.place(CENTRES), wanted)

    def test_the_displacement_is_added(self):
        bent = replace(self.FLAT, bend=np.full((25, 25, 2), (3, -2), np.float32))
        assert np.allclose(bent.place(CENTRES) - self.FLAT.place(CENTRES), (3, -2))


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_how_often_a_page_is_turned_until_its_form_is_upright(turn):
    laid = replace(TestRegistration.FLAT, to_page=pose(turn, [0.2, -0.3] * 4))
    assert quarters_to_upright(laid) == turn


class TestFlatten:
    @pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
    def test_a_page_is_as_the_form_was(self, scale):
        homography = pose(1, [0.2] * 8)
        laid = replace(TestRegistration.FLAT, to_page=homography)
        flat = flatten(seen(PICTURE, homography, (1000, 1300)), laid, scale)
        size = (round(SIZE[0] * scale), round(SIZE[1] * scale))
        wanted = cv2.resize(PICTURE, size, interpolation=cv2.INTER_AREA)
        assert flat.shape == wanted.shape
        assert np.corrcoef(flat.ravel(), wanted.ravel())[0, 1] > 0.9
