"""Files that people drop on the page, into the inbox; and what becomes of them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from digitocr import atomic
from digitocr.errors import BusyError, FileSizeError, UsageError
from digitocr.inbox.events import found
from digitocr.inbox.names import free_name, is_litter, printable
from digitocr.review.words import ended_in_words
from digitocr.settings import Settings
from digitocr.store.ledger import Known
from digitocr.web.guard import UPLOAD_PATH
from digitocr.web.room import Room

PAUSE_S = 30.0
"""Longest time without a byte."""

_AT_ONCE = 16
"""Files that may arrive at the same time, of all people together."""

_LONGEST_NAME_BYTES = 200

_naming = threading.Lock()
"""Two files of one name never take each other's place."""

_Name = Annotated[str, Field(max_length=300)]


class UploadedBody(BaseModel):
    """Files that a page has uploaded, by the names that they got."""

    model_config = ConfigDict(extra="forbid")

    names: list[_Name] = Field(max_length=200)


def add(app: FastAPI, room: Room) -> None:
    """Add the page for uploads, and what it asks.

    Parameters
    ----------
    app : FastAPI
    room : Room
    """

    @app.get("/upload")
    def page() -> HTMLResponse:
        return room.page("upload.html", most=room.settings.max_bytes)

    @app.post("/api/uploaded")
    def uploaded(body: UploadedBody) -> dict[str, Any]:
        return {"files": [_state(room, name) for name in body.names]}

    _add_upload(app, room)


def _add_upload(app: FastAPI, room: Room) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    @app.put(UPLOAD_PATH)
    async def upload(request: Request, name: Annotated[str, Query(max_length=1000)]) -> dict[str, str]:
        if places.locked():
            raise BusyError("too many files arrive at once; it is tried again")
        async with places:
            return {"file": await take(room.settings, name, request.stream())}


async def take(settings: Settings, name: str, content: AsyncIterator[bytes]) -> str:
    """Take a file into the inbox; it is there in full or not at all.

    Parameters
    ----------
    settings : Settings
    name : str
        As the browser says it; of a path, the last part.
    content : async iterator of bytes

    Returns
    -------
    str
        Its name in the inbox.

    Raises
    ------
    UsageError
        If a file of this name is never read, too many wait, or it does not arrive.
    FileSizeError
        If it is too large.
    OutputError
        If it cannot be written.
    """
    inbox, name = settings.inbox, _allowed(name)
    if await run_in_threadpool(_waiting, inbox) >= settings.max_waiting:
        raise UsageError(f"{settings.max_waiting:,} files wait; upload more when these are read")
    partial, digest, size = inbox / f".{secrets.token_hex(8)}.part", hashlib.sha256(), 0
    try:
        with partial.open("xb") as stream:
            async for part in timed(content):
                size += len(part)
                if size > settings.max_bytes:
                    raise FileSizeError(f"it has more than {settings.max_bytes:,} bytes")
                digest.update(part)
                await run_in_threadpool(stream.write, part)
        return await run_in_threadpool(_put, partial, name, digest.hexdigest())
    except OSError as error:
        refusal = atomic.cannot_write(inbox / name, error)
        raise refusal from error
    finally:
        partial.unlink(missing_ok=True)


def _allowed(name: str) -> str:
    """Return the last part of a path, as it may stand in the inbox.

    Raises
    ------
    UsageError
        If a file of this name is never read, or it is too long.
    """
    last = printable(name.replace("\\", "/").rpartition("/")[2].replace("\0", ""))
    is_read = last and not is_litter(last) and last.casefold() != "readme.md"
    if not is_read or last.casefold().endswith(".error.json"):
        raise UsageError(f"a file named {last or name!r} is never read", hint="give it another name")
    if len(last.encode()) > _LONGEST_NAME_BYTES:
        raise UsageError("its name is too long", hint="give it a shorter one")
    return last


def _waiting(inbox: Path) -> int:
    with os.scandir(inbox) as listing:
        return sum(not is_litter(child.name) for child in listing)


async def timed(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts of a body as they arrive.

    Parameters
    ----------
    content : async iterator of bytes

    Yields
    ------
    bytes

    Raises
    ------
    UsageError
        If nothing arrives for long.
    """
    parts = aiter(content)
    while True:
        try:
            async with asyncio.timeout(PAUSE_S):
                part = await anext(parts)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UsageError("it stopped arriving; upload it again") from None
        yield part


def _put(partial: Path, name: str, sha256: str) -> str:
    """Give a file its name, or one beside it where that is taken."""
    with _naming:
        free = free_name(name, sha256, lambda one: not os.path.lexists(partial.with_name(one)))
        atomic.move(partial, partial.with_name(free))
    return free


def _state(room: Room, name: str) -> dict[str, Any]:
    """Say what became of an uploaded file."""
    if os.path.lexists(room.settings.inbox / name) and "/" not in name:
        return {"name": name, "state": "waits"}
    known = room.review.ledger.of_source(room.review.shelf.job, name)
    if not known:
        return {"name": name, "state": "gone"}
    latest = max(known, key=lambda one: one.processed_at)
    return {"name": name, "state": latest.state, "id": latest.id, "said": _said(latest)}


def _said(known: Known) -> str:
    return ended_in_words(known.error) or found(known.numbers, known.review)
