"""Signs of life: a watcher without files to read is no runner, and yet others want to know that it looks."""

from __future__ import annotations

import json
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import OutputError
from digitocr.inbox.lock import living
from digitocr.store.ledger import now

log = logging.getLogger(__name__)

_CARD = "watcher.json"


class Heartbeat:
    """The signs of life of this process, the watcher of a folder.

    Parameters
    ----------
    state : Path
        The state folder.
    folder : Path or str
        The folder, or URL, that is watched.
    """

    def __init__(self, state: Path, folder: Path | str) -> None:
        self._card = state / _CARD
        self._me = {"pid": os.getpid(), "host": socket.gethostname(), "folder": str(folder), "since": now()}

    def beat(self) -> None:
        """Note that the folder is looked at now; a disk that refuses this does not end the watcher."""
        try:
            atomic.make_folder(self._card.parent, atomic.PRIVATE)
            said = json.dumps(self._me | {"looked": now()}) + "\n"
            atomic.write(self._card, said.encode(), durable=False)
        except OutputError as error:
            log.debug("%s", error)

    def end(self) -> None:
        """Note that no one watches any more."""
        with suppress(OSError):
            self._card.unlink(missing_ok=True)


def watcher(state: Path) -> dict[str, Any]:
    """Tell who watches a folder, with a state folder.

    Parameters
    ----------
    state : Path

    Returns
    -------
    dict
        With the keys pid, host, folder, since, and looked (when it last looked at the folder); empty if no one is
        known to watch.
    """
    return living(state / _CARD)
