"""How well forms are found and read: real pages, the same pages refilled by other hands and photographed, drawn forms.

``python -m benchmarks.forms [--pages N] [--versions N]``. The real pages are those of ``DIGITOCR_DATA``, for measuring
only.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np

from benchmarks.scoring import Share
from benchmarks.truth import Half
from digitocr.errors import RegistrationError
from digitocr.forms import checks, template_file
from digitocr.forms.form_page import FormPage, cells_taken, field_crops
from digitocr.forms.form_print import FormPrint, load_form_print
from digitocr.forms.geometry import Points
from digitocr.forms.printing import make
from digitocr.forms.registration import (
    RESIDUAL_HEIGHT_PX,
    Registration,
    RegistrationView,
    choose,
    flatten,
)
from digitocr.forms.rules import Rule, evaluate
from digitocr.forms.template import Field, Kind, Template
from digitocr.imaging.parameters import Imaging
from digitocr.pipeline import Reader, reader_of
from digitocr.records import Box, Grey, Mask, Number, Page, Reason, Status
from digitocr.settings import load_settings
from digitocr.training.calibrate.form_accuracy import same
from digitocr.training.synth.filled_forms import (
    FilledField,
    PagePhoto,
    fill_in,
    photograph_page,
)
from digitocr.training.synth.stroke_archives import has_archives, sources_at
from digitocr.training.synth.strokes import Random, Sources

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "templates"
SPECIFICATION = Path(__file__).with_name("form.yaml")
SEED = 20_261_121


@dataclass(slots=True)
class Tally:
    """Outcomes over the pages of one kind.

    Attributes
    ----------
    found : list of bool
        For each page: whether the right form was found.
    residuals : list of float
        For each page: median distance of its fields from their true places, in pixels of a page 2000 high.
    exact, accepted : list of bool
        For each field: whether its text is right; whether it was accepted.
    wrong : list of bool
        For each accepted field: whether it is wrong.
    empty : list of bool
        For each cell that is blank or crossed out: whether no digit was read there.
    caught : list of bool
        For each wrong field that breaks a rule: whether the rule is reported as broken.
    alarms : list of bool
        For each rule whose fields are all read right: whether it is reported as broken.
    forbidden : int
        Wrong fields that were accepted against a rule.
    seconds : list of float
        For each page.
    """

    found: list[bool] = field(default_factory=list)
    residuals: list[float] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)
    wrong: list[bool] = field(default_factory=list)
    empty: list[bool] = field(default_factory=list)
    caught: list[bool] = field(default_factory=list)
    alarms: list[bool] = field(default_factory=list)
    forbidden: int = 0
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"pages found {_share(self.found)}"]
        if not self.seconds:
            return "none"
        if self.residuals:
            worst = max(self.residuals)
            parts.append(f"residual median {np.median(self.residuals):.2f}, worst {worst:.2f} px")
        parts.append(f"fields exact {_share(self.exact)}")
        parts.append(f"accepted {_share(self.accepted)}, of them wrong {_share(self.wrong)}")
        if self.empty:
            parts.append(f"blank and crossed cells empty {_share(self.empty)}")
        if self.alarms:
            parts.append(f"errors that break a rule caught {_share(self.caught)}")
            parts.append(f"false alarms {_share(self.alarms)}, accepted against a rule {self.forbidden}")
        parts.append(f"{np.median(self.seconds):.2f} s a page")
        return "\n  ".join(parts)


def _share(hits: Sequence[bool]) -> str:
    if not hits:
        return "0 of 0"
    share = Share(sum(hits), len(hits))
    return f"{share.hits} of {share.total}, {share}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a form whose truth is known.

    Attributes
    ----------
    image : (H, W) uint8 ndarray
    form : FormPrint
    place : callable or None
        Maps reference pixels to pixels of the picture; None on real pages, where nobody knows.
    entries : dict of str to FilledField
    """

    image: Grey
    form: FormPrint
    place: Callable[[Points], Points] | None
    entries: Mapping[str, FilledField]


