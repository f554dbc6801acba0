"""The list of files, each with its pages, its tables, and failed files put back."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from digitocr.errors import DigitocrError
from digitocr.inbox import retry
from digitocr.records import READ, FileResult, FileStatus, Status
from digitocr.results import forms, publish, queue, queue_workbook, tables, workbook
from digitocr.results.pictures import annotated_page
from digitocr.store.ledger import Known
from digitocr.web.room import Room

_WORKBOOK = ".xlsx"
"""Follows the name of a table in the address of its workbook."""

_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ON_A_PAGE = 200
"""Files of the list that are shown at once."""


class NoSuchPageError(DigitocrError):
    """There is no such table."""

    code = "no-page"


class RetryBody(BaseModel):
    """Which failed file is put back."""

    model_config = ConfigDict(extra="forbid")

    file: int = Field(ge=0, lt=10**15)


def add(app: FastAPI, room: Room) -> None:
    """Add the list of files, the tables and what puts failed files back.

    Parameters
    ----------
    app : FastAPI
    room : Room
    """
    app.add_exception_handler(HTTPException, lambda request, error: _nothing(room, request, error))

    @app.get("/files")
    def files(
        status: Literal["", "done", "empty", "partial", "failed", "duplicate"] = "",
        text: Annotated[str, Query(max_length=300)] = "",
        start: Annotated[int, Query(ge=0, lt=10**12)] = 0,
    ) -> HTMLResponse:
        found = room.review.statistics.list_files(status, text, ON_A_PAGE + 1, start)
        return room.page(
            "files.html",
            files=found[:ON_A_PAGE],
            status=status,
            text=text,
            start=start,
            more=len(found) > ON_A_PAGE,
            step=ON_A_PAGE,
            statuses=[one.value for one in FileStatus],
            tables=list(_tables(room)),
        )

    @app.get("/file/{file:int}")
    def one(file: int) -> HTMLResponse:
        known, read = _read(room, file)
        lines = _numbers(room, known, read) if read else []
        rows = [dict(zip(tables.NUMBERS, line, strict=True)) for line in lines]
        return room.page(
            "file.html",
            f=known,
            waits=any(row["status"] == Status.REVIEW for row in rows),
            rows=rows,
            pages=[(page.index, page.error) for page in read.pages] if read else [],
        )

    @app.get("/file/{file:int}/page-{index:int}.jpg")
    def picture(file: int, index: int) -> Response:
        known, read = _read(room, file)
        page = next((page for page in read.pages if page.index == index), None) if read else None
        if page is None or page.error:
            raise NoSuchPageError("there is no such page")
        data = annotated_page(room.pictures.page(known, index), page)
        return Response(data, media_type="image/jpeg", headers={"cache-control": "no-store"})

    @app.get("/tables/{name:path}")
    def table(name: str) -> Response:
        as_workbook = name.endswith(_WORKBOOK)
        return _table(_tables(room).get(name.removesuffix(_WORKBOOK)), name, as_workbook=as_workbook)

    @app.get("/file/{file:int}/{kind}.{form}")
    def own_table(file: int, kind: Literal["numbers", "digits"], form: Literal["csv", "xlsx"]) -> Response:
        name = room.review.statistics.file_name(file)
        digits, numbers = tables.table_paths(room.settings.results, name)
        path = (numbers if kind == "numbers" else digits) if name else None
        return _table(path, f"{name}.{kind}.{form}", as_workbook=form == "xlsx")

    @app.post("/api/retry")
    def put_back(body: RetryBody) -> dict[str, Any]:
        name = room.review.statistics.file_name(body.file)
        if not name:
            raise NoSuchPageError("there is no such file")
        return {"files": retry.retry(room.settings, room.review.ledger, [glob.escape(name)])}


def _tables(room: Room) -> dict[str, Path]:
    """Return the tables over all files that are there, by the names in their addresses."""
    results, review = room.settings.results, room.settings.review
    paths = {name: results / name for name in (tables.ALL_NUMBERS, tables.ALL_FILES)}
    paths |= {
        f"forms/{name}.csv": forms.path(results, name) for name in publish.known_forms(room.review.shelf)
    }
    paths |= {path.name: path for path in (queue.path(review), review / tables.ALL_CORRECTIONS)}
    return {name: path for name, path in paths.items() if path.is_file()}


def _read(room: Room, file: int) -> tuple[Known, FileResult | None]:
    """Return a file of the results with what stands of its reading; None where it was not read.

    Raises
    ------
    NoSuchPageError
        There is no such file.
    """
    if not room.review.statistics.file_name(file):
        raise NoSuchPageError("there is no such file")
    ledger = room.review.ledger
    known = ledger.file(file)
    if known.status not in READ or not ledger.published.has_reading(room.review.shelf.job, file):
        return known, None
    read = room.review.tasks.reading(file, known.processed_at)
    return known, publish.standing(room.review.shelf, ledger, file, read)


def _numbers(room: Room, known: Known, read: FileResult) -> list[tables.Row]:
    return tables.number_rows(read, known.file, publish.forms_of(room.review.shelf, read))


def _table(path: Path | None, name: str, *, as_workbook: bool) -> Response:
    """Return a table to be saved.

    Raises
    ------
    NoSuchPageError
        It is not there.
    """
    if path is None or not path.is_file() or path.is_symlink():
        raise NoSuchPageError("there is no such table")
    shown = name.replace("/", "-").encode("utf-8", "replace").decode()
    kept = {"cache-control": "no-store"}
    if not as_workbook:
        return FileResponse(path, media_type="text/csv", filename=shown, headers=kept)
    kept["content-disposition"] = f"attachment; filename*=UTF-8''{quote(shown)}"
    is_queue = path.name == queue.path(path.parent).name
    content = queue_workbook.workbook(path.parent)[0] if is_queue else workbook.of_table(path)
    return Response(content, media_type=_WORKBOOK_TYPE, headers=kept)


def _nothing(room: Room, request: Request, error: Exception) -> Response:
    """Answer what there is no page for: a person gets a page, a script a message."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = str(error.detail) if isinstance(error, HTTPException) else "this went wrong"
    if "text/html" in request.headers.get("accept", ""):
        return room.page("nothing.html", status, message=message)
    return JSONResponse({"message": message}, status)
