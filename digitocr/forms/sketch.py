"""The commands ``template detect`` and ``template show``: a first template of a form, and a look at its fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr import atomic
from digitocr.errors import InputError, RegistrationError, UsageError
from digitocr.forms import detect as finding
from digitocr.forms import template_file
from digitocr.forms.features import Features, features_of, save_features
from digitocr.forms.form_print import load_form_print
from digitocr.forms.geometry import corners_of
from digitocr.forms.print_lines import lines_of
from digitocr.forms.registration import Registration, RegistrationView, register
from digitocr.forms.template import Field, Template
from digitocr.io.sandbox import Sandbox, read_bytes
from digitocr.records import Box, Grey, Limits

Colour = NDArray[np.uint8]
"""A picture of shape ``(H, W, 3)``, BGR."""

MARGIN_PX = 12
"""Handwriting may exceed its field by this, in reference pixels."""


def detect(blank: Path, output: Path) -> tuple[Template, tuple[Path, Path, Path]]:
    """Write a first template of a form.

    Parameters
    ----------
    blank : Path
        A picture of the empty form.
    output : Path
        The template. An existing one is never overwritten, as it may have been corrected by hand.

    Returns
    -------
    template : Template
    written : tuple of Path
        The template, its features, and a picture of the form with the fields numbered.

    Raises
    ------
    UsageError
        The picture cannot be read, nothing to write on was found, or `output` exists or has another suffix.
    """
    if output.suffix.casefold() != ".yaml":
        raise UsageError(f"{output} is not a name for a template", hint="end it in .yaml")
    if output.exists():
        raise UsageError(f"{output} exists already", hint="give another name with --output, or remove it")
    found = finding.detect(read_page(blank))
    if not found.fields:
        raise UsageError(
            f"no boxes or lines to write on were found on {blank}",
            hint="give a picture of the empty form, the right way up",
        )
    name = re.sub(r"\W+", "_", output.stem)
    template = found.template(name if name.isidentifier() else f"form_{name}")
    features, picture = output.with_suffix(".features.npz"), output.with_suffix(".fields.png")
    save_features(features, print_of(found.grey, found.fields))
    atomic.write(picture, _png(annotated(found.grey, found.fields)))
    template = replace(template, features=features)
    template_file.dump(template, output)
    return template, (output, features, picture)


def print_of(grey: Grey, fields: tuple[Field, ...]) -> Features:
    """Find the features and the lines by which an empty form is known.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
        The reference.
    fields : tuple of Field

    Returns
    -------
    Features
    """
    return replace(features_of(grey, occupied(fields)), lines=lines_of(grey))


def occupied(fields: tuple[Field, ...]) -> list[Box]:
    """Return where handwriting may stand, which is not part of the printed form.

    Parameters
    ----------
    fields : tuple of Field

    Returns
    -------
    list of Box
        In reference pixels.
    """
    return [
        Box(b.x - MARGIN_PX, b.y - MARGIN_PX, b.width + 2 * MARGIN_PX, b.height + 2 * MARGIN_PX)
        for b in (field.box for field in fields)
    ]


def show(template: Path, page: Path, output: Path) -> Registration:
    """Draw the fields of a template over a page, where they were found on it.

    Parameters
    ----------
    template : Path
    page : Path
        A scan or photo of the form.
    output : Path
        The picture.

    Returns
    -------
    Registration

    Raises
    ------
    TemplateError
        The template cannot be used.
    UsageError
        The page cannot be read, or is not of this form.
    """
    form = load_form_print(template_file.load(template))
    grey = read_page(page)
    try:
        found = register(RegistrationView(grey), form)
    except RegistrationError as error:
        raise UsageError(
            f"{page} is not of the form {form.template.name}: {error.message}", hint=error.hint
        ) from None
    atomic.write(output, _png(overlaid(grey, form.template, found)))
    return found


def overlaid(grey: Grey, template: Template, found: Registration) -> Colour:
    """Draw the fields of a template over a page: cells in blue, fields in orange, with their names.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
    template : Template
    found : Registration

    Returns
    -------
    (H, W, 3) uint8 ndarray
        BGR.
    """
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    thick = max(1, round(max(grey.shape) / 1500))
    for field in template.fields:
        for box, colour in (*((cell, (200, 120, 0)) for cell in field.cells), (field.box, (0, 90, 230))):
            outline = found.place(corners_of(box))
            cv2.polylines(picture, [np.round(outline).astype(np.int32)], True, colour, thick, cv2.LINE_AA)  # noqa: FBT003
        x, y = found.place(corners_of(field.box))[0]
        at = (round(float(x)), round(float(y)) - 3 * thick)
        cv2.putText(
            picture, field.name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * thick, (0, 0, 200), thick, cv2.LINE_AA
        )
    return np.asarray(picture, dtype=np.uint8)


def read_page(path: Path) -> Grey:
    """Read the first page of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    (H, W) uint8 ndarray

    Raises
    ------
    UsageError
        The file cannot be read.
    """
    limits = Limits()
    try:
        (page,) = Sandbox().decode(read_bytes(path, limits), limits, 1)
    except InputError as error:
        raise UsageError(f"cannot read {path}: {error.message}", hint=error.hint) from None
    return page.grey


def annotated(grey: Grey, fields: Sequence[Field]) -> Colour:
    """Draw fields over the reference, each with its number.

    Parameters
    ----------
    grey : (H, W) uint8 ndarray
        The reference.
    fields : sequence of Field
        Called ``field1`` and so on.

    Returns
    -------
    (H, W, 3) uint8 ndarray
        BGR.
    """
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for field in fields:
        for cell in field.cells:
            cv2.rectangle(picture, (cell.x, cell.y), (cell.right, cell.bottom), (200, 120, 0), 1)
        b = field.box
        cv2.rectangle(picture, (b.x, b.y), (b.right, b.bottom), (0, 90, 230), 2)
        label = field.name.removeprefix("field")
        cv2.putText(
            picture, label, (b.x, b.y - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 200), 2, cv2.LINE_AA
        )
    return np.asarray(picture, dtype=np.uint8)


def _png(picture: Colour) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
