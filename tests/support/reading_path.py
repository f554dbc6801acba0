"""Steps of the reading path with the parameters that the program reads with."""

from digitocr.forms import form_page
from digitocr.imaging import binarize, kind
from digitocr.imaging import clean as _clean
from digitocr.imaging import segment as _segment
from digitocr.imaging.parameters import Imaging
from digitocr.networks.answer_network import see_with
from digitocr.networks.card import ModelCard
from digitocr.networks.page_network import look_at
from digitocr.recognition import orientation
from digitocr.recognition.judge import Judge
from digitocr.recognition.parameters import Recognition

P = Imaging()


def clean(page):
    return _clean.clean(page, P)


def turned(page, quarters):
    return _clean.turned(page, quarters, P)


def segment(sheet):
    return _segment.segment(sheet, P.segmentation, P.rows, P.cuts)


def binarize_within(flat, fields):
    return binarize.binarize_within(flat, fields, P.binarization)


def page_kind(ink, stored_px):
    return kind.page_kind(ink, stored_px, P.kinds, P.scale, P.straight_lines)


def upright_view(page):
    return orientation.upright_view(page, look_at, P)


def lay_out(page, form, registration):
    return form_page.lay_out(page, form, registration, see_with, P)


def judged(page, numbers, threshold):
    judge = Judge(threshold, ModelCard("digits", "", (), 0.5), Recognition().acceptance)
    return form_page.judged(page, numbers, judge)
