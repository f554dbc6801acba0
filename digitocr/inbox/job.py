"""A run from outside: what it reads, with what and into which folders; how its caller follows it; how it ended."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.forms.template_file import dumps, load_folder
from digitocr.inbox.events import Settled
from digitocr.inbox.scan import FoundFile
from digitocr.io import remote
from digitocr.networks.registry import cards_of, model_in_use, name_of
from digitocr.records import FileStatus, SecondReading
from digitocr.settings import Settings
from digitocr.store.ledger import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What a run reads, with what, and where the results go.

    Attributes
    ----------
    settings : Settings
    folder : Path or str
        A str is a URL.
    is_inbox : bool
        The inbox is emptied; any other folder is left as it was.
    model : str
        Name and hash of the model.
    reading : str
        The settings that change results.
    """

    settings: Settings
    folder: Path | str
    is_inbox: bool
    model: str
    reading: str

    @property
    def name(self) -> str:
        """The last part of the folder's path or URL."""
        return PurePosixPath(self.folder).name if isinstance(self.folder, str) else self.folder.resolve().name


def make_job(settings: Settings, folder: Path | str | None = None) -> Job:
    """Check what a run is asked to do.

    Parameters
    ----------
    settings : Settings
    folder : Path or str, optional
        The folder to read, or its URL; by default the inbox of the settings.

    Returns
    -------
    Job

    Raises
    ------
    UsageError
        If the folder does not exist or is one that the program writes to.
    ModelError
        If the model cannot be used.
    TemplateError
        If a template cannot be used.
    """
    folder = _checked(folder or settings.inbox, settings)
    _warn_if_open(settings.state)
    model = model_in_use(settings)
    card, second = cards_of(model, settings.second_reader)
    threshold = settings.threshold
    if threshold is None:
        threshold = card.least_confidence(with_second=second is not None)
    unsure = ";second-reader=unsure" if second and settings.second_reader is SecondReading.UNSURE else ""
    return Job(
        settings=settings,
        folder=folder,
        is_inbox=isinstance(folder, Path) and settings.inbox.is_dir() and folder.samefile(settings.inbox),
        model=name_of(card, second),
        reading=f"threshold={threshold:g}{unsure}{_templates(settings)}",
    )


def _checked(place: Path | str, settings: Settings) -> Path | str:
    """Return a folder or URL that can be read.

    Raises
    ------
    UsageError
        If it is none.
    """
    if isinstance(place, str) and remote.is_url(place):
        remote.check(place)
        return place
    folder = Path(place)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="to read single files use python -m digitocr read")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not there", hint="check its name, or make it and put scans in it")
    for name in ("results", "review", "state"):
        if getattr(settings, name).resolve() == folder.resolve():
            raise UsageError(f"{folder} is both the folder to read and the folder for --{name}")
    return folder


def _warn_if_open(state: Path) -> None:
    """Say that others may look into the state folder, which holds every reading; it is made closed."""
    if os.name != "nt" and state.is_dir() and (mode := state.stat().st_mode & 0o777) & ~atomic.PRIVATE:
        log.warning("others may open %s (mode %o): `chmod 700 %s` closes it", state, mode, state)


def _templates(settings: Settings) -> str:
    """Identify the templates by their content: a changed template changes results."""
    if settings.templates is None:
        return ""
    digest = hashlib.sha256()
    for template in load_folder(settings.templates):
        digest.update(dumps(template).encode())
        for path in (template.reference, template.features):
            digest.update(path.read_bytes() if path else b"")
    return f";templates={digest.hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Hooks:
    """How the caller of a run takes part in it.

    Attributes
    ----------
    progress : callable
        Called from any thread with how many more files were settled, and out of how many.
    is_ready : callable or None
        Whether a file may be taken now; None asks whether it has been still for a while.
    patience : float
        Seconds. A file that cannot be decoded and changed more recently is left for the next run: part of it may
        still be on its way.
    stop : Event
        Once set, no further chunk is begun.
    settled : callable
        Called from any thread with what became of each file; it must return at once.
    """

    progress: Callable[[int, int], None] = lambda count, total: None
    is_ready: Callable[[FoundFile], bool] | None = None
    patience: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    settled: Callable[[Settled], None] = lambda settled: None


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended; the keys of ``--json``. Numbers, digits, review and blank count only files read in this run.

    `blank` counts pages.

    `stuck`, which is no such key, counts settled files that this run was the first to find immovable.
    """

    files: int = 0
    done: int = 0
    empty: int = 0
    partial: int = 0
    failed: int = 0
    duplicates: int = 0
    unchanged: int = 0
    numbers: int = 0
    digits: int = 0
    review: int = 0
    blank: int = 0
    stuck: int = 0
    seconds: float = 0.0

    @property
    def outcomes(self) -> str:
        """What became of the files, in words: ``6 read, 4 failed``."""
        counts = {
            "read": self.done,
            "empty": self.empty,
            "partial": self.partial,
            "failed": self.failed,
            "duplicates": self.duplicates,
            "unchanged": self.unchanged,
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)

    @property
    def exit_status(self) -> int:
        """0 if everything was read, 1 if some files failed, were read only in part or cannot be moved."""
        return 1 if self.failed or self.partial or self.stuck else 0

    def as_dict(self) -> dict[str, int | float]:
        """Return the keys of ``--json``."""
        return {name: count for name, count in asdict(self).items() if name != "stuck"}


class Tally:
    """Counts settled files, from any thread, since it was made."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._started = time.perf_counter()

    def add_unchanged(self, *, is_newly_stuck: bool) -> None:
        """Count a file whose last reading stands."""
        self._add(files=1, unchanged=1, stuck=is_newly_stuck)

    def add(self, outcome: Outcome, *, is_newly_stuck: bool) -> None:
        """Count a file that was read, given up or found to be a duplicate."""
        status = "duplicates" if outcome.status == FileStatus.DUPLICATE else outcome.status
        counts = {"numbers": outcome.numbers, "digits": outcome.digits, "review": outcome.review}
        counts["blank"] = outcome.blank
        self._add(files=1, stuck=is_newly_stuck, **{status: 1}, **counts)

    def _add(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)

    def summary(self) -> Summary:
        """Return the counts so far."""
        with self._lock:
            return Summary(**self._counts, seconds=round(time.perf_counter() - self._started, 3))
