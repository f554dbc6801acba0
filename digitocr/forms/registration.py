"""Registration: how the printed form of a template lies on a page.

Print of the form is looked for on the page, and a homography is fitted to it robustly, with a little bending on
top, since paper is seldom flat. It stands only where the print that it predicts is found again all over the form:
another form, or a page too blurred to tell, is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.clean import paper_corners
from digitocr.errors import RegistrationError, TemplateError
from digitocr.forms.template import MARKERS, Template
from digitocr.records import Box, Grey, Transform

SIDE = 1000
"""Longest side in pixels of the picture in which print is compared: it is legible, and costs a fifth of a second."""

FEATURES = 1600
"""Features kept of a picture, the strongest of each neighbourhood."""

GRID = 12
"""Neighbourhoods along either side of a picture."""

RATIO = 0.85
"""A match is distinctive if the second best is at least this much farther away."""

TOLERANCE = 5.0
"""How far print may lie from where the homography puts it, in pixels of a page `SIDE` long."""

REACHES = (14.0, 10.0, 7.0)
"""How far around its place print is looked for, round by round, in the same pixels."""

ALIKE = 0.82
"""Least cosine of two descriptors of the same print."""

BEND = 120.0
"""Over what distance paper bends, in the same pixels."""

STIFFNESS = 4.0
"""Matches that a stretch of flat paper outweighs."""

BEND_STEPS = 24
"""Steps along either side at which the bending is told."""

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
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Form:
    """A template with what is known of its print.

    Attributes
    ----------
    template : Template
    features : Features
        In pixels of the reference.
    """

    template: Template
    features: Features

    @property
    def scale(self) -> float:
        """Pixels of a page `SIDE` long to one of the reference."""
        return float(SIDE / max(self.template.size))


@dataclass(frozen=True, slots=True)
class View:
    """A page as registration sees it; made once, whatever forms it is compared with.

    Attributes
    ----------
    grey : (H, W) uint8 ndarray
    features : Features
        In page pixels.
    markers : dict of int to (4, 2) float64 ndarray
        Corners of the ArUco markers in page pixels, clockwise from the upper left.
    """

    grey: Grey
    features: Features
    markers: dict[int, Points]

    @property
    def scale(self) -> float:
        """Pixels of a page `SIDE` long to one of this."""
        return float(SIDE / max(self.grey.shape))


@dataclass(frozen=True, slots=True)
class Registration:
    """How a form lies on a page.

    Attributes
    ----------
    to_page : (3, 3) float64 ndarray
        Homography from reference pixels to page pixels.
    bend : (n, m, 2) float32 ndarray
        What the paper's bending adds, in page pixels, at a grid over the reference with its corners in the corners.
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
        return _carried(self.to_page, points) + _bent(
            self.bend, points, np.array(self.size, dtype=np.float64)
        )


def features_of(picture: Grey, exclude: Sequence[Box] = ()) -> Features:
    """Find the distinctive points of a picture, spread over all of it.

    SIFT [1]_ on the picture shrunk to `SIDE`, the strongest points of each neighbourhood.

    Parameters
    ----------
    picture : (H, W) uint8 ndarray
    exclude : sequence of Box
        Where handwriting may stand, which is no part of the form.

    References
    ----------
    .. [1] D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004.
    """
    height, width = picture.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    free = np.full(small.shape, 255, dtype=np.uint8)
    for box in exclude:
        x, y, right, bottom = (round(v * scale) for v in (box.x, box.y, box.right, box.bottom))
        free[max(0, y) : bottom, max(0, x) : right] = 0
    sift = cv2.SIFT.create()
    found = _spread(sift.detect(small, free), size)
    if not found:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    kept, descriptors = sift.compute(small, found)
    points = (np.array([k.pt for k in kept]) + 0.5) * (width / size[0], height / size[1]) - 0.5
    return Features(points.astype(np.float32), descriptors.astype(np.uint8))


def _spread(found: Sequence[cv2.KeyPoint], size: tuple[int, int]) -> list[cv2.KeyPoint]:
    """Keep the strongest points of each neighbourhood."""
    by_place: dict[tuple[int, int], list[cv2.KeyPoint]] = {}
    for point in sorted(found, key=lambda k: -k.response):
        place = (int(point.pt[0] * GRID / size[0]), int(point.pt[1] * GRID / size[1]))
        by_place.setdefault(place, []).append(point)
    ranked = [(rank, p) for points in by_place.values() for rank, p in enumerate(points)]
    return [p for _, p in sorted(ranked, key=lambda r: (r[0], -r[1].response))[:FEATURES]]


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
        return Form(template, Features((found.points * scale).astype(np.float32), found.descriptors))
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
    except (OSError, ValueError, KeyError) as error:
        raise TemplateError(f"{path}: the features of a form cannot be read: {error!r}") from None
    if found.points.shape != (len(found.descriptors), 2) or found.descriptors.shape[1:] != (128,):
        raise TemplateError(f"{path}: these are no features of a form")
    return found


