"""The SQLite file of the ledger: its connection, transactions, and what its errors mean."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import OutputError
from digitocr.store.schema import MIGRATIONS, statements

PORTION_ROWS = 500
"""Rows in memory at once while all files or items of a job are gone through."""

UP_TO = "coalesce(?, x'')"
"""The name before which files are wanted, in SQL: every text is less than a blob, so NULL wants all files."""

BUSY_TIMEOUT_MS = 60_000
"""A transaction waits this long for another process to end its own."""


_BACKUP_PAGES = 1000
"""Pages that are copied before others may write again."""


class Database:
    """An open database of the newest schema; threads may share it.

    Parameters
    ----------
    path : Path
        The SQLite file. It is made, with its folder, where it is missing.
    read_only : bool
        Write nothing: a missing file is an empty database, and one of an earlier release is migrated in memory.

    Raises
    ------
    OutputError
        The file cannot be used, or a newer release wrote it.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = _read_only(path) if read_only else _read_write(path)
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            if not read_only:
                self._connection.execute("PRAGMA journal_mode = WAL")
                # a power cut must not take back a commit after which a file was moved
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA foreign_keys = ON")
            elif self._version() < len(MIGRATIONS):
                self._copy_into_memory()
            self._migrate()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._trouble(error) from error
        except OutputError:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def rows(self, sql: str, *values: object, **named: object) -> list[Any]:
        """Return the rows that a query finds.

        Parameters
        ----------
        sql : str
        *values, **named : object
            Its parameters, of either kind.

        Returns
        -------
        list of tuple

        Raises
        ------
        OutputError
        """
        try:
            with self._lock:
                return self._connection.execute(sql, named or values).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run statements in one transaction: all of them take effect, or none.

        Within a transaction of the same thread, they become part of that one.

        Yields
        ------
        sqlite3.Connection

        Raises
        ------
        OutputError
        """
        with self._lock:
            is_inner = self._connection.in_transaction
            if is_inner:
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:  # on a full disk, SQLite may have rolled back itself
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._trouble(error) from error
                raise

    def compact(self) -> None:
        """Give the space of deleted rows back to the disk.

        Raises
        ------
        OutputError
        """
        with self._lock:
            try:
                self._connection.execute("VACUUM")
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def copy_to(self, path: Path) -> None:
        """Copy the database, in one step, while it is in use.

        Parameters
        ----------
        path : Path
            A file; an older one is replaced.

        Raises
        ------
        OutputError
        """
        partial = atomic.partial_path(path)
        try:
            partial.unlink(missing_ok=True)
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with self._lock, closing(sqlite3.connect(partial)) as copy:
                self._connection.backup(copy, pages=_BACKUP_PAGES)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, complete by itself
            partial.replace(path)
            atomic.sync_folder(path.parent)
        except (OSError, sqlite3.Error) as error:
            partial.unlink(missing_ok=True)
            raise OutputError(f"cannot copy the ledger to {path}: {error}") from error

    def _copy_into_memory(self) -> None:
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.backup(copy)
        self._connection.close()
        self._connection = copy

    def _migrate(self) -> None:
        if self._version() > len(MIGRATIONS):
            raise OutputError(
                f"the ledger {self._path} was written by a newer version", hint="install that version again"
            )
        while self._version() < len(MIGRATIONS):
            with self.writing() as db:
                version = self._version()  # another process may have been faster
                for statement in statements("".join(MIGRATIONS[version : version + 1])):
                    db.execute(statement)
                if version < len(MIGRATIONS):
                    db.execute(f"PRAGMA user_version = {version + 1}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _trouble(self, error: Exception) -> OutputError:
        hint = "check space and permissions"
        if isinstance(error, sqlite3.IntegrityError):
            hint = "this is a fault of digitocr, not of the disk: nothing was changed; please report it"
        elif isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            hint = "another program holds it; try again"
        elif "malformed" in str(error) or "not a database" in str(error):
            hint = "`digitocr ledger rebuild` makes it again from the results"
        return OutputError(f"the ledger {self._path} cannot be used: {error}", hint=hint)


def files_of(path: Path) -> list[Path]:
    """Return a database's file and the two that SQLite may have beside it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Path
    """
    return [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]


def _read_only(path: Path) -> sqlite3.Connection:
    if not path.exists():
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if atomic.can_write_in(path.parent):
        name = f"{path.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
    with tempfile.TemporaryDirectory() as folder:  # SQLite writes beside a file even to read it
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{ending}", Path(folder, f"copy{ending}"))
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with closing(sqlite3.connect(Path(folder, "copy"))) as copy:
            copy.backup(memory)
        return memory


def _read_write(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    timeout = BUSY_TIMEOUT_MS / 1000
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
