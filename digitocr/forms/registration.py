"""Registration: how the printed form of a template lies on a page.

A homography is fitted robustly to print of the form that is found on the page. The page is flattened by it, and print
found there again says how far each part is off and where the paper bends. A registration stands only if the print it
predicts is found all over the form: another form, or a page too blurred to tell, is refused with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.errors import RegistrationError
from digitocr.forms.bending import bending_grid, bending_residual, displacement_at, fit_bending, no_bending
from digitocr.forms.features import PAGE_SIDE_PX, Features, detect_features, features_of
from digitocr.forms.form_print import FormPrint
from digitocr.forms.geometry import Points, apply_homography, rectangle, warp_flat
from digitocr.forms.markers import find_markers, match_markers
from digitocr.forms.matching import MIN_COSINE, Matches, PrintPair, find_near, match_corners
from digitocr.forms.pose import (
    MIN_SUPPORT,
    Pose,
    best_pose,
    pose_by_markers,
    pose_by_outline,
    pose_by_print,
)
from digitocr.imaging.paper import Paper, paper_corners
from digitocr.records import Grey, Transform

GLANCE_SIDE_PX = 800
"""Longer side of the picture by which a pose is first guessed: half the cost of `PAGE_SIDE_PX`, and still legible."""

REACHES_PX = (14.0, 8.0, 5.0)
"""How far around its place print is looked for on the flattened page, round by round, at a side of `PAGE_SIDE_PX`."""

FAINT_CONTRAST = 0.01
"""SIFT's contrast threshold on the flattened page, where print is expected in known places."""

CORNER_ROUNDS = 3
"""Rounds of matching corners: those found lead to others that lie farther off."""

RIVAL_SHARE = 0.6
"""A form is not tried if its pose has less than this share of the support of one that fits."""

BLOCKS = 6
"""Blocks along either side of a form; the print of each is counted by itself."""

MIN_BLOCK_FEATURES = 8
"""A block with fewer features is not judged."""

MIN_BLOCKS = 4
"""Blocks of print that must be in sight."""

MIN_QUALITY = 0.12
"""Minimum share of the print found again on the blocks of a form in sight. On other forms it is next to nothing."""

MAX_RESIDUAL_PX = 3.5
"""Maximum residual of a registration, on a page `RESIDUAL_HEIGHT_PX` high."""

RESIDUAL_HEIGHT_PX = 2000
"""Residuals are in pixels of a page this high."""


@dataclass(frozen=True)
class RegistrationView:
    """A page as registration sees it. Each property is computed once, however many forms are tried.

    Attributes
    ----------
    grey : (H, W) uint8 ndarray
    """

    grey: Grey

    @property
    def scale(self) -> float:
        """Pixels of a page `PAGE_SIDE_PX` long per page pixel."""
        return float(PAGE_SIDE_PX / max(self.grey.shape))

    @cached_property
    def features(self) -> Features:
        """Features at `GLANCE_SIDE_PX`, in page pixels."""
        return features_of(self.grey, side_px=GLANCE_SIDE_PX)

    @cached_property
    def markers(self) -> dict[int, Points]:
        """Corners of the ArUco markers in page pixels, of shape ``(4, 2)``, clockwise from the upper left."""
        return find_markers(self.grey)

    @cached_property
    def outline(self) -> Points:
        """Corners of the paper in page pixels, clockwise from the upper left: of the picture where none are seen."""
        found = paper_corners(self.grey, Paper())
        height, width = self.grey.shape
        return rectangle(width, height) if found is None else found

    @cached_property
    def paper(self) -> Features:
        """Features of the paper alone, flattened by its outline, faint ones too; in page pixels."""
        sides = np.linalg.norm(self.outline - np.roll(self.outline, -1, axis=0), axis=1)
        width, height = sides[::2].mean(), sides[1::2].mean()
        scale = PAGE_SIDE_PX / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        sheet, outline = (corners.astype(np.float32) for corners in (rectangle(*size), self.outline))
        to_page = np.asarray(cv2.getPerspectiveTransform(sheet, outline), dtype=np.float64)
        flat = warp_flat(self.grey, lambda points: apply_homography(to_page, points), size)
        found = detect_features(flat, np.full(flat.shape, 255, np.uint8), FAINT_CONTRAST)
        placed = apply_homography(to_page, found.points.astype(np.float64))
        return replace(found, points=placed.astype(np.float32))


