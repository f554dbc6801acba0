"""What requests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment

from digitocr import __version__
from digitocr.review.service import ReviewService
from digitocr.review.tasks import Task
from digitocr.review.words import WORDS
from digitocr.settings import Settings
from digitocr.store.records import Known
from digitocr.store.review import Place
from digitocr.web.crops import Pictures
from digitocr.web.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Room:
    """What requests share.

    Attributes
    ----------
    review : ReviewService
    publisher : Publisher
    pictures : Pictures
    settings : Settings
    templates : Environment
    host_person : str
        Whose name a page offers first.
    takes_files : bool
        Whether people may upload.
    """

    review: ReviewService
    publisher: Publisher
    pictures: Pictures
    settings: Settings
    templates: Environment
    host_person: str
    takes_files: bool

    def page(self, template: str, code: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
        """Render a page; what comes from outside is text, never markup."""
        text = self.templates.get_template(template).render(
            who=self.host_person,
            results=self.settings.results.as_posix(),
            version=__version__,
            takes_files=self.takes_files,
            makes_forms=self.takes_files and self.settings.templates is not None,
            reasons=WORDS,
            **values,
        )
        return HTMLResponse(text, code, headers={"cache-control": "no-store"})

    def picture_of(self, place: str) -> tuple[Task, Known]:
        """Return a number and its file."""
        task = self.review.tasks.shown(Place.parse(place))
        return task, self.review.ledger.file(task.place.file)