def judge(tally: Tally, reader: Reader, shown: Shown) -> list[str]:
    """Read a picture, compare it with its truth, and add the outcome to a tally.

    Parameters
    ----------
    tally : Tally
    reader : Reader
    shown : Shown

    Returns
    -------
    list of str
        What was read wrong, a line each.
    """
    template = shown.form.template
    page = Page(1, shown.image)
    started = time.process_time()
    laid = reader.lay_out(page)
    (result,) = reader.results([laid])
    tally.seconds.append(time.process_time() - started)
    tally.found.append(result.template == template.name)
    if not isinstance(laid, FormPage) or not tally.found[-1]:
        tally.exact += [False] * len(shown.entries)
        return [f"taken for {result.template}" if result.template else result.error]
    if shown.place is not None:
        corners = np.array(
            [(box.x, box.y) for f in template.fields for box in (f.box, *f.cells)], dtype=np.float64
        )
        off = np.linalg.norm(laid.registration.place(corners) - shown.place(corners), axis=1)
        tally.residuals.append(float(np.median(off)) * RESIDUAL_HEIGHT_PX / _height(shown.form, shown.place))
    numbers = {number.field: number for number in result.numbers}
    right = {
        name: same(template.field(name), numbers[name].text, e.text) for name, e in shown.entries.items()
    }
    accepted = {name: numbers[name].status is Status.ACCEPTED for name in right}
    tally.exact += right.values()
    tally.accepted += accepted.values()
    tally.wrong += [not right[name] for name in right if accepted[name]]
    for name, entry in shown.entries.items():
        taken = cells_taken(template.field(name), numbers[name], laid.registration)
        tally.empty += [k not in taken for k, label in enumerate(entry.cells) if not label.isdigit()]
    _count_rules(tally, template, numbers, right, accepted)
    return [
        f"{name}: read {numbers[name].text!r} for {shown.entries[name].text!r} {shown.entries[name].cells}, "
        f"{numbers[name].confidence:.2f} {numbers[name].status}"
        for name in right
        if not right[name]
    ]


def _count_rules(
    tally: Tally,
    template: Template,
    numbers: Mapping[str, Number],
    right: Mapping[str, bool],
    accepted: Mapping[str, bool],
) -> None:
    for rule in template.rules:
        if not set(rule.fields) <= right.keys():
            continue
        is_reported = any(
            f"{Reason.RULE_BROKEN}:{rule.name}" in numbers[name].reasons for name in rule.fields
        )
        errors = [name for name in rule.fields if not right[name]]
        if not errors:
            tally.alarms.append(is_reported)
            continue
        values = {name: checks.value(template.field(name), numbers[name].text) for name in rule.fields}
        if rule.holds(values) is not True:
            tally.caught += [is_reported] * len(errors)
            tally.forbidden += sum(accepted[name] for name in errors)


def _height(form: FormPrint, place: Callable[[Points], Points]) -> float:
    """Height in pixels at which the form is seen, upright."""
    width, height = form.template.size
    corners = place(np.array([(0, 0), (width, 0), (0, height), (width, height)], dtype=np.float64))
    return float(np.linalg.norm(corners[2] - corners[0]) + np.linalg.norm(corners[3] - corners[1])) / 2


# --- real pages -------------------------------------------------------------------------------------------------