@dataclass(frozen=True, slots=True)
class Registration:
    """How a form lies on a page.

    Attributes
    ----------
    to_page : (3, 3) float64 ndarray
        Approximate homography from reference pixels to page pixels.
    bend : (n, n, 2) float32 ndarray
        Displacement to add, in page pixels, at a grid over the reference with its corners in the corners.
    size : tuple of int
        Width and height of the reference in pixels.
    residual : float
        Median distance of print from where a registration by other print puts it, in pixels of a page
        `RESIDUAL_HEIGHT_PX` high.
    quality : float
        Share of the print found again on the blocks of the form where least is found, in [0, 1].
    found : (N,) bool ndarray
        Which of the form's features were found again.
    """

    to_page: Transform
    bend: NDArray[np.float32]
    size: tuple[int, int]
    residual: float
    quality: float
    found: NDArray[np.bool_]

    def place(self, points: Points) -> Points:
        """Map points of the reference to the page.

        Parameters
        ----------
        points : (N, 2) float64 ndarray
            In reference pixels.

        Returns
        -------
        (N, 2) float64 ndarray
            In page pixels.
        """
        size = np.array(self.size, dtype=np.float64)
        return apply_homography(self.to_page, points) + displacement_at(self.bend, points, size)


def choose(view: RegistrationView, forms: Sequence[FormPrint]) -> tuple[FormPrint, Registration]:
    """Find the form of a page among several.

    Forms with much print in common are told apart by the print that only one of them has, and by their residuals. Both
    must agree.

    Parameters
    ----------
    view : RegistrationView
    forms : sequence of FormPrint

    Returns
    -------
    form : FormPrint
    registration : Registration

    Raises
    ------
    RegistrationError
        None fits, or two fit equally well; says why.
    """
    marked = [f for f in forms if any(m.id in view.markers for m in f.template.markers)]
    fitting, refused = _fitting(view, marked or forms)
    if not fitting:
        names_by_reason: dict[str, list[str]] = {}
        for name, message in refused.items():
            names_by_reason.setdefault(message, []).append(name)
        why = "; ".join(f"{', '.join(names)}: {message}" for message, names in names_by_reason.items())
        raise RegistrationError(f"no template fits ({why})")
    while len(fitting) > 1:
        one, other = fitting[:2]
        mine, theirs = (_own_print(view, *pair) for pair in ((one, other), (other, one)))
        is_nearer = one[1].residual < other[1].residual
        if max(mine, theirs) < MIN_QUALITY or mine == theirs or (mine > theirs) != is_nearer:
            names = f"{one[0].template.name} and {other[0].template.name}"
            raise RegistrationError(f"the templates {names} fit alike")
        fitting.remove(other if is_nearer else one)
    return fitting[0]


def _own_print(
    view: RegistrationView, one: tuple[FormPrint, Registration], other: tuple[FormPrint, Registration]
) -> float:
    """Share of the print that one form has and another has not which is found on a page that both seem to fit."""
    features, others = one[0].features, other[0].features
    places = one[1].place(features.points.astype(np.float64)) * view.scale
    taken = other[1].place(others.points.astype(np.float64)) * view.scale
    distances = (places**2).sum(axis=1)[:, None] + (taken**2).sum(axis=1) - 2 * places @ taken.T
    shared = (distances <= REACHES_PX[-1] ** 2) & (features.root_sift @ others.root_sift.T >= MIN_COSINE)
    alone = ~shared.any(axis=1)
    return float(one[1].found[alone].mean()) if alone.sum() >= MIN_BLOCK_FEATURES else 0.0


