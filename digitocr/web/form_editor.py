"""The pages on which people make templates by clicking, and try them on a filled sheet."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import cv2
from fastapi import FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from digitocr.errors import BusyError, FileSizeError, InputError, TemplateError, UsageError
from digitocr.forms.checksums import CHECKSUMS
from digitocr.forms.drafts import Draft, Drafts, NoSuchFormError, opened_fields
from digitocr.forms.form_page import FormPage
from digitocr.forms.form_print import FormPrint
from digitocr.forms.registration import flatten
from digitocr.forms.template import DATE_FORMATS, MAX_DIGITS, Kind
from digitocr.io.sandbox import Sandbox
from digitocr.networks.registry import model_in_use
from digitocr.pipeline import loading
from digitocr.records import Grey, Limits, Page
from digitocr.results import forms
from digitocr.review.words import in_words
from digitocr.settings import Settings
from digitocr.web.guard import SHEET_PATH
from digitocr.web.room import Room
from digitocr.web.uploads import timed

MOST_BYTES = 60_000_000
"""Of a sheet given here: a page, not a file of the inbox."""

_KEPT = 4
"""Sheets, and pictures of tried ones, that are remembered."""

_NO_STORE = {"cache-control": "no-store"}

_Name = Annotated[str, Field(max_length=200)]
_Ticket = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_PageIndex = Annotated[int, Field(ge=1, le=100_000)]
_Box = Annotated[list[float], Field(max_length=4)]
_Keys = dict[
    Annotated[str, Field(max_length=20)],
    bool
    | float
    | Annotated[str, Field(max_length=1000)]
    | _Box
    | Annotated[list[_Box], Field(max_length=100)],
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FieldBody(_Body):
    """A field with its keys, as in a template in pixels."""

    name: _Name
    keys: _Keys


class RuleBody(_Body):
    """A rule."""

    name: _Name
    text: Annotated[str, Field(max_length=5000)]


class DraftBody(_Body):
    """A template as it stands on the page."""

    form: _Name
    version: _Name
    size: tuple[int, int]
    fields: list[FieldBody] = Field(max_length=2000)
    rules: list[RuleBody] = Field(max_length=500)

    def drawn(self) -> Draft:
        """Return it as a draft."""
        fields = tuple((one.name, one.keys) for one in self.fields)
        rules = tuple((one.name, one.text) for one in self.rules)
        return Draft(self.form, self.version, self.size, fields, rules)


class BeginBody(_Body):
    """A new form: its picture is a sheet that was given, or a page of a file of the project."""

    form: _Name
    sheet: _Ticket | None = None
    file: int | None = Field(default=None, ge=0, lt=10**15)
    page: _PageIndex = 1


class SaveBody(_Body):
    """A template to be saved; `stamp` is that of the form as it was opened."""

    draft: DraftBody
    stamp: str = Field(pattern=r"^[0-9a-f]{64}$")


class TryBody(_Body):
    """A template to be tried on a filled sheet."""

    draft: DraftBody
    sheet: _Ticket
    page: _PageIndex = 1


class Held:
    """The last few things that browsers were given a ticket for; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def put(self, content: bytes) -> str:
        """Keep bytes; return their ticket."""
        ticket = secrets.token_hex(16)
        with self._lock:
            self._kept[ticket] = content
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return ticket

    def get(self, ticket: str) -> bytes:
        """Return what a ticket stands for.

        Raises
        ------
        UsageError
            It is kept no longer.
        """
        with self._lock:
            if ticket not in self._kept:
                raise UsageError("this sheet is kept no longer", hint="choose it again")
            return self._kept[ticket]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the requests of the editor share."""

    drafts: Drafts
    sheets: Held
    tried: Held
    sandbox: Sandbox
    reading: threading.Lock


def add(app: FastAPI, room: Room, sandbox: Sandbox) -> None:
    """Add the list of forms, the editor, and what they ask.

    Parameters
    ----------
    app : FastAPI
    room : Room
        If its settings name no folder of templates, nothing is added.
    sandbox : Sandbox
    """
    settings = room.settings
    if settings.templates is None:
        return
    drafts = Drafts(settings.templates, settings.state / "forms")
    desk = _Desk(drafts, Held(), Held(), sandbox, threading.Lock())
    _add_pages(app, room, desk)
    _add_pictures(app, desk)
    _add_actions(app, room, desk)


def _add_pages(app: FastAPI, room: Room, desk: _Desk) -> None:
    @app.get("/forms")
    def listed(
        file: Annotated[str, Query(pattern=r"^\d{0,15}$")] = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    ) -> HTMLResponse:
        name = room.review.statistics.file_name(int(file)) if file else ""
        return room.page(
            "forms.html", forms=desk.drafts.forms(), file=file if name else "", name=name, page=page
        )

    @app.get("/forms/edit")
    def edit(form: Annotated[str, Query(max_length=200)]) -> HTMLResponse:
        try:
            desk.drafts.open(form)
        except (NoSuchFormError, TemplateError) as error:
            raise HTTPException(404, str(error)) from None
        return room.page(
            "form.html",
            form=form,
            kinds=[kind.value for kind in Kind],
            formats=DATE_FORMATS,
            checksums=sorted(CHECKSUMS),
            most=MAX_DIGITS,
        )


def _add_pictures(app: FastAPI, desk: _Desk) -> None:
    @app.get("/forms/empty.png")
    def empty(form: Annotated[str, Query(max_length=200)]) -> FileResponse:
        return FileResponse(desk.drafts.open(form).picture, media_type="image/png", headers=_NO_STORE)

    @app.get("/forms/tried/{ticket}.jpg")
    def tried(ticket: str) -> Response:
        return Response(desk.tried.get(ticket), media_type="image/jpeg", headers=_NO_STORE)


def _add_actions(app: FastAPI, room: Room, desk: _Desk) -> None:
    limits = replace(room.settings.limits, bytes=min(MOST_BYTES, room.settings.max_bytes))
    places = asyncio.Semaphore(_KEPT)

    @app.put(SHEET_PATH)
    async def give(request: Request) -> dict[str, str]:
        if places.locked():
            raise BusyError("too many sheets arrive at once; try again")
        async with places:
            return {"sheet": desk.sheets.put(await _arrived(request.stream(), limits.bytes))}

    @app.post("/api/forms/begin")
    async def begin(body: BeginBody) -> dict[str, str]:
        await run_in_threadpool(_begin, room, desk, body, limits)
        return {"form": body.form}

    @app.get("/api/forms/open")
    def opened(form: Annotated[str, Query(max_length=200)]) -> dict[str, Any]:
        one = desk.drafts.open(form)
        template = one.template()
        return {
            "form": template.name,
            "version": template.version,
            "size": template.size,
            "fields": opened_fields(template.fields),
            "rules": [{"name": rule.name, "text": rule.text} for rule in template.rules],
            "stamp": one.stamp,
            "saved": one.saved is not None,
        }

    @app.post("/api/forms/check")
    def check(body: DraftBody) -> dict[str, Any]:
        draft = body.drawn()
        try:
            draft.template()
        except TemplateError as error:
            return _fault(draft, error)
        return {"error": None}

    @app.post("/api/forms/save")
    def save(body: SaveBody) -> dict[str, Any]:
        draft = body.draft.drawn()
        try:
            return {"error": None, "stamp": desk.drafts.save(draft, body.stamp)}
        except TemplateError as error:
            return _fault(draft, error)

    @app.post("/api/forms/try")
    def try_it(body: TryBody) -> dict[str, Any]:
        draft = body.draft.drawn()
        try:
            form = desk.drafts.form_print(draft)
        except TemplateError as error:
            return _fault(draft, error)
        page = _page(desk, desk.sheets.get(body.sheet), body.page, limits)
        with desk.reading:  # one at a time: each takes a core for some seconds
            read, flat = read_sheet(room.settings, form, page)
        return {"error": None, **read, "picture": desk.tried.put(cv2.imencode(".jpg", flat)[1].tobytes())}


def _begin(room: Room, desk: _Desk, body: BeginBody, limits: Limits) -> None:
    if body.sheet is not None:
        grey = _page(desk, desk.sheets.get(body.sheet), body.page, limits).grey
    elif body.file is not None and room.review.statistics.file_name(body.file):
        grey = room.pictures.page(room.review.ledger.file(body.file), body.page)
    else:
        raise UsageError("a form begins with a picture of it", hint="choose a file")
    desk.drafts.begin(body.form, grey)


async def _arrived(content: AsyncIterator[bytes], most: int) -> bytes:
    """Return the body of an upload.

    Raises
    ------
    FileSizeError
        It is too large.
    """
    data = bytearray()
    async for part in timed(content):
        data += part
        if len(data) > most:
            raise FileSizeError(f"it has more than {most:,} bytes")
    return bytes(data)


def _page(desk: _Desk, data: bytes, index: int, limits: Limits) -> Page:
    """Decode a page of a sheet.

    Raises
    ------
    UsageError
        It cannot be decoded, or has no such page.
    """
    decoding = desk.sandbox.decode(data, limits, index)
    try:
        pages = list(decoding)
    except InputError as error:
        raise UsageError(f"this file cannot be read: {error.message}", hint=error.hint) from None
    if not pages:
        why = next((page.error for page in decoding.failed), f"it has no page {index}")
        raise UsageError(f"this file cannot be read: {why}")
    return pages[0]


def _fault(draft: Draft, error: TemplateError) -> dict[str, Any]:
    """Say what is wrong with a draft, and with which part of it."""
    part, index = draft.place(error.line) or ("", 0)
    message = f"{error.why} ({error.hint})" if error.hint else error.why
    return {"error": {"message": message, "part": part, "index": index}}


def read_sheet(settings: Settings, form: FormPrint, page: Page) -> tuple[dict[str, Any], Grey]:
    """Read a filled sheet with a template.

    Parameters
    ----------
    settings : Settings
    form : FormPrint
    page : Page

    Returns
    -------
    read : dict
        ``fields``, each with name, text, status and reasons in words; ``rules`` that are broken.
    flat : (H, W) uint8 ndarray
        The sheet laid flat, in pixels of the reference.

    Raises
    ------
    UsageError
        The page is not of this form.
    """
    reader = replace(loading(model_in_use(settings), settings.options, ()).result(), forms=(form,))
    laid = reader.lay_out(page)
    if not isinstance(laid, FormPage):
        raise UsageError(
            f"this sheet was not recognized as the form {form.template.name}",
            hint="choose a sheet of this form, all of it in the picture",
        )
    (result,) = reader.results([laid])
    cells = forms.row("", result, form.template).cells
    reasons = {number.field: [in_words(why) for why in number.reasons] for number in result.numbers}
    fields = [
        {
            "name": field.name,
            "text": cells[field.name],
            "status": cells[f"{field.name}_status"],
            "why": reasons.get(field.name, []),
        }
        for field in form.template.fields
    ]
    broken = [in_words(why) for why in cells["reasons"].split(";") if why]
    return {"fields": fields, "broken": broken}, flatten(page.grey, laid.registration, 1)
