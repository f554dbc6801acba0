"""The review page as an ASGI application: thin over the review, which decides, and the pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field

from digitocr.errors import BusyError, DigitocrError, FileSizeError, OutputError, TemplateError, UsageError
from digitocr.forms.drafts import NoSuchFormError
from digitocr.io.sandbox import Sandbox
from digitocr.review import pages
from digitocr.review.answers import preview
from digitocr.review.assignments import Selection
from digitocr.review.decisions import Answer, Submission
from digitocr.review.figures import overview
from digitocr.review.queue import LONGEST
from digitocr.review.rules import Look, Order, person
from digitocr.review.service import ReviewService
from digitocr.review.source_files import SourceFiles
from digitocr.review.words import ended_in_words, in_words
from digitocr.settings import Settings
from digitocr.store.review import Place
from digitocr.web import files, form_editor, uploads
from digitocr.web.crops import NoPictureError, Pictures
from digitocr.web.files import NoSuchPageError
from digitocr.web.guard import Guard
from digitocr.web.publisher import Publisher
from digitocr.web.room import Room

MOST_AT_ONCE = 60
"""Digits in the view that shows many of them at once."""

_STATUS = {
    UsageError: 400,
    TemplateError: 400,
    NoPictureError: 404,
    NoSuchFormError: 404,
    NoSuchPageError: 404,
    BusyError: 409,
    FileSizeError: 413,
    OutputError: 503,
}

_Session = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Token = Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]{8,64}$")]
_PlaceText = Annotated[str, Field(pattern=r"^\d{1,15}-\d{1,15}-\d{1,15}$")]
_Who = Annotated[str, Field(max_length=200)]
_FileId = Annotated[int, Field(ge=0, lt=10**15)]
_FileText = Annotated[str, Query(pattern=r"^\d{0,15}$")]
_Turn = Annotated[int, Query(ge=0, le=3)]
_Text = Annotated[str, Field(max_length=LONGEST + 1)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NextBody(_Body):
    """What a page asks for."""

    session: _Session
    who: _Who
    order: Order = Order.FILE
    field: str | None = None
    file: _FileId | None = None
    look: Literal["second", "third", "audit"] | None = None
    count: int = Field(ge=0, le=50)
    have: list[_PlaceText] = Field(default=[], max_length=200)


class PageBody(_Body):
    """Which page a person asks for, with all that waits on it."""

    session: _Session
    who: _Who
    order: Order = Order.FILE
    field: str | None = None
    file: _FileId | None = None
    at: _PlaceText | None = None
    have: list[_PlaceText] = Field(default=[], max_length=2000)


class SayingBody(_Body):
    """A text that a person may answer."""

    place: _PlaceText
    text: _Text


class CheckBody(_Body):
    """Answers about numbers of one page that are not given yet."""

    answers: list[SayingBody] = Field(min_length=1, max_length=500)


class SessionBody(_Body):
    """A page of a browser."""

    session: _Session


class WallBody(_Body):
    """Which digit a page asks for, to show many of it at once."""

    session: _Session
    who: _Who = ""
    digit: str = Field(pattern=r"^[0-9]$")


class DecisionBody(_Body):
    """An answer about one number."""

    place: _PlaceText
    look: Literal["first", "wall", "second", "third", "audit"]
    text: _Text = ""
    digits: dict[Annotated[str, Field(pattern=r"^\d{1,3}$")], _Text] = {}
    last_word: int
    read_at: str = Field(max_length=40)


class DecideBody(_Body):
    """Answers that stand or fall together."""

    token: _Token
    session: _Session
    who: _Who
    decisions: list[DecisionBody] = Field(min_length=1, max_length=500)
    have: list[_PlaceText] = Field(default=[], max_length=2000)


class UndoBody(_Body):
    """Which decision is taken back."""

    token: _Token
    undoing: _Token
    session: _Session
    who: _Who


class SkipBody(_Body):
    """Which number a page skips."""

    session: _Session
    place: _PlaceText


class ReleaseBody(_Body):
    """What a page keeps when a person leaves it; the rest is given back."""

    session: _Session
    keep: list[_PlaceText] = Field(default=[], max_length=500)


def make_app(
    review: ReviewService,
    settings: Settings,
    *,
    token: str = "",
    host_person: str = "",
    takes_files: bool = False,
) -> Guard:
    """Make the application; it owns the review, and closes it at its end.

    Parameters
    ----------
    review : ReviewService
    settings : Settings
    token : str
        What browsers must show; '' serves this machine only.
    host_person : str
        Whose name a page offers first.
    takes_files : bool
        Whether people may upload into the inbox.

    Returns
    -------
    Guard
        An ASGI application.
    """
    templates = Environment(
        loader=PackageLoader("digitocr.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.filters |= {"in_words": in_words, "ended_in_words": ended_in_words}
    sandbox = Sandbox()
    pictures = Pictures(
        settings.review / "crops", SourceFiles(review.ledger, review.shelf.job, settings, sandbox.decode)
    )
    room = Room(review, Publisher(review), pictures, settings, templates, host_person, takes_files)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        room.publisher.start()
        try:
            yield
        finally:
            room.publisher.stop()
            sandbox.close()
            review.close()

    # no documentation pages: they load scripts from elsewhere
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_exception_handler(DigitocrError, _refused)
    app.add_exception_handler(RequestValidationError, _not_ours)
    _add_pages(app, room)
    _add_pictures(app, room)
    _add_actions(app, room)
    files.add(app, room)
    if takes_files:
        uploads.add(app, room)
        form_editor.add(app, room, sandbox)
    return Guard(app, token)


def _refused(_: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"message": str(error)}, status)


def _not_ours(_: Request, error: Exception) -> JSONResponse:
    """Answer what no page of ours sends, without repeating it: it may hold what cannot be sent."""
    told = [] if not isinstance(error, RequestValidationError) else error.errors()
    where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
    message = f"this is not what the page sends: {where}"
    return JSONResponse({"message": message.encode("utf-8", "replace").decode()}, 422)


def _add_pages(app: FastAPI, room: Room) -> None:
    @app.get("/")
    def front() -> HTMLResponse:
        return room.page("front.html", o=overview(room.review.statistics))

    @app.get("/review")
    def review(
        order: Order = Order.FILE,
        field: Annotated[str, Query(max_length=200)] = "",
        file: _FileText = "",
        look: Literal["second", "third", "audit"] | None = None,
    ) -> HTMLResponse:
        return room.page("review.html", order=order.value, field=field, file=file, look=look)

    @app.get("/pages")
    def whole_pages(
        order: Order = Order.FILE,
        field: Annotated[str, Query(max_length=200)] = "",
        file: _FileText = "",
    ) -> HTMLResponse:
        return room.page("pages.html", order=order.value, field=field, file=file)

    @app.get("/wall")
    def wall(digit: Annotated[str, Query(pattern=r"^[0-9]?$")] = "") -> HTMLResponse:
        counts = {str(value): count for value, count in room.review.statistics.digits()}
        most = max(counts, key=lambda value: counts[value], default="0")
        return room.page("wall.html", digit=digit or most, counts=counts)

    @app.get("/favicon.ico")
    def icon() -> RedirectResponse:
        return RedirectResponse("/static/icon.svg", 301)


def _add_pictures(app: FastAPI, room: Room) -> None:
    # a number keeps its picture as long as its file is not read again, and then `read` in the address changes
    kept = {"cache-control": "private, max-age=3600"}

    @app.get("/picture/{place}/number-{position:int}.png")
    def number(place: str, position: int, turn: _Turn = 0) -> Response:
        task, known = room.picture_of(place)
        data = room.pictures.number(known, task, position, turn)
        return Response(data, media_type="image/png", headers=kept)

    @app.get("/picture/{place}/digit-{position:int}.png")
    def digit(place: str, position: int) -> Response:
        task, known = room.picture_of(place)
        digits = task.number.machine.digits
        if not 0 < position <= len(digits):
            raise NoPictureError("that number has no such digit")
        data = room.pictures.digit(known, task, digits[position - 1])
        return Response(data, media_type="image/png", headers=kept)

    @app.get("/picture/{place}/around.jpg")
    def around(place: str, turn: _Turn = 0) -> Response:
        task, known = room.picture_of(place)
        return Response(room.pictures.around(known, task, turn), media_type="image/jpeg", headers=kept)

    @app.get("/picture/{place}/page.jpg")
    def page(place: str, turn: _Turn = 0) -> Response:
        task, known = room.picture_of(place)
        return Response(room.pictures.whole_page(known, task, turn), media_type="image/jpeg", headers=kept)

    @app.get("/picture/{place}/sheet.jpg")
    def sheet(place: str, turn: _Turn = 0) -> Response:
        task, known = room.picture_of(place)
        data = room.pictures.whole_page(known, task, turn, framed=False)
        return Response(data, media_type="image/jpeg", headers=kept)


def _add_actions(app: FastAPI, room: Room) -> None:
    assignments, decisions = room.review.assignments, room.review.decisions

    def held(session: str) -> list[dict[str, Any]]:
        return [asdict(holder) for holder in assignments.others(session)]

    @app.post("/api/next")
    def take(body: NextBody) -> dict[str, Any]:
        selection = Selection(body.order, body.field, Look(body.look) if body.look else None, body.file)
        have = [Place.parse(text) for text in body.have]
        tasks = assignments.next(body.session, person(body.who), selection, body.count, have)
        return {"tasks": [task.shown() for task in tasks], "held": held(body.session), **decisions.status()}

    @app.post("/api/page")
    def page(body: PageBody) -> dict[str, Any]:
        selection = Selection(body.order, body.field, None, body.file)
        have = [Place.parse(text) for text in body.have]
        who = person(body.who)
        if body.at is not None:
            tasks = assignments.page_of(body.session, who, Place.parse(body.at))
        else:
            tasks = assignments.page(body.session, who, selection, have)
        found = pages.shown(tasks) if tasks else None
        return {"page": found, "held": held(body.session), **decisions.status()}

    @app.post("/api/check")
    def check(body: CheckBody) -> dict[str, Any]:
        said = {Place.parse(one.place): one.text for one in body.answers}
        previews, rules = preview(room.review.tasks, said)
        answers = [
            {"place": str(place), "stored": p.stored, "doubt": p.doubt} for place, p in previews.items()
        ]
        return {"answers": answers, "rules": rules, **decisions.status()}

    @app.post("/api/take")
    def take_over(body: SessionBody) -> dict[str, Any]:
        assignments.take_over(body.session)
        return {}

    @app.post("/api/wall")
    def wall(body: WallBody) -> dict[str, Any]:
        tasks = assignments.of_digit(body.session, person(body.who), int(body.digit), MOST_AT_ONCE)
        return {"tasks": [task.shown() for task in tasks], **decisions.status()}

    @app.post("/api/decide")
    def decide(body: DecideBody) -> dict[str, Any]:
        who = _someone(body.who)
        refused = decisions.decide([_submission(body, one, who) for one in body.decisions])
        room.publisher.ask()
        shown = [{"place": str(place), "message": why} for place, why in refused.items()]
        settled = assignments.settled(Place.parse(text) for text in body.have)
        return {"refused": shown, "settled": [str(place) for place in settled], **decisions.status()}

    @app.post("/api/undo")
    def undo(body: UndoBody) -> dict[str, Any]:
        tasks, refused = decisions.undo(body.token, body.undoing, body.session, _someone(body.who))
        room.publisher.ask()
        shown = [task.shown() for task in tasks]
        return {"tasks": shown, "refused": refused, **decisions.status()}

    @app.post("/api/skip")
    def skip(body: SkipBody) -> dict[str, Any]:
        assignments.skip(body.session, Place.parse(body.place))
        return {}

    @app.post("/api/release")
    def release(body: ReleaseBody) -> dict[str, Any]:
        assignments.give_back(body.session, [Place.parse(text) for text in body.keep])
        return {}


def _someone(name: str) -> str:
    who = person(name)
    if not who:
        raise UsageError("a decision needs the name of whoever makes it")
    return who


def _submission(body: DecideBody, one: DecisionBody, who: str) -> Submission:
    digits = tuple(sorted((int(position), text) for position, text in one.digits.items()))
    return Submission(
        place=Place.parse(one.place),
        look=Look(one.look),
        answer=Answer(one.text, digits),
        token=body.token,
        last_word=one.last_word,
        read_at=one.read_at,
        session=body.session,
        who=who,
    )
