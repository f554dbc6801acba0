"""Notices to another program: a request or a command for each file that was settled."""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial

from digitocr.inbox.events import Settled

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
"""For a request, and for a command."""

TRIES = 3

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 8.0
"""Between two tries; each wait is about twice as long as the one before."""

LAST_WAIT_S = 60.0
"""At the end of a command, for what is still to be sent."""

Send = Callable[[str], None]
"""Sends one JSON object; raises if it was not taken."""


@contextmanager
def notices(target: str | None) -> Iterator[Callable[[Settled], None]]:
    """Tell another program of each file, in the order in which they are settled, and beside reading.

    A notice that is not taken is tried again; if it is given up, later ones are tried only once until one is taken, so
    that a program that is away does not hold up the end.

    Parameters
    ----------
    target : str or None
        A URL to which JSON is posted, or a command that gets it on standard input; None tells nobody.

    Yields
    ------
    callable
        Takes what became of a file, and returns at once.
    """
    if not target:
        yield lambda settled: None
        return
    messenger = _Messenger(partial(_post, target) if is_url(target) else partial(_run, shlex.split(target)))
    try:
        yield messenger.tell
    finally:
        messenger.end()


def is_url(target: str) -> bool:
    """Tell whether notices are requests; else they are commands.

    Parameters
    ----------
    target : str

    Returns
    -------
    bool
    """
    return target.lower().startswith(("http://", "https://"))


class _Messenger:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_away = False
        self._taken = 0
        self._told: list[Future[None]] = []
        self._thread = ThreadPoolExecutor(1, "notices")

    def tell(self, settled: Settled) -> None:
        self._told.append(self._thread.submit(self._deliver, json.dumps(asdict(settled))))

    def _deliver(self, notice: str) -> None:
        import tenacity

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(1 if self._is_away else TRIES),
            wait=tenacity.wait_exponential(FIRST_WAIT_S, max=LONGEST_WAIT_S),
            reraise=True,
        )
        try:
            retrying(self._send, notice)
        except Exception as error:  # whatever it is, it must not end the run
            if not self._is_away:
                log.warning("a notice was not taken: %s", error)
            self._is_away = True
        else:
            self._taken += 1
            self._is_away = False

    def end(self) -> None:
        """Wait for what is still to be sent, but not for ever, and say how many notices were lost."""
        wait(self._told, LAST_WAIT_S)
        self._thread.shutdown(wait=True, cancel_futures=True)
        if lost := len(self._told) - self._taken:
            log.warning("%d notices were not taken; results and ledger are complete", lost)


def _post(url: str, notice: str) -> None:
    import httpx

    answer = httpx.post(url, content=notice, headers={"content-type": "application/json"}, timeout=TIMEOUT_S)
    if not answer.is_success:  # the URL may be secret
        raise ConnectionError(f"it was answered with {answer.status_code}")


def _run(command: list[str], notice: str) -> None:
    # no shell: what stands in the name of a file runs nothing
    try:
        done = subprocess.run(
            command, input=notice.encode(), stdout=subprocess.DEVNULL, check=False, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise ConnectionError(f"the command took more than {TIMEOUT_S:g} seconds") from None
    if done.returncode:
        raise ConnectionError(f"the command ended with {done.returncode}")