def register(view: RegistrationView, form: FormPrint) -> Registration:
    """Find how a form lies on a page, in any pose.

    The pose is first guessed: from the form's markers where they are seen, else from distinctive print. Where that
    leads to nothing, it is guessed from the paper alone, cut out by its outline, and from the outline itself, any side
    up. Print is then looked for where a guess puts it, and the registration is fitted to what is found.

    Parameters
    ----------
    view : RegistrationView
    form : FormPrint

    Returns
    -------
    Registration

    Raises
    ------
    RegistrationError
        The page is not of this form, or too little of its print can be made out.
    """
    fitting, refused = _fitting(view, [form])
    if not fitting:
        raise RegistrationError(refused[form.template.name])
    return fitting[0][1]


def _fitting(
    view: RegistrationView, forms: Sequence[FormPrint]
) -> tuple[list[tuple[FormPrint, Registration]], dict[str, str]]:
    """Find the forms that fit a page, and why each of the others does not."""
    fitting: list[tuple[FormPrint, Registration]] = []
    refused = {form.template.name: "its print is not on the page" for form in forms}
    for guess in (_by_print, _by_paper):
        poses = [(pose, form) for form in forms if (pose := guess(view, form)) is not None]
        poses.sort(key=lambda found: -found[0].support)
        least = 0.0
        for pose, form in poses:
            if pose.support < least:
                break
            try:
                fitting.append((form, _refined(view, form, pose)))
            except RegistrationError as error:
                refused[form.template.name] = error.message
            else:
                least = max(least, RIVAL_SHARE * pose.support)
        if fitting:
            break
    return fitting, refused


def _marker_matches(view: RegistrationView, form: FormPrint) -> Matches:
    """Match the corners of markers, in pixels of pages `PAGE_SIDE_PX` long."""
    corners = match_markers(form.template.markers, view.markers)
    return Matches(corners.form * form.scale, corners.page * view.scale)


def _by_print(view: RegistrationView, form: FormPrint) -> Pose | None:
    """Guess the pose from the corners of markers, else from distinctive print."""
    by_markers = pose_by_markers(_marker_matches(view, form))
    return by_markers or pose_by_print(PrintPair.of(form, view.features, view.scale), form.sides)


def _by_paper(view: RegistrationView, form: FormPrint) -> Pose | None:
    """Guess the pose from print on the paper alone, and from its outline; the one that agrees with more print."""
    pair = PrintPair.of(form, view.paper, view.scale)
    outline = view.outline * view.scale
    return best_pose(pose_by_print(pair, form.sides), pose_by_outline(pair, form.sides, outline))


def _refined(view: RegistrationView, form: FormPrint, pose: Pose) -> Registration:
    """Flatten the page by a pose, fit to the print seen then, and check that it holds all over the form.

    On the flattened page print looks as it does on the form, and faint print can be told from specks by its place.

    Raises
    ------
    RegistrationError
    """
    size = form.sides
    flat = flatten(view.grey, _registration(view, form, pose.to_page, no_bending()), form.scale)
    origin = 0.5 - 0.5 * form.scale  # where the first pixel of the flattened page lies
    faint = detect_features(flat, form.near_features(round(REACHES_PX[0])), FAINT_CONTRAST)
    pair = PrintPair.of(form, faint, 1.0)
    pair = replace(pair, page=pair.page + origin)
    markers = _marker_matches(view, form)
    to_form = np.asarray(np.linalg.inv(pose.to_page), dtype=np.float64)
    markers = replace(markers, page=apply_homography(to_form, markers.page))
    bend = no_bending()
    for reach in REACHES_PX:
        found = find_near(pair, pair.form + displacement_at(bend, pair.form, size), reach)
        matches = markers + pair.matches(found)
        if len(matches) < MIN_SUPPORT:
            raise RegistrationError("its print is not on the page")
        bend = fit_bending(matches, size)
    if form.picture is not None:
        by_features = matches
        for _ in range(CORNER_ROUNDS):
            places = form.corners + displacement_at(bend, form.corners + origin, size)
            seen = match_corners(form.picture, flat, form.corners, places)
            matches = by_features + Matches(seen.form + origin, seen.page + origin)
            bend = fit_bending(matches, size)
    placed = apply_homography(pose.to_page, pair.form + displacement_at(bend, pair.form, size)) / view.scale
    quality = max(_quality(found >= 0, pair.form, placed, view), _share_of_markers(view, form))
    if quality < MIN_QUALITY:
        raise RegistrationError(f"only {quality:.0%} of its print is found on parts of the page")
    residual = bending_residual(matches, size) / form.scale * RESIDUAL_HEIGHT_PX / form.template.size[1]
    if residual > MAX_RESIDUAL_PX:
        raise RegistrationError(f"its print lies {residual:.1f} pixels off where it should")
    grid = bending_grid(size)
    bent = apply_homography(pose.to_page, grid + bend.reshape(-1, 2)) - apply_homography(pose.to_page, grid)
    whole = _registration(view, form, pose.to_page, bent.reshape(bend.shape))
    return replace(whole, residual=residual, quality=quality, found=found >= 0)


