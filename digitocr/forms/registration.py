"""Registration: how the printed form of a template lies on a page.

Print of the form is looked for on the page, and a homography is fitted to it robustly. On the page laid flat by that,
print is looked for again, and says by how much it lies off and where the paper bends. It stands only where the print
that it predicts is found again all over the form: another form, or a page too blurred to tell, is refused with the
reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from digitocr.errors import RegistrationError, TemplateError
from digitocr.forms.print_lines import Lines, drawn
from digitocr.forms.template import MARKERS, Template
from digitocr.imaging.paper import paper_corners
from digitocr.imaging.parameters import Paper
from digitocr.records import Box, Grey, Mask, Transform

SIDE = 1000
"""Longest side in pixels of the picture in which print is compared: it is legible, and costs a fifth of a second."""

GLANCE = 800
"""The same of the picture by which a pose is first guessed: half the cost, and still legible."""

FEATURES = 1600
"""Features kept of a picture, the strongest of each neighbourhood."""

GRID = 12
"""Neighbourhoods along either side of a picture."""

RATIO = 0.85
"""A match is distinctive if the second best is at least this much farther away."""

TOLERANCE = 5.0
"""How far print may lie from where a homography puts it, in pixels of a page `SIDE` long."""

FAR = 14.0
"""How far around its place print is looked for, in the same pixels, where the pose is only guessed."""

REACHES = (14.0, 8.0, 5.0)
"""The same on the page laid flat, round by round."""

FAINT = 0.01
"""Contrast from which on print counts on the page laid flat, where one knows where to look."""

LEAST_SUPPORT = 16
"""A pose that less print agrees with is chance."""

RIVAL = 0.6
"""A form whose pose has less than this share of the support of one that fits is not looked at."""

ALIKE = 0.82
"""Least cosine of two descriptors of the same print."""

JOINTS = 600
"""Corners of the empty form that are looked for on the page laid flat, the strongest away from its features."""

PATCH, ROAM = 9, 10
"""Half the side of the patch around a corner that is compared, and how far off it is looked for, in the same pixels."""

AGREES = 0.6
"""Least correlation of a patch with what is seen."""

BEND = 100.0
"""Over what distance paper bends, in pixels of a page `SIDE` long."""

STIFFNESS = 0.2
"""How much less readily paper bends than print is seen out of its place: variance of the one over the other's."""

FREE = 1e-3
"""The same of an even shift, turn or stretch, which is hardly held back."""

STRAY = 1.0
"""Print farther than this from where its neighbours put it counts less the farther it is, in the same pixels."""

BEND_STEPS = 24
"""Steps along either side at which the bending is told."""

MESH = 32
"""Between points so many pixels apart, a flat page is laid evenly."""

BLOCKS = 6
"""Blocks along either side of a form whose print is judged apart."""

LEAST_PRINT = 8
"""A block with fewer features says nothing."""

LEAST_BLOCKS = 4
"""A form is known by at least so many blocks of print."""

LEAST_QUALITY = 0.12
"""Share of its print that is found again on a block of a form in sight. On other forms it is next to nothing."""

MOST_RESIDUAL = 3.5
"""A form lies not as the registration says if print lies farther away than this, in pixels of a page `JUDGED` high."""

JUDGED = 2000
"""Residuals are told in pixels of a page this high."""

Points = NDArray[np.float64]
"""Points of shape ``(N, 2)``, x and y."""


@dataclass(frozen=True, slots=True)
class Features:
    """Distinctive points of a picture.

    Attributes
    ----------
    points : (N, 2) float32 ndarray
        x, y in pixels of the picture.
    descriptors : (N, 128) uint8 ndarray
        What the print around each looks like, whichever way it is turned.
    lines : (L, 5) float32 ndarray
        Printed lines of a form, see :mod:`digitocr.forms.print_lines`.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    lines: Lines = field(default_factory=lambda: np.zeros((0, 5), np.float32))


@dataclass(frozen=True)
class Form:
    """A template with what is known of its print.

    Attributes
    ----------
    template : Template
    features : Features
        In pixels of the reference.
    empty : (h, w) uint8 ndarray or None
        A picture of it, `SIDE` long; None where it is known by its features alone.
    """

    template: Template
    features: Features
    empty: Grey | None = None

    @property
    def scale(self) -> float:
        """Pixels of a page `SIDE` long to one of the reference."""
        return float(SIDE / max(self.template.size))

    @property
    def sides(self) -> Points:
        """Width and height in pixels of a page `SIDE` long, of shape ``(2,)``."""
        return np.array(self.template.size, dtype=np.float64) * self.scale

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of its picture `SIDE` long."""
        width, height = self.sides.round().astype(int).tolist()
        return width, height

    @cached_property
    def picture(self) -> Grey | None:
        """The empty form, `SIDE` long, or its lines alone; None where these are not known either."""
        lines = self.features.lines
        return drawn(lines, self.size, self.scale) if self.empty is None and len(lines) else self.empty