def truths(data: Path) -> dict[str, list[tuple[Box, str]]]:
    """Return the fields of each real page.

    Parameters
    ----------
    data : Path
        Folder of the sets.

    Returns
    -------
    dict of str to list of (Box, str)
        By file: where a field lies, and what is written there.
    """
    found: dict[str, list[tuple[Box, str]]] = {}
    with (data / "forms" / "truth.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            box = Box(*(int(row[key]) for key in ("x", "y", "width", "height")))
            found.setdefault(row["file"], []).append((box, row["text"]))
    return found


def real_pages(data: Path, forms: Sequence[FormPrint]) -> Iterator[tuple[str, int, Shown | None]]:
    """Yield the real pages.

    Parameters
    ----------
    data : Path
        Folder of the sets.
    forms : sequence of FormPrint

    Yields
    ------
    file : str
    fields : int
        How many fields the page has.
    shown : Shown or None
        None where no form was found.
    """
    for file, fields in truths(data).items():
        grey = cv2.imread(str(data / "forms" / file), cv2.IMREAD_GRAYSCALE).astype(np.uint8)
        try:
            form, registration = choose(RegistrationView(grey), forms)
        except RegistrationError as error:
            print(f"{file}: {error}")
            yield file, len(fields), None
            continue
        centres = registration.place(np.array([f.box.centre for f in form.template.fields], dtype=np.float64))
        entries = {}
        for box, text in fields:
            nearest = form.template.fields[int(np.linalg.norm(centres - box.centre, axis=1).argmin())]
            entries[nearest.name] = FilledField(text)
        yield file, len(fields), Shown(grey, form, None, entries)


def emptied(shown: Shown, registration: Registration, scale: float) -> Grey:
    """Lay a page flat and remove the writing from its fields; printed lines beneath it are restored.

    Parameters
    ----------
    shown : Shown
    registration : Registration
    scale : float
        Pixels of the flat page per reference pixel.

    Returns
    -------
    (H, W) uint8 ndarray
    """
    flat = flatten(shown.image, registration, scale)
    crops = field_crops(Page(1, shown.image), shown.form, registration, Imaging())
    mask = np.zeros(flat.shape, dtype=np.uint8)
    for answer in crops:
        if answer.sheet is None:
            continue
        box = answer.field.box
        corners = np.array(
            [(x, y) for x in (box.x, box.right) for y in (box.y, box.bottom)], dtype=np.float64
        )
        placed, at = registration.place(corners), (corners + 0.5) * scale - 0.5
        back = cv2.getPerspectiveTransform(placed.astype(np.float32), at.astype(np.float32))
        to_flat = back @ answer.sheet.to_page
        own = cv2.warpPerspective(
            answer.sheet.ink.astype(np.uint8), to_flat, flat.shape[::-1], flags=cv2.INTER_NEAREST
        )
        mask |= own
    reach = max(3, round(0.004 * max(flat.shape))) | 1
    written = cv2.dilate(mask, np.ones((reach, reach), np.uint8)) > 0
    return without(flat, written, round(0.03 * max(flat.shape)))


def without(flat: Grey, written: Mask, reach: int) -> Grey:
    """Replace written pixels by the darker of the medians of their row and of their column.

    Inpainting would smear a printed line that writing crosses, which no real page shows.

    Parameters
    ----------
    flat : (H, W) uint8 ndarray
    written : (H, W) bool ndarray
    reach : int
        Pixels to either side that enter the medians.

    Returns
    -------
    (H, W) uint8 ndarray
    """
    ys, xs = np.nonzero(written)
    steps = np.arange(-reach, reach + 1)
    padded = np.pad(np.where(written, np.nan, flat).astype(np.float32), reach, constant_values=np.nan)
    row = np.nanmedian(padded[(ys + reach)[:, None], (xs + reach)[:, None] + steps], axis=1)
    column = np.nanmedian(padded[(ys + reach)[:, None] + steps, (xs + reach)[:, None]], axis=1)
    painted = flat.copy()
    painted[ys, xs] = np.nan_to_num(np.fmin(row, column), nan=255).astype(np.uint8)
    return painted


def plausible_values(rng: Random, template: Template) -> dict[str, str]:
    """Make up what is written into each field, such that all rules hold.

    Totals are worked out from the fields they are rules of; all other fields are as they come, small numbers
    the most. Fields that may be blank are so now and then.

    Raises
    ------
    ValueError
        The rules are such that no values were found.
    """
    for _ in range(500):
        texts = {field.name: _value(rng, field) for field in template.fields}
        for _ in template.rules:
            for rule in template.rules:
                _work_out(rule, texts)
        values = {name: Decimal(text or 0) for name, text in texts.items()}
        fits = all(len(texts[field.name]) <= _room(field) for field in template.fields)
        if fits and all(rule.holds(values) for rule in template.rules):
            return texts
    raise ValueError(f"no values found that keep the rules of {template.name}")


def _room(field: Field) -> int:
    return len(field.cells) or min(field.length[1], 6)


def _value(rng: Random, field: Field) -> str:
    if field.kind is Kind.DATE:
        day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1970, 2069))
        parts = {"D": f"{day:02}", "M": f"{month:02}", "Y": f"{year:04}"[-field.format.count("Y") :]}
        return "".join(parts[letter] for letter in dict.fromkeys(field.format))
    if field.kind is Kind.DIGITS:
        return "".join(str(digit) for digit in rng.integers(0, 10, len(field.cells) or field.length[0]))
    if field.blank and rng.random() < 0.1:
        return ""
    # room is left for totals
    length = 1 + min(int(rng.exponential(1.1)), max(_room(field) - 1, 1) - 1)
    return str(int(rng.integers(0, 10**length)))


def _work_out(rule: Rule, texts: dict[str, str]) -> None:
    """Set the total of a rule such as ``total == a + b`` to what it must be."""
    if len(rule.tree.ops) != 1 or not isinstance(rule.tree.ops[0], ast.Eq):
        return
    left, right = rule.tree.left, rule.tree.comparators[0]
    for total, terms in ((left, right), (right, left)):
        if isinstance(total, ast.Name):
            value = evaluate(terms, {name: Decimal(text or 0) for name, text in texts.items()})
            texts[total.id] = str(value) if value >= 0 else "9" * 20
            return


