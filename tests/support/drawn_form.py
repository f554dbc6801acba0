"""A printed form and pictures of it, for the tests of registration and reading."""

import cv2
import numpy as np

from digitocr.forms.features import features_of
from digitocr.forms.form_print import FormPrint
from digitocr.forms.template import Field, Kind, Marker, Template, Unit
from digitocr.records import Box

SIZE = (800, 1100)


def cells(x, y, count, width=44, height=54):
    return tuple(Box(x + k * width, y, width, height) for k in range(count))


def field(name, x, y, count, **said):
    places = cells(x, y, count)
    return Field(name, Box(x, y, places[-1].right - x, 54), Kind.NUMBER, places, length=(1, count), **said)


FIELDS = (field("a", 560, 200, 3), field("b", 560, 400, 3), field("total", 560, 700, 3))


def printed(seed=0):
    """A form of words, rules and cells; another seed prints other words in other places."""
    rng = np.random.default_rng(seed)
    picture = np.full(SIZE[::-1], 245, np.uint8)
    for y in range(60, SIZE[1] - 40, 46):
        words = "".join(rng.choice(list("abcdefghkmnprstuvwxyzABDEGHKMNRS  "), 26))
        x = int(rng.integers(40, 120))
        cv2.putText(picture, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.5, 0.8)), 20, 2)
    for one in FIELDS:
        box = one.box
        picture[box.y - 8 : box.bottom + 8, box.x - 8 : box.right + 8] = 245
        for cell in one.cells:
            cv2.rectangle(picture, (cell.x, cell.y), (cell.right, cell.bottom), 60, 1)
    return picture


def form(picture, name="drawn", fields=FIELDS, rules=()):
    exclude = [box for one in fields for box in (one.box, *one.cells)]
    template = Template(name, SIZE, tuple(fields), tuple(rules), unit=Unit.PIXELS)
    return FormPrint(template, features_of(picture, exclude))


def seen(picture, homography, size, level=90):
    """What a camera sees of a page that lies on a desk."""
    return cv2.warpPerspective(picture, homography, size, flags=cv2.INTER_LINEAR, borderValue=level)


def marked(picture, first=40):
    """Print four markers in the corners."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_1000)
    picture, found = picture.copy(), []
    for k, (x, y) in enumerate(((20, 20), (690, 20), (690, 990), (20, 990))):
        picture[y - 12 : y + 102, x - 12 : x + 102] = 250
        picture[y : y + 90, x : x + 90] = cv2.aruco.generateImageMarker(dictionary, first + k, 90)
        found.append(Marker(first + k, Box(x, y, 90, 90)))
    return picture, tuple(found)