@dataclass(frozen=True)
class View:
    """A page as registration sees it; what is looked for on it is looked for once, whatever forms ask.

    Attributes
    ----------
    grey : (H, W) uint8 ndarray
    """

    grey: Grey

    @property
    def scale(self) -> float:
        """Pixels of a page `SIDE` long to one of this."""
        return float(SIDE / max(self.grey.shape))

    @cached_property
    def features(self) -> Features:
        """Its distinctive points at a glance, in page pixels."""
        return features_of(self.grey, side=GLANCE)

    @cached_property
    def markers(self) -> dict[int, Points]:
        """Corners of the ArUco markers in page pixels, of shape ``(4, 2)``, clockwise from the upper left."""
        return _markers(self.grey)

    @cached_property
    def outline(self) -> Points:
        """Corners of the paper in page pixels, clockwise from the upper left: of the picture where none are seen."""
        found = paper_corners(self.grey, Paper())
        height, width = self.grey.shape
        return _rectangle(width, height) if found is None else found

    @cached_property
    def paper(self) -> Features:
        """Distinctive points of the paper alone, laid flat by its outline, faint ones too; in page pixels."""
        sides = np.linalg.norm(self.outline - np.roll(self.outline, -1, axis=0), axis=1)
        width, height = sides[::2].mean(), sides[1::2].mean()
        scale = SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        there = np.asarray(
            cv2.getPerspectiveTransform(
                _rectangle(*size).astype(np.float32), self.outline.astype(np.float32)
            ),
            dtype=np.float64,
        )
        flat = _laid_flat(self.grey, lambda points: _carried(there, points), size)
        found = _points(flat, np.full(flat.shape, 255, np.uint8), FAINT)
        return replace(found, points=_carried(there, found.points.astype(np.float64)).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Registration:
    """How a form lies on a page.

    Attributes
    ----------
    to_page : (3, 3) float64 ndarray
        Homography from reference pixels to page pixels, about.
    bend : (n, m, 2) float32 ndarray
        What is off by it, and what the paper's bending adds, in page pixels, at a grid over the reference with its
        corners in the corners.
    size : tuple of int
        Width and height of the reference in pixels.
    residual : float
        Median distance of print from where a registration by other print puts it, in pixels of a page `JUDGED` high.
    quality : float
        Share of the print found again on the blocks of the form where it is seen worst, in [0, 1].
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
        """Carry points of the reference over to the page.

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
        return _carried(self.to_page, points) + _bent(self.bend, points, size)


def features_of(picture: Grey, exclude: Sequence[Box] = (), side: int = SIDE) -> Features:
    """Find the distinctive points of a picture, spread over all of it.

    SIFT [1]_ on the picture shrunk to `side`, the strongest points of each neighbourhood.

    Parameters
    ----------
    picture : (H, W) uint8 ndarray
    exclude : sequence of Box
        Where handwriting may stand, which is no part of the form.
    side : int
        Longest side in pixels to which the picture is shrunk.

    References
    ----------
    .. [1] D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004.
    """
    height, width = picture.shape
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    free = np.full(small.shape, 255, dtype=np.uint8)
    for box in exclude:
        x, y, right, bottom = (round(v * scale) for v in (box.x, box.y, box.right, box.bottom))
        free[max(0, y) : bottom, max(0, x) : right] = 0
    found = _points(small.astype(np.uint8), free)
    points = (found.points + 0.5) * (width / size[0], height / size[1]) - 0.5
    return Features(points.astype(np.float32), found.descriptors)


def _points(picture: Grey, free: NDArray[np.uint8], contrast: float = 0.04) -> Features:
    """Find the distinctive points of a small picture where it is free, from this contrast on."""
    # without precise upscaling all points come out a quarter of a pixel too far right and down
    sift = cv2.SIFT.create(contrastThreshold=contrast, enable_precise_upscale=True)
    found, descriptors = sift.detectAndCompute(picture, free)
    if not found:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    kept = _spread(found, picture.shape[::-1])
    points = np.array([found[k].pt for k in kept], dtype=np.float32)
    return Features(points, descriptors[kept].astype(np.uint8))


def _spread(found: Sequence[cv2.KeyPoint], size: tuple[int, int]) -> list[int]:
    """Choose the strongest points of each neighbourhood."""
    by_place: dict[tuple[int, int], list[int]] = {}
    for k in sorted(range(len(found)), key=lambda k: -found[k].response):
        x, y = found[k].pt
        by_place.setdefault((int(x * GRID / size[0]), int(y * GRID / size[1])), []).append(k)
    ranked = [(rank, -found[k].response, k) for some in by_place.values() for rank, k in enumerate(some)]
    return [k for _, _, k in sorted(ranked)[:FEATURES]]


def form_of(template: Template) -> Form:
    """Gather what is known of a template's print.

    Raises
    ------
    TemplateError
        Where the picture or the features that it names cannot be read, or there is neither.
    """
    if template.features is not None:
        return Form(template, _loaded(template.features))
    if template.reference is not None:
        picture = cv2.imread(str(template.reference), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise TemplateError(f"{template.reference}: the picture of form {template.name} cannot be read")
        found = features_of(picture.astype(np.uint8))  # it is empty: the frames to write in are print as well
        scale = np.array(template.size) / picture.shape[::-1]
        form = Form(template, Features((found.points * scale).astype(np.float32), found.descriptors))
        small = cv2.resize(picture, form.size, interpolation=cv2.INTER_AREA)
        return replace(form, empty=small.astype(np.uint8))
    if template.markers:
        return Form(template, features_of(np.zeros((1, 1), np.uint8)))
    raise TemplateError(
        f"form {template.name} has neither a picture nor features nor markers, so it cannot be found on a page",
        hint="name a picture of the empty form with `reference:`, or make the template with template detect",
    )


def _loaded(path: Path) -> Features:
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = Features(stored["points"].astype(np.float32), stored["descriptors"].astype(np.uint8))
            if "lines" in stored:  # files made before 2026-11-22 have none
                found = replace(found, lines=stored["lines"].astype(np.float32))
    except (OSError, ValueError, KeyError) as error:
        raise TemplateError(f"{path}: the features of a form cannot be read: {error!r}") from None
    shapes = found.points.shape, found.descriptors.shape[1:], found.lines.shape[1:]
    if shapes != ((len(found.descriptors), 2), (128,), (5,)):
        raise TemplateError(f"{path}: these are no features of a form")
    return found


def _rectangle(width: float, height: float) -> Points:
    """Corners of a rectangle at the origin, clockwise from the upper left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)


def _markers(page: Grey) -> dict[int, Points]:
    """Find ArUco markers, each once; one seen twice tells nothing."""
    scale = min(1.0, 2 * SIDE / max(page.shape))
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else page
    options = cv2.aruco.DetectorParameters()
    options.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(MARKERS), options)
    corners, ids, _ = detector.detectMarkers(small)
    if not len(corners):
        return {}
    numbers = [int(n) for n in np.ravel(ids)]
    return {
        number: (square.reshape(4, 2).astype(np.float64) + 0.5) / scale - 0.5
        for number, square in zip(numbers, corners, strict=True)
        if numbers.count(number) == 1
    }


def choose(view: View, forms: Sequence[Form]) -> tuple[Form, Registration]:
    """Find the form that a page is.

    Between forms with much print in common, the print that they have not decides, and which one's lies where it
    should more exactly; where these do not say the same, there is no answer.

    Parameters
    ----------
    view : View
    forms : sequence of Form

    Raises
    ------
    RegistrationError
        None fits, or two fit alike; says why.
    """
    marked = [f for f in forms if any(m.id in view.markers for m in f.template.markers)]
    fitting, refused = _fitting(view, marked or forms)
    if not fitting:
        told: dict[str, list[str]] = {}
        for name, message in refused.items():
            told.setdefault(message, []).append(name)
        why = "; ".join(f"{', '.join(names)}: {message}" for message, names in told.items())
        raise RegistrationError(f"no template fits ({why})")
    while len(fitting) > 1:
        one, other = fitting[:2]
        mine, theirs = (_own_print(view, *pair) for pair in ((one, other), (other, one)))
        is_nearer = one[1].residual < other[1].residual
        if max(mine, theirs) < LEAST_QUALITY or mine == theirs or (mine > theirs) != is_nearer:
            names = f"{one[0].template.name} and {other[0].template.name}"
            raise RegistrationError(f"the templates {names} fit alike")
        fitting.remove(other if is_nearer else one)
    return fitting[0]


def _own_print(view: View, one: tuple[Form, Registration], other: tuple[Form, Registration]) -> float:
    """Share of the print of one form alone that is found on a page, where another form seems to fit as well."""
    features, others = one[0].features, other[0].features
    places = one[1].place(features.points.astype(np.float64)) * view.scale
    taken = other[1].place(others.points.astype(np.float64)) * view.scale
    near = (places**2).sum(axis=1)[:, None] + (taken**2).sum(axis=1) - 2 * places @ taken.T <= REACHES[
        -1
    ] ** 2
    alike = _unit(features.descriptors) @ _unit(others.descriptors).T >= ALIKE
    alone = ~(near & alike).any(axis=1)
    return float(one[1].found[alone].mean()) if alone.sum() >= LEAST_PRINT else 0.0


def register(view: View, form: Form) -> Registration:
    """Find out how a form lies on a page, in whatever pose.

    Where the form has markers that are seen, they say; else distinctive print matched by its look alone [1]_, and
    where that tells nothing the same on the paper alone, cut out by its outline, and the outline itself, all four
    ways up. Each of these is only a guess: print is looked for where it says, the registration is fitted to what is
    found, and must hold all over the form.

    Parameters
    ----------
    view : View
    form : Form

    Raises
    ------
    RegistrationError
        The page is not of this form, or too little of its print can be made out.

    References
    ----------
    .. [1] D. Barath, J. Noskova, M. Ivashechkin, J. Matas, "MAGSAC++, a fast, reliable and accurate robust
       estimator", CVPR 2020.
    """
    fitting, refused = _fitting(view, [form])
    if not fitting:
        raise RegistrationError(refused[form.template.name])
    return fitting[0][1]


def _fitting(view: View, forms: Sequence[Form]) -> tuple[list[tuple[Form, Registration]], dict[str, str]]:
    """Find the forms that fit a page, and why each of the others does not."""
    fitting: list[tuple[Form, Registration]] = []
    refused = {form.template.name: "its print is not on the page" for form in forms}
    for guessed in (_by_print, _by_paper):
        poses = [(pose, form) for form in forms if (pose := guessed(view, form)) is not None]
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
                least = max(least, RIVAL * pose.support)
        if fitting:
            break
    return fitting, refused


@dataclass(frozen=True, slots=True)
class _Pair:
    """The print of a form and of a page, both in pixels of a page `SIDE` long.

    Attributes
    ----------
    form, page : (N, 2) float64 ndarray, (M, 2) float64 ndarray
    looks, looks_there : (N, 128) float32 ndarray, (M, 128) float32 ndarray
        What it looks like: products of these are cosines.
    """

    form: Points
    page: Points
    looks: NDArray[np.float32]
    looks_there: NDArray[np.float32]

    @classmethod
    def of(cls, form: Form, page: Features, scale: float) -> _Pair:
        """Compare a form with the features of a page, `scale` pixels to one of theirs."""
        return cls(
            form.features.points.astype(np.float64) * form.scale,
            page.points.astype(np.float64) * scale,
            _unit(form.features.descriptors),
            _unit(page.descriptors),
        )

    def matches(self, found: NDArray[np.intp]) -> _Matches:
        """Return what was found again of the form: for each of its features the page's, or -1."""
        chosen = found >= 0
        return _Matches(self.form[chosen], self.page[found[chosen]])


@dataclass(frozen=True, slots=True)
class _Matches:
    """Places of a form, and where on the page they were found."""

    form: Points
    page: Points

    def __len__(self) -> int:
        return len(self.form)

    def __add__(self, other: _Matches) -> _Matches:
        return _Matches(np.vstack([self.form, other.form]), np.vstack([self.page, other.page]))

    def some(self, chosen: NDArray[np.bool_]) -> _Matches:
        return _Matches(self.form[chosen], self.page[chosen])


@dataclass(frozen=True, slots=True)
class _Pose:
    """About how a form lies on a page.

    Attributes
    ----------
    to_page : (3, 3) float64 ndarray
        Homography from the form to the page, both in pixels of a page `SIDE` long.
    support : int
        How much print agrees with it.
    """

    to_page: Transform
    support: int


def _square(box: Box) -> list[tuple[int, int]]:
    return [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]


def _unit(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale descriptors so that their products are the cosines of their square roots.

    After R. Arandjelović and A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.
    """
    plain = descriptors.astype(np.float32)
    return np.asarray(np.sqrt(plain / np.maximum(plain.sum(axis=1, keepdims=True), 1)), dtype=np.float32)


def _marker_corners(view: View, form: Form) -> _Matches:
    """Corners of the form's markers that are seen."""
    seen = [m for m in form.template.markers if m.id in view.markers]
    corners = np.array([_square(m.box) for m in seen], dtype=np.float64).reshape(-1, 2)
    found = np.array([view.markers[m.id] for m in seen], dtype=np.float64).reshape(-1, 2)
    return _Matches(corners * form.scale, found * view.scale)


def _by_print(view: View, form: Form) -> _Pose | None:
    """Guess the pose by the corners of markers, or else by distinctive print."""
    corners = _marker_corners(view, form)
    if len(corners) >= 8 and (pose := _fitted(corners)) is not None:
        return _Pose(pose, FEATURES + len(corners))
    pair = _Pair.of(form, view.features, view.scale)
    return _supported(pair, _fitted(_distinctive(pair)), form)


def _by_paper(view: View, form: Form) -> _Pose | None:
    """Guess the pose by what is seen on the paper alone, and by its outline, whichever agrees with the most print."""
    pair = _Pair.of(form, view.paper, view.scale)
    sheet = _rectangle(*form.sides).astype(np.float32)
    turned = [np.roll(view.outline * view.scale, k, axis=0).astype(np.float32) for k in range(4)]
    outlines = [np.asarray(cv2.getPerspectiveTransform(sheet, corners), np.float64) for corners in turned]
    poses = [_supported(pair, guess, form) for guess in (_fitted(_distinctive(pair)), *outlines)]
    return max((pose for pose in poses if pose is not None), key=lambda pose: pose.support, default=None)


def _supported(pair: _Pair, guess: Transform | None, form: Form) -> _Pose | None:
    """Look for print where a guess puts it, and fit a pose to what is found; None where that is chance."""
    size = form.sides
    if guess is None or not _is_sane(guess, size):
        return None
    found = _found(pair, _carried(guess, pair.form), FAR)
    matches = pair.matches(found)
    to_page = _fitted(matches)
    if to_page is None or not _is_sane(to_page, size):
        return None
    off = np.linalg.norm(_carried(to_page, matches.form) - matches.page, axis=1)
    support = int(np.count_nonzero(off < TOLERANCE))
    return _Pose(to_page, support) if support >= LEAST_SUPPORT else None


def _distinctive(pair: _Pair) -> _Matches:
    """Match print by its look alone, where nothing else on the page looks nearly the same."""
    if len(pair.form) < 1 or len(pair.page) < 2:
        return _Matches(np.zeros((0, 2)), np.zeros((0, 2)))
    likeness = pair.looks @ pair.looks_there.T
    rows, best = np.arange(len(likeness)), likeness.argmax(axis=1)
    first = likeness[rows, best]
    likeness[rows, best] = -1
    apart = 1 - np.stack([first, likeness.max(axis=1)])  # half the squared distance
    return _Matches(pair.form, pair.page[best]).some(apart[0] < RATIO**2 * apart[1])


def _fitted(matches: _Matches) -> Transform | None:
    """Fit a homography robustly; None where there is none."""
    if len(matches) < 8:
        return None
    found, _ = cv2.findHomography(
        matches.form, matches.page, cv2.USAC_MAGSAC, TOLERANCE, maxIters=3000, confidence=0.999
    )
    return None if found is None else np.asarray(found, dtype=np.float64)


def _refined(view: View, form: Form, pose: _Pose) -> Registration:
    """Lay the page flat as a pose says, fit to the print seen then, and see that it holds all over the form.

    Laid flat, print looks as it does on the form, and faint print can be told from specks, since one knows where to
    look for it.
    """
    size = form.sides
    rough = _registration(view, form, pose.to_page, _flat())
    flat = flatten(view.grey, rough, form.scale)
    middle = 0.5 - 0.5 * form.scale  # where the first pixel of the flat page lies
    pair = _Pair.of(form, _points(flat, _about(form, flat.shape, round(REACHES[0])), FAINT), 1.0)
    pair = replace(pair, page=pair.page + middle)
    back = np.asarray(np.linalg.inv(pose.to_page), dtype=np.float64)
    markers = _marker_corners(view, form)
    markers = replace(markers, page=_carried(back, markers.page))
    bend = _flat()
    for reach in REACHES:
        found = _found(pair, pair.form + _bent(bend, pair.form, size), reach)
        matches = markers + pair.matches(found)
        if len(matches) < LEAST_SUPPORT:
            raise RegistrationError("its print is not on the page")
        bend = _bending(matches, size)
    if form.picture is not None:
        joints = _corners_of(form.picture, _about(form, flat.shape, PATCH) == 0)
        by_print = matches
        for _ in range(3):  # what is found leads on to what lies farther off
            seen = _seen_again(form.picture, flat, joints, joints + _bent(bend, joints + middle, size))
            matches = by_print + _Matches(seen.form + middle, seen.page + middle)
            bend = _bending(matches, size)
    placed = _carried(pose.to_page, pair.form + _bent(bend, pair.form, size)) / view.scale
    quality = max(_quality(found >= 0, pair.form, placed, view), _marked(view, form))
    if quality < LEAST_QUALITY:
        raise RegistrationError(f"only {quality:.0%} of its print is found on parts of the page")
    residual = _residual(matches, size) / form.scale * JUDGED / form.template.size[1]
    if residual > MOST_RESIDUAL:
        raise RegistrationError(f"its print lies {residual:.1f} pixels off where it should")
    grid = _grid(size)
    bent = _carried(pose.to_page, grid + bend.reshape(-1, 2)) - _carried(pose.to_page, grid)
    whole = _registration(view, form, pose.to_page, bent.reshape(bend.shape))
    return replace(whole, residual=residual, quality=quality, found=found >= 0)


def _registration(view: View, form: Form, to_page: Transform, bend: Points) -> Registration:
    """Bring a homography and a bending from pixels of pages `SIDE` long into those of the form and the page."""
    to_side = np.diag([form.scale, form.scale, 1.0])
    back = np.diag([1 / view.scale, 1 / view.scale, 1.0])
    return Registration(
        back @ to_page @ to_side,
        (bend / view.scale).astype(np.float32),
        form.template.size,
        0.0,
        0.0,
        np.zeros(0, np.bool_),
    )


def _about(form: Form, shape: tuple[int, ...], reach: int) -> NDArray[np.uint8]:
    """Mask of the page laid flat: what is within reach of the form's features."""
    near = np.zeros(shape, dtype=np.uint8)
    at = (form.features.points * form.scale).round().astype(np.intp)
    inside = ((at >= 0) & (at < shape[::-1])).all(axis=1)
    near[at[inside, 1], at[inside, 0]] = 255
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(near, square), dtype=np.uint8)


def flatten(page: Grey, registration: Registration, scale: float) -> Grey:
    """Lay a page flat: the reference's geometry, `scale` pixels to one of the reference."""
    width, height = (round(side * scale) for side in registration.size)
    return _laid_flat(
        page,
        lambda points: registration.place(np.asarray((points + 0.5) / scale - 0.5, dtype=np.float64)),
        (width, height),
    )


def _laid_flat(page: Grey, place: Callable[[Points], Points], size: tuple[int, int]) -> Grey:
    """Make a picture of this width and height of what is seen where each of its points is placed on the page."""
    width, height = size
    rows, columns = -(-height // MESH) + 1, -(-width // MESH) + 1
    mesh = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * float(MESH)
    placed = place(np.asarray(mesh, dtype=np.float64)).reshape(rows, columns, 2)
    spread = float(np.linalg.norm(placed[1:] - placed[:-1], axis=2).max()) / MESH
    if spread > 2:  # every pixel of the page must count
        page = cv2.resize(page, None, fx=2 / spread, fy=2 / spread, interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
        placed = (placed + 0.5) * (2 / spread) - 0.5
    even = np.array([[1 / MESH, 0, 0], [0, 1 / MESH, 0]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    at = cv2.warpAffine(
        placed.astype(np.float32), even, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    flat = cv2.remap(page, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(flat, dtype=np.uint8)


def _found(pair: _Pair, places: Points, reach: float) -> NDArray[np.intp]:
    """Find print again within reach of its places: the page's feature for each of the form's, -1 where none is."""
    found = np.full(len(places), -1, dtype=np.intp)
    if not len(places) or not len(pair.page):
        return found
    near = KDTree(places).sparse_distance_matrix(KDTree(pair.page), reach, output_type="ndarray")
    here, there = near["i"], near["j"]
    likeness = np.einsum("nd,nd->n", pair.looks[here], pair.looks_there[there])
    order = np.argsort(likeness)
    order = order[likeness[order] >= ALIKE]
    here, there = here[order], there[order]
    # of several at one place the last is written, the likeliest
    best, best_there = np.full(len(places), -1), np.full(len(pair.page), -1)
    best[here] = best_there[there] = np.arange(len(order))
    mutual = best[here] == best_there[there]
    found[here[mutual]] = there[mutual]
    return found


def _corners_of(picture: Grey, free: Mask) -> Points:
    """Find corners of the empty form, such as those of its frames, where they are free."""
    found = cv2.goodFeaturesToTrack(picture, JOINTS, 0.001, PATCH, mask=free.view(np.uint8))
    return np.zeros((0, 2)) if found is None else found.reshape(-1, 2).round().astype(np.float64)


def _seen_again(picture: Grey, flat: Grey, corners: Points, placed: Points) -> _Matches:
    """Find corners of the empty form again on a page laid flat, by what is around them.

    Features of print are seldom where one writes; without these, fields would lie wrong where paper bends.
    """
    reach = PATCH + ROAM
    inside = (np.minimum(corners, placed) >= reach + 1).all(axis=1)
    inside &= (np.maximum(corners, placed) < np.array(flat.shape[::-1]) - reach - 1).all(axis=1)
    here, there = [], []
    for (x, y), (u, v) in zip(corners[inside].astype(int), placed[inside].round().astype(int), strict=True):
        patch = picture[y - PATCH : y + PATCH + 1, x - PATCH : x + PATCH + 1]
        around = flat[v - reach : v + reach + 1, u - reach : u + reach + 1]
        alike = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
        _, most, _, (i, j) = cv2.minMaxLoc(alike)
        if most >= AGREES and 0 < i < 2 * ROAM and 0 < j < 2 * ROAM:
            off = i + _peak(alike[j, i - 1 : i + 2]) - ROAM, j + _peak(alike[j - 1 : j + 2, i]) - ROAM
            here.append((x, y))
            there.append((u + off[0], v + off[1]))
    return _Matches(*(np.array(some, dtype=np.float64).reshape(-1, 2) for some in (here, there)))


def _peak(values: NDArray[Any]) -> float:
    """Return how far beside the middle one of three values the parabola through them is highest."""
    left, middle, right = (float(value) for value in values)
    return 0.5 * (left - right) / min(left - 2 * middle + right, -1e-6)


def _flat() -> NDArray[np.float64]:
    return np.zeros((BEND_STEPS + 1, BEND_STEPS + 1, 2))


def _grid(size: NDArray[np.float64]) -> Points:
    """Points of a form at which bending is told, row by row."""
    steps = np.linspace(0, 1, BEND_STEPS + 1)
    return np.stack(np.meshgrid(steps * size[0], steps * size[1]), axis=-1).reshape(-1, 2)


def _bending(matches: _Matches, size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say by how much print lies off where a pose puts it: evenly, and where the paper bends.

    An affine map and a sum of bumps all over the form, as low as they may be [1]_. What is off is weighed anew, round
    by round, by how well it agrees with what is smooth [2]_. Print seldom stands all over a form: a homography of
    its own, fitted to the most of it, may be far off elsewhere.

    Parameters
    ----------
    matches : _Matches
        Print of the form, and where it is seen on the page laid flat.
    size : (2,) float64 ndarray
        Width and height of the form.

    Returns
    -------
    (BEND_STEPS + 1, BEND_STEPS + 1, 2) float64 ndarray

    References
    ----------
    .. [1] C. Rasmussen, C. Williams, "Gaussian Processes for Machine Learning", 2006, chapter 2.
    .. [2] P. Holland, R. Welsch, "Robust regression using iteratively reweighted least-squares", 1977.
    """
    columns, rows = (np.arange(-BEND / 2, side + BEND, BEND) for side in size)
    bumps = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    design, off = _design(matches.form, bumps, size), matches.page - matches.form
    stiffness = np.diag([STIFFNESS] * len(bumps) + [FREE] * 3)
    weights = np.ones(len(matches))
    heights: NDArray[Any] = np.zeros((len(bumps) + 3, 2))
    for _ in range(4):
        weighted = design.T * weights
        heights = np.linalg.solve(weighted @ design + stiffness, weighted @ off)
        weights = 1 / (1 + ((off - design @ heights) ** 2).sum(axis=1) / STRAY**2) ** 2
    bend = _design(_grid(size), bumps, size) @ heights
    return np.asarray(bend.reshape(BEND_STEPS + 1, BEND_STEPS + 1, 2))


def _design(points: Points, bumps: Points, size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of each bump at points, and the three terms of an affine map; of shape ``(N, K + 3)``."""
    return np.hstack([_bumps(points, bumps), np.ones((len(points), 1)), 2 * points / size - 1])


def _bumps(points: Points, bumps: Points) -> NDArray[np.float64]:
    """Height of each bump, of shape ``(K,)``, at points of shape ``(N,)``."""
    squares = ((points[:, None] - bumps) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squares / (2 * BEND**2)))


def _bent(bend: NDArray[Any], points: Points, size: NDArray[np.float64]) -> Points:
    """Bending at points of the form."""
    if not len(points):
        return np.zeros((0, 2))
    at = (points / size * BEND_STEPS).astype(np.float32)
    columns, rows = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    picture = bend.astype(np.float32)
    sampled = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled.reshape(-1, 2), dtype=np.float64)


def _residual(matches: _Matches, size: NDArray[np.float64]) -> float:
    """Median distance of one half of the matches from where the other half puts them."""
    first = np.arange(len(matches)) % 2 == 0
    off = []
    for fitted, judged in ((first, ~first), (~first, first)):
        bend, rest = _bending(matches.some(fitted), size), matches.some(judged)
        off.append(np.linalg.norm(rest.form + _bent(bend, rest.form, size) - rest.page, axis=1))
    return float(np.median(np.concatenate(off)))


def _quality(found: NDArray[np.bool_], points: Points, places: Points, view: View) -> float:
    """Share of the print found again on the lower quartile of the blocks in sight; 0 where too few are."""
    height, width = view.grey.shape
    in_sight = ((places >= 0) & (places < (width, height))).all(axis=1)
    block = (points * BLOCKS / SIDE).astype(np.int64) @ (1, BLOCKS + 1)
    printed = np.bincount(block[in_sight])
    again = np.bincount(block[in_sight & found], minlength=len(printed))
    told = printed >= LEAST_PRINT
    if told.sum() < LEAST_BLOCKS:
        return 0.0
    return float(np.quantile(again[told] / printed[told], 0.25))


def _marked(view: View, form: Form) -> float:
    """Share of the form's markers that are seen, 0 where they are too few to tell by them alone."""
    seen = sum(m.id in view.markers for m in form.template.markers)
    return seen / len(form.template.markers) if seen >= 3 else 0.0


def _is_sane(to_page: Transform, size: NDArray[np.float64]) -> bool:
    """Whether a form may lie so: in front of the camera, not mirrored, its sides foreshortened by less than 4."""
    width, height = size
    corners = _rectangle(width, height)
    depth = corners @ to_page[2, :2] + to_page[2, 2]
    if not (depth * depth[0] > 0).all():
        return False
    placed = _carried(to_page, corners)
    sides = np.roll(placed, -1, axis=0) - placed
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    lengths = np.linalg.norm(sides, axis=1) / (width, height, width, height)
    return bool((turns > 0).all() and lengths.min() > 0.1 and lengths.max() < 4 * lengths.min())


def _carried(transform: Transform, points: Points) -> Points:
    """Carry points over by a homography."""
    carried = points @ transform[:, :2].T + transform[:, 2]
    return np.asarray(carried[:, :2] / carried[:, 2:])