def view_of(page: Grey) -> View:
    """Look at a page for all that any form may be known by."""
    return View(page, features_of(page), _markers(page))


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
    fitting: list[tuple[Form, Registration]] = []
    refused: dict[str, list[str]] = {}
    marked = [form for form in forms if any(m.id in view.markers for m in form.template.markers)]
    for form in marked or forms:
        try:
            fitting.append((form, register(view, form)))
        except RegistrationError as error:
            refused.setdefault(error.message, []).append(form.template.name)
    if not fitting:
        why = "; ".join(f"{', '.join(names)}: {message}" for message, names in refused.items())
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
    where that tells nothing the outline of the paper, all four ways up. Each of these is only a guess: print is
    looked for where it says, the registration is fitted to what is found, and must hold all over the form.

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
    pair = _Pair.of(view, form)
    why = "its print is not on the page"
    for guess in _guesses(pair, view, form):
        try:
            return _judged(pair, guess, view, form)
        except RegistrationError as error:
            why = error.message
    raise RegistrationError(why)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The print of a form and of a page, both in pixels of a page `SIDE` long.

    Attributes
    ----------
    form, page : (N, 2) float64 ndarray, (M, 2) float64 ndarray
    likeness : (N, M) float32 ndarray
        Cosines of their descriptors.
    corners : Matches
        Corners of markers seen.
    """

    form: Points
    page: Points
    likeness: NDArray[np.float32]
    corners: _Matches

    @classmethod
    def of(cls, view: View, form: Form) -> _Pair:
        seen = [m for m in form.template.markers if m.id in view.markers]
        corners = np.array([_square(m.box) for m in seen], dtype=np.float64).reshape(-1, 2)
        found = np.array([view.markers[m.id] for m in seen], dtype=np.float64).reshape(-1, 2)
        return cls(
            form.features.points.astype(np.float64) * form.scale,
            view.features.points.astype(np.float64) * view.scale,
            _unit(form.features.descriptors) @ _unit(view.features.descriptors).T,
            _Matches(corners * form.scale, found * view.scale),
        )


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


def _square(box: Box) -> list[tuple[int, int]]:
    return [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]


def _unit(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale descriptors so that their products are the cosines of their square roots.

    After R. Arandjelović and A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.
    """
    plain = descriptors.astype(np.float32)
    return np.asarray(np.sqrt(plain / np.maximum(plain.sum(axis=1, keepdims=True), 1)), dtype=np.float32)


def _guesses(pair: _Pair, view: View, form: Form) -> Iterator[Transform]:
    """Yield homographies to try, the likeliest first."""
    if len(pair.corners) >= 8:
        yield _fitted(pair.corners)
    else:
        matches = _distinctive(pair)
        if len(matches) >= 8:
            yield _fitted(matches)
    outline = paper_corners(view.grey)
    if outline is not None:
        width, height = (side * form.scale for side in form.template.size)
        sheet = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        for quarters in range(4):
            turned = np.roll(outline * view.scale, quarters, axis=0).astype(np.float32)
            yield np.asarray(cv2.getPerspectiveTransform(sheet, turned), dtype=np.float64)


def _distinctive(pair: _Pair) -> _Matches:
    """Match print by its look alone, where nothing else on the page looks nearly the same."""
    if pair.likeness.shape[0] < 1 or pair.likeness.shape[1] < 2:
        return _Matches(np.zeros((0, 2)), np.zeros((0, 2)))
    best_two = np.partition(pair.likeness, -2, axis=1)[:, -2:]
    near = np.sqrt(np.maximum(2 - 2 * best_two, 0))
    chosen = near[:, 1] < RATIO * near[:, 0]
    return _Matches(pair.form, pair.page[pair.likeness.argmax(axis=1)]).some(chosen)


def _fitted(matches: _Matches) -> Transform:
    found, _ = cv2.findHomography(
        matches.form, matches.page, cv2.USAC_MAGSAC, TOLERANCE, maxIters=3000, confidence=0.999
    )
    if found is None:
        raise RegistrationError("what is found of its print lies in no one plane")
    return np.asarray(found, dtype=np.float64)


