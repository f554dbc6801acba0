"""Templates made by clicking: what a person draws over an empty form, checked as its file, kept and saved.

The picture of the empty form stays in the state folder; the template is saved as ``template detect`` writes it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from digitocr import atomic
from digitocr.errors import BusyError, DigitocrError, RegistrationError, TemplateError, UsageError
from digitocr.forms import detect, template_file, yaml_node
from digitocr.forms.features import save_features
from digitocr.forms.field_keys import is_name
from digitocr.forms.form_print import FormPrint, load_form_print
from digitocr.forms.registration import RegistrationView, flatten, register
from digitocr.forms.sketch import print_of
from digitocr.forms.template import Field, Template
from digitocr.records import Grey

LONGEST_NAME = 60
"""Characters of the name of a form."""

_HEAD_LINES = 4
"""Lines of a draft's text before its first field."""

_saving = threading.Lock()
"""Two people never save at the same time."""


class NoSuchFormError(DigitocrError):
    """There is no form of this name, or no picture of it."""

    code = "no-form"


@dataclass(frozen=True, slots=True)
class Draft:
    """A template as a person has drawn it so far.

    Attributes
    ----------
    name, version : str
    size : tuple of int
        Width and height of the reference in pixels.
    fields : tuple of tuple
        The name of each field with its keys, as in a template in pixels.
    rules : tuple of tuple of str
        Name and expression of each rule.
    """

    name: str
    version: str
    size: tuple[int, int]
    fields: tuple[tuple[str, Mapping[str, Any]], ...]
    rules: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The file of its template, with a line for each field and rule."""
        head = [("template", self.name), ("version", self.version), ("size", self.size)]
        lines = [f"{key}: {_flow(value)}" for key, value in head]
        lines += ["fields:" if self.fields else "fields: {}"]
        lines += [f"  {_flow(name)}: {_flow(keys)}" for name, keys in self.fields]
        lines += ["rules:"] if self.rules else []
        return "\n".join([*lines, *(f"  {_flow(name)}: {_flow(rule)}" for name, rule in self.rules), ""])

    def template(self) -> Template:
        """Return its template, read as any template is.

        Returns
        -------
        Template

        Raises
        ------
        TemplateError
            It cannot be used; `place` tells where.
        """
        return template_file.of_node(yaml_node.parse(self.text, Path(f"{self.name}.yaml")))

    def place(self, line: int) -> tuple[str, int] | None:
        """Tell which part a line of its text is: ``field`` or ``rule``, counted from 0; None for any other."""
        field = line - _HEAD_LINES - 1
        if 0 <= field < len(self.fields):
            return "field", field
        rule = field - len(self.fields) - 1
        return ("rule", rule) if 0 <= rule < len(self.rules) else None


def _flow(value: object) -> str:
    """Return a value on one line of YAML: as JSON, with all that YAML takes for the end of a line as a space."""
    return " ".join(json.dumps(value, ensure_ascii=False).splitlines())


@dataclass(frozen=True, slots=True)
class Opened:
    """A form that is being edited.

    Attributes
    ----------
    name : str
    saved : Template or None
        None for a new form.
    picture : Path
        The empty form.
    path : Path
        Of the template.
    """

    name: str
    saved: Template | None
    picture: Path
    path: Path

    @property
    def stamp(self) -> str:
        """What changes with every save."""
        return hashlib.sha256((self.path if self.saved else self.picture).read_bytes()).hexdigest()

    def template(self) -> Template:
        """Return it as it is saved; for a new form, with what is found on it."""
        if self.saved:
            return self.saved
        grey = _grey(self.picture)
        return Template(self.name, (grey.shape[1], grey.shape[0]), detect.fields_on(grey))

    def found_alike(self, template: Template) -> Template:
        """Return a template that is found as this form is, if its print is kept already."""
        if self.saved is None:
            return template
        kept = {name: getattr(self.saved, name) for name in ("unit", "reference", "features", "markers")}
        return replace(template, **kept)


@dataclass(frozen=True, slots=True)
class Listed:
    """A form of the list: `fields` is their number, `error` what is wrong with its file, or ''."""

    name: str
    fields: int
    is_saved: bool
    has_picture: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Drafts:
    """The forms of a project.

    Attributes
    ----------
    templates : Path
        The folder of templates.
    pictures : Path
        The folder of pictures of empty forms, in the state folder.
    """

    templates: Path
    pictures: Path

    def forms(self) -> list[Listed]:
        """Return all forms, those that were never saved last.

        Returns
        -------
        list of Listed
        """
        found = [self._listed(path) for path in sorted(self.templates.glob("*.yaml"))]
        names = {one.name for one in found}
        begun = sorted(path.stem for path in self.pictures.glob("*.png"))
        new = (Listed(name, 0, is_saved=False, has_picture=True) for name in begun if name not in names)
        return [*found, *new]

    def _listed(self, path: Path) -> Listed:
        try:
            template = template_file.load(path)
        except TemplateError as error:
            return Listed(path.stem, 0, is_saved=True, has_picture=False, error=str(error))
        picture = self._picture(template.name, template)
        return Listed(template.name, len(template.fields), is_saved=True, has_picture=picture is not None)

    def begin(self, name: str, page: Grey) -> None:
        """Begin a form with a picture of it, or give one to a form whose template has none.

        Parameters
        ----------
        name : str
        page : (H, W) uint8 ndarray
            The empty form, the right way up.

        Raises
        ------
        UsageError
            The name cannot be used, there is a form of this name already, or the page is not of it.
        """
        _check_name(name)
        saved = self._saved(name)
        if saved is None:
            grey = detect.detect(page).grey
        else:
            _, template = saved
            if self._picture(name, template) is not None:
                raise UsageError(f"there is a form {name} already", hint="open it, or give another name")
            try:
                found = register(RegistrationView(page), load_form_print(template))
            except RegistrationError as error:
                raise UsageError(f"this page is not of the form {name}: {error.message}") from None
            grey = flatten(page, found, 1)
        atomic.make_folder(self.pictures)
        atomic.write(self.pictures / f"{name}.png", cv2.imencode(".png", grey)[1].tobytes())

    def open(self, name: str) -> Opened:
        """Return a form to be edited.

        Parameters
        ----------
        name : str

        Returns
        -------
        Opened

        Raises
        ------
        NoSuchFormError
            There is none, or no picture of it.
        """
        found = self._saved(name) if is_name(name) else None
        picture = self._picture(name, found[1] if found else None) if is_name(name) else None
        if picture is None:
            raise NoSuchFormError(f"there is no picture of a form {name!r}")
        path, template = found or (self.templates / f"{name}.yaml", None)
        return Opened(name, template, picture, path)

    def save(self, draft: Draft, stamp: str) -> str:
        """Save the template of a form; how its page is found stays as it is.

        Parameters
        ----------
        draft : Draft
        stamp : str
            Of the form as it was opened.

        Returns
        -------
        str
            The new stamp.

        Raises
        ------
        BusyError
            Somebody else has saved it meanwhile.
        TemplateError
            It cannot be used.
        UsageError
            Another file is in the way.
        """
        template = draft.template()
        with _saving:
            opened = self.open(draft.name)
            if opened.stamp != stamp:
                raise BusyError(f"somebody else has changed {draft.name} meanwhile", hint="reload the page")
            if opened.saved is None and opened.path.exists():
                raise UsageError(f"{opened.path.name} is there already, and holds another form")
            atomic.make_folder(self.templates)
            template = opened.found_alike(template)
            if not _has_print(template):
                features = opened.path.with_suffix(".features.npz")
                save_features(features, print_of(_grey(opened.picture), template.fields))
                template = replace(template, features=features)
            template_file.dump(template, opened.path)
            return self.open(draft.name).stamp

    def form_print(self, draft: Draft) -> FormPrint:
        """Return a draft with what is known of its print, to read a page with it.

        Parameters
        ----------
        draft : Draft

        Returns
        -------
        FormPrint

        Raises
        ------
        NoSuchFormError
            There is no such form.
        TemplateError
            It cannot be used.
        """
        opened = self.open(draft.name)
        template = opened.found_alike(draft.template())
        if _has_print(template):
            return load_form_print(template)
        return FormPrint(template, print_of(_grey(opened.picture), template.fields))

    def _saved(self, name: str) -> tuple[Path, Template] | None:
        """Return the file of a form with its template; None where it was never saved."""
        likely = self.templates / f"{name}.yaml"
        others = (path for path in sorted(self.templates.glob("*.yaml")) if path != likely)
        for path in (likely, *others):
            with suppress(TemplateError):
                template = template_file.load(path)
                if template.name == name:
                    return path, template
        return None

    def _picture(self, name: str, template: Template | None) -> Path | None:
        """Return the picture of an empty form: the one that was given here, else that of its template."""
        given = self.pictures / f"{name}.png"
        choices = (given, template.reference if template else None)
        return next((path for path in choices if path and path.is_file()), None)


def opened_fields(fields: tuple[Field, ...]) -> list[dict[str, Any]]:
    """Return fields as a draft holds them: cells are always boxes of their own.

    Parameters
    ----------
    fields : tuple of Field

    Returns
    -------
    list of dict
        ``name`` and ``keys``, as in a template in pixels.
    """
    return [{"name": field.name, "keys": _opened(field)} for field in fields]


def _opened(field: Field) -> dict[str, Any]:
    keys = template_file.keys_of(field)
    if not field.cells:
        return keys
    places = [[cell.x, cell.y, cell.width, cell.height] for cell in field.cells]
    return {key: value for key, value in keys.items() if key != "box"} | {"cells": places}


def _has_print(template: Template) -> bool:
    """Tell whether a template says how its form is found."""
    return bool(template.features or template.reference or template.markers)


def _check_name(name: str) -> None:
    """Refuse what cannot be the name of a form, and so of its files.

    Raises
    ------
    UsageError
    """
    if not is_name(name) or len(name) > LONGEST_NAME:
        raise UsageError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a form",
            hint=f"use up to {LONGEST_NAME} letters, digits and _, and do not begin with a digit",
        )


def _grey(picture: Path) -> Grey:
    """Return a picture of ours.

    Raises
    ------
    NoSuchFormError
        It cannot be read any more.
    """
    grey = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise NoSuchFormError(f"{picture} cannot be read")
    return grey.astype("uint8")
