"""Maintenance of an inbox by its commands, and what the tests ask about it."""

import os
import sqlite3
import time

from typer.testing import CliRunner

from digitocr.cli import app as commands
from digitocr.inbox.verify import verify
from digitocr.results import publish
from digitocr.store.ledger import Ledger


def call(*args):
    return CliRunner().invoke(commands.app, list(args))


def ledger_of(work):
    return Ledger(work.settings().ledger)


def disagreements(work):
    with ledger_of(work) as opened:
        return verify(work.settings(), opened)


def days_ago(work, days):
    """Make it look as if everything had been read this many days ago."""
    then = time.time() - days * 86_400
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then))
    db = sqlite3.connect(work.settings().ledger)
    with db:
        db.execute("UPDATE file SET processed_at = ?", (at,))
        db.execute("UPDATE run SET started = ?, ended = ?", (at, at))
        db.execute("UPDATE job SET published = 0")
    db.close()
    for path in (work.folder / "review").rglob("*.png"):
        os.utime(path, (then, then))
    with publish.opened(work.settings()) as (opened, shelf):
        publish.publish(shelf, opened)