def _judged(pair: _Pair, guess: Transform, view: View, form: Form) -> Registration:
    """Fit a registration to the print found where a guess puts it, and see that it holds all over the form."""
    size = np.array(form.template.size) * form.scale
    to_page, bend = guess, _flat()
    found = np.zeros(0, dtype=np.intp)
    for reach in REACHES:
        if not _is_sane(to_page, size):
            raise RegistrationError("its print is not on the page")
        places = _carried(to_page, pair.form) + _bent(bend, pair.form, size)
        found = _found(pair, places, reach)
        matches = pair.corners + _Matches(pair.form, pair.page[found]).some(found >= 0)
        if len(matches) < 12:
            raise RegistrationError("its print is not on the page")
        to_page, bend = _fit(matches, size)
    quality = max(_quality(found >= 0, pair.form, places, view), _marked(pair, form))
    if quality < LEAST_QUALITY:
        raise RegistrationError(f"only {quality:.0%} of its print is found on parts of the page")
    residual = _residual(matches, size) / form.scale * JUDGED / form.template.size[1]
    if residual > MOST_RESIDUAL:
        raise RegistrationError(f"its print lies {residual:.1f} pixels off where it should")
    to_side = np.diag([form.scale, form.scale, 1.0])
    back = np.diag([1 / view.scale, 1 / view.scale, 1.0])
    return Registration(
        back @ to_page @ to_side,
        (bend / view.scale).astype(np.float32),
        form.template.size,
        residual,
        quality,
        found >= 0,
    )


def _found(pair: _Pair, places: Points, reach: float) -> NDArray[np.intp]:
    """Find print again within reach of its places: the page's feature for each of the form's, -1 where none is."""
    if not pair.likeness.size:
        return np.full(len(places), -1, dtype=np.intp)
    squares = (places**2).sum(axis=1)[:, None] + (pair.page**2).sum(axis=1) - 2 * places @ pair.page.T
    likeness = np.where((squares <= reach**2) & (pair.likeness >= ALIKE), pair.likeness, 0)
    best = likeness.argmax(axis=1)
    rows = np.arange(len(best))
    mutual = (likeness[rows, best] > 0) & (likeness.argmax(axis=0)[best] == rows)
    return np.where(mutual, best, -1)


def _fit(matches: _Matches, size: NDArray[np.float64]) -> tuple[Transform, NDArray[np.float64]]:
    """Fit a homography, and what the paper's bending adds to it."""
    to_page = _fitted(matches)
    return to_page, _bending(matches.form, matches.page - _carried(to_page, matches.form), size)


def _flat() -> NDArray[np.float64]:
    return np.zeros((BEND_STEPS + 1, BEND_STEPS + 1, 2))


def _bending(places: Points, off: Points, size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth what a homography leaves: at each point of a grid an affine map fitted to what lies near [1]_.

    Returns
    -------
    (BEND_STEPS + 1, BEND_STEPS + 1, 2) float64 ndarray

    References
    ----------
    .. [1] W. Cleveland, "Robust locally weighted regression and smoothing scatterplots", JASA 74, 1979.
    """
    steps = np.linspace(0, 1, BEND_STEPS + 1)
    grid = np.stack(np.meshgrid(steps * size[0], steps * size[1]), axis=-1).reshape(-1, 2)
    away = (places[None] - grid[:, None]) / BEND
    design = np.concatenate([np.ones((*away.shape[:2], 1)), away], axis=2)
    weighted = design * np.exp(-(away**2).sum(axis=2, keepdims=True) / 2)
    normal = weighted.transpose(0, 2, 1) @ design + STIFFNESS * np.eye(3)
    fitted = np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ off)
    return np.asarray(fitted[:, 0].reshape(len(steps), len(steps), 2))


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
        to_page, bend = _fit(matches.some(fitted), size)
        rest = matches.some(judged)
        off.append(
            np.linalg.norm(_carried(to_page, rest.form) + _bent(bend, rest.form, size) - rest.page, axis=1)
        )
    return float(np.median(np.concatenate(off)))


def _quality(found: NDArray[np.bool_], points: Points, places: Points, view: View) -> float:
    """Share of the print found again on the lower quartile of the blocks in sight; 0 where too few are."""
    height, width = (side * view.scale for side in view.grey.shape)
    in_sight = ((places >= 0) & (places < (width, height))).all(axis=1)
    block = (points * BLOCKS / SIDE).astype(np.int64) @ (1, BLOCKS + 1)
    printed = np.bincount(block[in_sight])
    again = np.bincount(block[in_sight & found], minlength=len(printed))
    told = printed >= LEAST_PRINT
    if told.sum() < LEAST_BLOCKS:
        return 0.0
    return float(np.quantile(again[told] / printed[told], 0.25))


def _marked(pair: _Pair, form: Form) -> float:
    """Share of the form's markers that are seen, 0 where they are too few to tell by them alone."""
    seen = len(pair.corners) // 4
    return seen / len(form.template.markers) if seen >= 3 else 0.0


def _is_sane(to_page: Transform, size: NDArray[np.float64]) -> bool:
    """Whether a form may lie so: in front of the camera, not mirrored, its sides foreshortened by less than 4."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
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