def _registration(view: RegistrationView, form: FormPrint, to_page: Transform, bend: Points) -> Registration:
    """Convert a homography and a displacement from pages `PAGE_SIDE_PX` long to pixels of the form and the page."""
    from_reference = np.diag([form.scale, form.scale, 1.0])
    to_pixels = np.diag([1 / view.scale, 1 / view.scale, 1.0])
    return Registration(
        to_pixels @ to_page @ from_reference,
        (bend / view.scale).astype(np.float32),
        form.template.size,
        residual=0.0,
        quality=0.0,
        found=np.zeros(0, np.bool_),
    )


def flatten(page: Grey, registration: Registration, scale: float) -> Grey:
    """Flatten a page: warp it to the geometry of the reference.

    Parameters
    ----------
    page : (H, W) uint8 ndarray
    registration : Registration
    scale : float
        Pixels of the flattened page per reference pixel.

    Returns
    -------
    (h, w) uint8 ndarray
    """
    width, height = (round(side * scale) for side in registration.size)
    return warp_flat(
        page,
        lambda points: registration.place(np.asarray((points + 0.5) / scale - 0.5, dtype=np.float64)),
        (width, height),
    )


def quarters_to_upright(registration: Registration) -> int:
    """Return after how many quarter turns, counter-clockwise, a page shows its form upright.

    Parameters
    ----------
    registration : Registration

    Returns
    -------
    int
        From 0 to 3.
    """
    middle = np.array(registration.size, dtype=np.float64) / 2
    (x0, y0), (x1, y1) = registration.place(np.array([middle, middle + np.array((1.0, 0.0))]))
    return round(math.atan2(y1 - y0, x1 - x0) / (math.pi / 2)) % 4


def _quality(found: NDArray[np.bool_], points: Points, places: Points, view: RegistrationView) -> float:
    """Share of the print found again, lower quartile over the blocks in sight; 0 where too few are."""
    height, width = view.grey.shape
    in_sight = ((places >= 0) & (places < (width, height))).all(axis=1)
    block = (points * BLOCKS / PAGE_SIDE_PX).astype(np.int64) @ (1, BLOCKS + 1)
    printed = np.bincount(block[in_sight])
    again = np.bincount(block[in_sight & found], minlength=len(printed))
    judged = printed >= MIN_BLOCK_FEATURES
    if judged.sum() < MIN_BLOCKS:
        return 0.0
    return float(np.quantile(again[judged] / printed[judged], 0.25))


def _share_of_markers(view: RegistrationView, form: FormPrint) -> float:
    """Share of the form's markers that are seen; 0 where they are too few to identify it by themselves."""
    seen = sum(m.id in view.markers for m in form.template.markers)
    return seen / len(form.template.markers) if seen >= 3 else 0.0
