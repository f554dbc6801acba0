"""Jobs: the results folders of a ledger, named relative to its own folder, so that all can be moved together."""

from __future__ import annotations

import os
from pathlib import Path

from digitocr.io import remote
from digitocr.store.database import Database


class Jobs:
    """The jobs of a ledger.

    Parameters
    ----------
    database : Database
    folder : Path
        In which the ledger lies.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder.resolve()

    @property
    def ledger(self) -> str:
        """What tells this ledger from any other, but for copies of it."""
        return str(self._database.rows("SELECT id FROM identity")[0][0])

    def find(self, results: Path) -> int | None:
        """Return the job of a results folder if the ledger knows it."""
        names = self.relative(results), str(results.resolve())  # earlier releases wrote the absolute path
        found = self._database.rows("SELECT id FROM job WHERE results IN (?, ?)", *names)
        return int(found[0][0]) if found else None

    def make(self, results: Path) -> int:
        """Return the job of a results folder, new or known."""
        job, name = self.find(results), self.relative(results)
        if job is not None:
            self.move(job, results)
            return job
        with self._database.writing() as db:
            db.execute("INSERT OR IGNORE INTO job (results) VALUES (?)", (name,))
            return int(db.execute("SELECT id FROM job WHERE results = ?", (name,)).fetchone()[0])

    def move(self, job: int, results: Path) -> None:
        """Record where the results folder of a job lies now."""
        name = self.relative(results)
        if self._database.rows("SELECT 1 FROM job WHERE id = ? AND results <> ?", job, name):
            with self._database.writing() as db:
                db.execute("UPDATE job SET results = ? WHERE id = ?", (name, job))

    def results(self, job: int) -> Path:
        """Return the results folder of a job."""
        return self.absolute(self._database.rows("SELECT results FROM job WHERE id = ?", job)[0][0])

    def edition(self, job: int) -> int:
        """Return how often the tables over all files of a job were written."""
        found = self._database.rows("SELECT edition FROM job WHERE id = ?", job)
        return int(found[0][0]) if found else 0

    def begin_edition(self, job: int) -> None:
        """Record that these tables are about to be written once more."""
        with self._database.writing() as db:
            db.execute("UPDATE job SET edition = edition + 1 WHERE id = ?", (job,))

    def name_of(self, place: Path | str) -> str:
        """Return the name of a folder or URL that is read, as the ledger keeps it."""
        return place if isinstance(place, str) else self.relative(place)

    def place_of(self, name: str) -> Path | str:
        """Return the folder or URL of a name; the reverse of :meth:`name_of`."""
        return name if remote.is_url(name) else self.absolute(name)

    def relative(self, folder: Path) -> str:
        """Return the name of a folder as the ledger keeps it."""
        try:
            return Path(os.path.relpath(folder.resolve(), self._folder)).as_posix()
        except ValueError:  # another drive of Windows
            return str(folder.resolve())

    def absolute(self, name: str) -> Path:
        """Return the folder of a name; the reverse of :meth:`relative`."""
        return Path(os.path.normpath(self._folder / name))