def photographed_again(
    shown: Shown, registration: Registration, sources: Sources, count: int
) -> Iterator[Shown]:
    """Yield photos of a page whose fields are blanked and filled in by other hands.

    Parameters
    ----------
    shown : Shown
    registration : Registration
    sources : Sources
    count : int

    Yields
    ------
    Shown
    """
    template = shown.form.template
    scale = 2400 / max(template.size)
    blank = emptied(shown, registration, scale).astype(np.float32)
    fields = [(f, _scaled(f.box, scale), [_scaled(c, scale) for c in f.cells]) for f in template.fields]
    for k in range(count):
        rng = np.random.default_rng((SEED, len(template.name), k))
        paper = blank.copy()
        entries = fill_in(rng, paper, fields, plausible_values(rng, template), sources)
        shot = photograph_page(rng, paper, longest=int(rng.integers(1800, 3200)))
        yield Shown(shot.image, shown.form, _placing(shot, scale), entries)


def _placing(shot: PagePhoto, scale: float) -> Callable[[Points], Points]:
    return lambda points: shot.place(np.asarray((points + 0.5) * scale - 0.5))


def _scaled(box: Box, scale: float) -> Box:
    return Box(*(round(v * scale) for v in (box.x, box.y, box.width, box.height)))


# --- drawn forms ------------------------------------------------------------------------------------------------


def drawn_form(folder: Path) -> tuple[FormPrint, Grey]:
    """Print the form of `SPECIFICATION`.

    Parameters
    ----------
    folder : Path
        For its files.

    Returns
    -------
    form : FormPrint
    empty : (H, W) uint8 ndarray
        Picture of the empty form.
    """
    _, path, picture = make(SPECIFICATION, folder / "drawn.pdf")
    grey = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    return load_form_print(template_file.load(path)), grey.astype(np.uint8)


def drawn_pages(
    form: FormPrint, empty: Grey, sources: Sources, count: int, seed: int = SEED
) -> Iterator[Shown]:
    """Yield photos of a printed form, filled in.

    Parameters
    ----------
    form : FormPrint
    empty : (H, W) uint8 ndarray
    sources : Sources
    count : int
    seed : int, optional
        The same seed draws the same photos.

    Yields
    ------
    Shown
    """
    template = form.template
    scale = 1.0
    for k in range(count):
        rng = np.random.default_rng((seed, k))
        paper = empty.astype(np.float32) * np.float32(rng.uniform(0.88, 1.0))
        fields = [(f, f.box, f.cells) for f in template.fields]
        entries = fill_in(rng, paper, fields, plausible_values(rng, template), sources)
        shot = photograph_page(rng, paper, longest=int(rng.integers(1800, 3200)))
        yield Shown(shot.image, form, _placing(shot, scale), entries)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forms", description=__doc__)
    parser.add_argument("--pages", type=int, default=300, help="number of drawn forms")
    parser.add_argument("--versions", type=int, default=50, help="photos of each real page")
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="print what was read wrong on drawn pages and on the looking half",
    )
    args = parser.parse_args(argv)
    data = Path(os.environ.get("DIGITOCR_DATA", ROOT.parent / "shared/data")).resolve()
    reader = reader_of(load_settings({"templates": EXAMPLES, "workers": 1})).result()
    sources = sources_at(data, held_out=True) if has_archives(data) else Sources()
    say = print if args.verbose else _silent

    if (data / "forms").is_dir():
        real, again = {half: Tally() for half in Half}, {half: Tally() for half in Half}
        for file, count, shown in real_pages(data, reader.forms):
            half = Half.of(Path(file).name)
            if shown is None:
                real[half].found.append(False)
                real[half].exact += [False] * count
                continue
            report = say if half is Half.LOOK else _silent
            for line in judge(real[half], reader, shown):
                report(f"{file} {line}")
            registration = choose(RegistrationView(shown.image), [shown.form])[1]
            for k, other in enumerate(photographed_again(shown, registration, sources, args.versions)):
                for line in judge(again[half], reader, other):
                    report(f"{file} again {k} {line}")
        for half in Half:
            print(f"{half}\nreal pages: {real[half]}\nphotographed again: {again[half]}")
    with tempfile.TemporaryDirectory() as folder:
        form, empty = drawn_form(Path(folder))
    drawn = Tally()
    own = replace(reader, forms=(form, *reader.forms))
    for k, shown in enumerate(drawn_pages(form, empty, sources, args.pages)):
        for line in judge(drawn, own, shown):
            say(f"drawn {k} {line}")
    print(f"drawn forms: {drawn}")


def _silent(line: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    main()
