"""The files that were read, opened once more: for the review page, and for what is learned from corrections."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from digitocr.errors import FileAccessError, InputError
from digitocr.io import remote, sandbox
from digitocr.records import Limits, Page
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger
from digitocr.store.records import Known


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of a job, wherever they lie now.

    Attributes
    ----------
    ledger : Ledger
    job : int
    settings : Settings
        Name the archive and the inbox, and the limits of a file.
    decoder : callable
        Decodes one page of the bytes of a file, within limits: :meth:`digitocr.io.sandbox.Sandbox.decode`.
    """

    ledger: Ledger
    job: int
    settings: Settings
    decoder: Callable[[bytes, Limits, int], Iterable[Page]]

    def page(self, known: Known, index: int) -> Page:
        """Decode a page of a file.

        Parameters
        ----------
        known : Known
        index : int
            Counted from 1.

        Returns
        -------
        Page

        Raises
        ------
        InputError
            The file is nowhere any more, or that page cannot be decoded.
        """
        (page,) = self.decoder(self._content(known), self.settings.limits, index)
        return page

    def _content(self, known: Known) -> bytes:
        """Return the content that was read, from the archive or a folder it came from.

        Raises
        ------
        FileAccessError
            It is in none of them.
        """
        s = self.settings
        folders = (*self.ledger.folders(self.job), s.inbox)
        for root, name in ((s.archive, known.file), *((folder, known.source) for folder in folders)):
            data = self._below(root, name)
            if data is not None and hashlib.sha256(data).hexdigest() == known.sha256:
                return data
        raise FileAccessError("no longer where it was read or archived")

    def _below(self, root: Path | str, name: str) -> bytes | None:
        path = remote.below(root, name)
        if isinstance(path, Path) and not path.resolve().is_relative_to(Path(root).resolve()):
            return None
        try:
            return sandbox.read_bytes(path, self.settings.limits)
        except InputError:
            return None
