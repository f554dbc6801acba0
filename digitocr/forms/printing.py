"""Printing of a form: its PDF, with the template and a picture of the empty form beside it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
from reportlab.pdfgen.canvas import Canvas

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.forms import template_file
from digitocr.forms.layout import FormSpec, glyphs
from digitocr.forms.layout import load as load_spec
from digitocr.forms.markers import DICTIONARY
from digitocr.forms.template import PX_PER_MM, Marker
from digitocr.records import Grey

GUIDE_GREY = 0.62
"""Of the frames to write in, white being 1: visible to the writer, and lighter than any pen."""

FRAME_WIDTH_MM = 0.3
"""Of their lines."""

RULE_WIDTH_MM = 0.25
"""Of the lines under titles of sections."""

_POINTS_PER_MM = 72 / 25.4
_MODULES = 7
"""Squares along the side of a marker, its border included."""

REFERENCE_DPI = 25.4 * PX_PER_MM
"""Resolution at which a millimetre has `PX_PER_MM` pixels."""


def make(specification: Path, output: Path) -> tuple[Path, Path, Path]:
    """Print the form of a specification into a PDF.

    Parameters
    ----------
    specification : Path
    output : Path
        The PDF.

    Returns
    -------
    pdf, template, picture : Path
        The template and the picture of the empty form lie beside the PDF.

    Raises
    ------
    TemplateError
        The specification cannot be used.
    UsageError
        The PDF has another suffix than ``.pdf``, or its template would overwrite the specification.
    """
    if output.suffix.casefold() != ".pdf":
        raise UsageError(f"{output} is not a name for a PDF", hint="end it in .pdf")
    form = load_spec(specification)
    template, picture = output.with_suffix(".yaml"), output.with_suffix(".png")
    if template.resolve() == specification.resolve():
        raise UsageError(f"the template would overwrite {specification}", hint="give the PDF another name")
    pdf = draw(form)
    empty = cv2.imencode(".png", render(pdf, REFERENCE_DPI), (cv2.IMWRITE_PNG_COMPRESSION, 9))[1]
    atomic.write(output, pdf)
    atomic.write(picture, empty.tobytes())
    template_file.dump(replace(form.template, reference=picture), template)
    return output, template, picture


def draw(form: FormSpec) -> bytes:
    """Return a form as a PDF of one page.

    Parameters
    ----------
    form : FormSpec

    Returns
    -------
    bytes
    """
    glyphs()
    width, height = form.size
    buffer = io.BytesIO()
    canvas = Canvas(
        buffer, (width * _POINTS_PER_MM, height * _POINTS_PER_MM), invariant=1, initialFontName="Vera"
    )
    canvas.setTitle(f"{form.template.name} {form.template.version}")
    canvas.setCreator("digitocr")
    canvas.scale(_POINTS_PER_MM, _POINTS_PER_MM)
    canvas.translate(0, height)
    canvas.scale(1, -1)  # millimetres from the upper left corner
    canvas.setLineWidth(RULE_WIDTH_MM)
    for left, right, y in form.rules:
        canvas.line(left, y, right, y)
    canvas.setStrokeGray(GUIDE_GREY)
    canvas.setLineWidth(FRAME_WIDTH_MM)
    for field in form.template.fields:
        for box in field.cells or (field.box,):
            canvas.rect(*(n / PX_PER_MM for n in (box.x, box.y, box.width, box.height)))
    canvas.setFillGray(0)
    for marker in form.template.markers:
        _draw_marker(canvas, marker)
    for caption in form.captions:
        canvas.saveState()
        canvas.translate(caption.x, caption.y)
        canvas.scale(1, -1)
        canvas.setFont(caption.font, caption.size / _POINTS_PER_MM)
        canvas.drawString(0, 0, caption.text)
        canvas.restoreState()
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_marker(canvas: Canvas, marker: Marker) -> None:
    """Draw the black modules of a marker, run by run of each row, as one path, so that there are no seams."""
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    black = np.asarray(cv2.aruco.generateImageMarker(dictionary, marker.id, _MODULES)) == 0
    side = marker.box.width / PX_PER_MM / _MODULES
    left, top = marker.box.x / PX_PER_MM, marker.box.y / PX_PER_MM
    path = canvas.beginPath()
    for row, modules in enumerate(black):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], modules.astype(int), [0]))))
        for start, end in edges.reshape(-1, 2).tolist():
            path.rect(left + start * side, top + row * side, (end - start) * side, side)
    canvas.drawPath(path, stroke=0, fill=1)


def render(pdf: bytes, dpi: float) -> Grey:
    """Render the first page of a PDF.

    Parameters
    ----------
    pdf : bytes
    dpi : float

    Returns
    -------
    (H, W) uint8 ndarray
    """
    document = pypdfium2.PdfDocument(pdf)
    try:
        # the size of the picture is rounded up: scale slightly less, so that a whole number stays
        shown = document[0].render(scale=dpi / 72 * (1 - 1e-6), grayscale=True).to_numpy()
        picture = np.array(shown, dtype=np.uint8)
    finally:
        document.close()
    return picture.reshape(picture.shape[:2])
