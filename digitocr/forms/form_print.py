"""What is known of a form's print: its features, and a picture of the empty form or of its lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.errors import TemplateError
from digitocr.forms.features import PAGE_SIDE_PX, Features, features_of, load_features, no_features
from digitocr.forms.geometry import Points
from digitocr.forms.print_lines import drawn
from digitocr.forms.template import Template
from digitocr.records import Grey

MAX_CORNERS = 600
"""Corners of the empty form to look for on the flattened page, the strongest away from its features."""

PATCH_PX = 9
"""Half the side of the patch around a corner that is compared, at a page side of `PAGE_SIDE_PX`."""


@dataclass(frozen=True)
class FormPrint:
    """A template with what is known of its print.

    Attributes
    ----------
    template : Template
    features : Features
        In reference pixels.
    empty : (h, w) uint8 ndarray or None
        The empty form, its longer side `PAGE_SIDE_PX`; None where only its features are known.
    """

    template: Template
    features: Features
    empty: Grey | None = None

    @property
    def scale(self) -> float:
        """Pixels of a page `PAGE_SIDE_PX` long per reference pixel."""
        return float(PAGE_SIDE_PX / max(self.template.size))

    @property
    def sides(self) -> Points:
        """Width and height in pixels of a page `PAGE_SIDE_PX` long, of shape ``(2,)``."""
        return np.array(self.template.size, dtype=np.float64) * self.scale

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a picture of it whose longer side is `PAGE_SIDE_PX`."""
        width, height = self.sides.round().astype(int).tolist()
        return width, height

    @cached_property
    def points(self) -> Points:
        """Its features in pixels of a page `PAGE_SIDE_PX` long, of shape ``(N, 2)``."""
        return self.features.points.astype(np.float64) * self.scale

    @cached_property
    def picture(self) -> Grey | None:
        """The empty form of this `size`, or its lines alone; None where these are not known either."""
        lines = self.features.lines
        return drawn(lines, self.size, self.scale) if self.empty is None and len(lines) else self.empty

    @cached_property
    def corners(self) -> Points:
        """Corners on the picture away from features, such as those of frames, of shape ``(K, 2)``."""
        if self.picture is None:
            return np.zeros((0, 2))
        away = (self.near_features(PATCH_PX) == 0).view(np.uint8)
        found = cv2.goodFeaturesToTrack(self.picture, MAX_CORNERS, 0.001, PATCH_PX, mask=away)
        return np.zeros((0, 2)) if found is None else found.reshape(-1, 2).round().astype(np.float64)

    def near_features(self, reach_px: int) -> NDArray[np.uint8]:
        """Return a mask of the picture: 255 within reach of a feature, else 0.

        Parameters
        ----------
        reach_px : int
            Along either axis.

        Returns
        -------
        (h, w) uint8 ndarray
        """
        width, height = self.size
        near = np.zeros((height, width), dtype=np.uint8)
        at = (self.features.points * self.scale).round().astype(np.intp)
        inside = ((at >= 0) & (at < self.size)).all(axis=1)
        near[at[inside, 1], at[inside, 0]] = 255
        square = np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)
        return np.asarray(cv2.dilate(near, square), dtype=np.uint8)


def load_form_print(template: Template) -> FormPrint:
    """Load what a template names of its form's print.

    Parameters
    ----------
    template : Template

    Returns
    -------
    FormPrint

    Raises
    ------
    TemplateError
        The picture or the features cannot be read, or the template names neither and has no markers.
    """
    if template.features is not None:
        return FormPrint(template, load_features(template.features))
    if template.reference is not None:
        picture = cv2.imread(str(template.reference), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise TemplateError(
                f"{template.reference}: cannot read the picture of the form {template.name}",
                hint="put the picture beside the template, or correct its `reference:`",
            )
        found = features_of(
            picture.astype(np.uint8)
        )  # the form is empty: the frames to write in are print, too
        scale = np.array(template.size) / picture.shape[::-1]
        form = FormPrint(template, Features((found.points * scale).astype(np.float32), found.descriptors))
        small = cv2.resize(picture, form.size, interpolation=cv2.INTER_AREA)
        return replace(form, empty=small.astype(np.uint8))
    if template.markers:
        return FormPrint(template, no_features())
    raise TemplateError(
        f"form {template.name} has neither a picture nor features nor markers, so it cannot be found on a page",
        hint="name a picture of the empty form with `reference:`, or make the template with template detect",
    )
