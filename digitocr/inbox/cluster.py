"""Chunks read by the workers of a Dask cluster: the same function as in processes of this machine.

A worker opens files where the runner found them, if it has them under the same path with the same content; else the
runner sends their bytes. Readings come back with their pictures. Scheduler and workers know nothing of ledger and
tables: whatever is lost with them is read again.
"""

from __future__ import annotations

import logging
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

import digitocr
from digitocr.errors import DigitocrError, InputError, UsageError, WorkerError
from digitocr.inbox import reading
from digitocr.inbox.job import Job
from digitocr.inbox.orders import Answer, Misfit, Order, function
from digitocr.inbox.reading import Read, failed
from digitocr.inbox.workers import tell
from digitocr.io.sandbox import read_bytes
from digitocr.networks.registry import model_in_use
from digitocr.records import Limits, Reading, Source

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""A scheduler or workers that went away may take so long to come back; then the run ends."""

INSTALL = "pip install 'digitocr[cluster]', on all machines"
"""What to do where a package is missing."""

_PROBE_S = 5.0
_LOOK_S = 5.0
"""Time between two looks whether a chunk can still be read by anyone."""

_AHEAD, _RECORDED = 2, 1
"""Chunks for each thread of a worker: one that it reads and one that waits for it; and one that is recorded."""

_GRAPH_BYTES = "4 GiB"
"""Dask warns of tasks of more bytes; ours hold files that workers cannot open."""

_HINT = (
    "see that `dask scheduler` and `dask worker` run, or read on this machine: --workers 2; nothing was lost"
)


class Awaited(Protocol):
    """A future of Dask or Prefect."""

    def result(self, timeout: float | None = None) -> Answer:
        """Wait for the answer; raises `TimeoutError` if it does not come in time."""


Submit = Callable[[Callable[[str, bytes], Answer], str, bytes], Awaited]
"""Has a function called by some worker."""


class Cluster:
    """What a run reads with if it is told of a Dask scheduler; threads may share it.

    Parameters
    ----------
    read : callable
        Can be pickled.
    misfit : callable
        As that of an :class:`Order`.
    limits : Limits
        Of files that are sent.
    client : distributed.Client
    submit : callable
        Through this client.

    Raises
    ------
    WorkerError
        If the cluster has no workers.
    """

    def __init__(
        self, read: Read, misfit: Callable[[], str], limits: Limits, client: Client, submit: Submit
    ) -> None:
        self._read, self._misfit, self._limits = read, misfit, limits
        self._client, self._submit = client, submit
        self._function = function()
        self._address = str(client.scheduler.address)
        self._told: set[str] = set()
        self._unfit: dict[str, str] = {}
        self._ready_workers()
        threads = int(client.scheduler_info(n_workers=0)["total_threads"])
        log.info("%s has %d threads of workers", self._address, threads)
        self._free = threading.BoundedSemaphore(_AHEAD * threads)
        self.window = (_AHEAD + _RECORDED) * threads
        """Most chunks at once."""
        self.is_apart = True

    @contextmanager
    def taken(self) -> Iterator[Self]:
        """Wait until another chunk can be taken.

        Yields
        ------
        Cluster
        """
        with self._free:
            yield self

    def prepare(self) -> None:
        """Do nothing: a worker loads the model with its first chunk."""

    def read(self, sources: Sequence[Source]) -> list[Reading] | None:
        """Read files.

        Parameters
        ----------
        sources : sequence of Source

        Returns
        -------
        list of Reading or None
            One per source, in order; None if several workers ended while they read them.

        Raises
        ------
        WorkerError
            If there is no scheduler or no worker any more.
        DigitocrError
            If reading cannot go on at all.
        """
        readings = self._answer(sources)
        if readings is None:
            return None
        sent: dict[int, Source] = {}
        for i, source in enumerate(sources):
            if readings[i].result.sha256 == source.sha256:
                continue
            try:  # the worker could not open it, or has another file in its place
                sent[i] = replace(source, content=read_bytes(source.path, self._limits))
            except InputError as error:
                readings[i] = failed(source, error)
        again = self._answer(list(sent.values())) if sent else []
        if again is None:
            return None
        for i, one in zip(sent, again, strict=True):
            readings[i] = one
        return readings

    def _answer(self, sources: Sequence[Source]) -> list[Reading] | None:
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        order = pickle.dumps(Order(self._read, self._misfit, tuple(sources)))
        while True:
            try:
                found = self._asked(order)
            except KilledWorker:
                return None
            except (CancelledError, CommClosedError):
                log.debug("a chunk is sent again: the scheduler went away")
                continue
            except DigitocrError:
                raise
            except Exception as error:
                why = f"a chunk cannot be read through {self._address}: {type(error).__name__}: {error}"
                hint = "install the same Python, Dask and digitocr on all machines"
                raise WorkerError(why, hint=hint) from error
            if found is None:
                continue
            worker, why, answer = found
            if not why:
                return self._taken_out(answer)
            if worker not in self._unfit:
                log.warning("%s reads nothing: %s", worker, why)
                self._unfit[worker] = why

    def _asked(self, order: bytes) -> Answer | None:
        """Have some worker read; None if the question was lost, with a scheduler or because no worker may answer."""
        import dask

        workers = self._ready_workers()
        connection = self._client.scheduler_comm
        with dask.annotate(workers=workers) if workers else nullcontext():
            future = self._submit(self._function, digitocr.__version__, order)
        while True:
            try:
                return future.result(timeout=_LOOK_S)
            except TimeoutError:
                ready = self._ready_workers()
                if self._client.scheduler_comm is not connection:
                    return None  # sent when there was no scheduler
                if workers and not set(workers) & set(ready):
                    return None  # all that were allowed to read it have gone

    def _ready_workers(self) -> list[str]:
        """Wait until the scheduler has workers; return those that fit, none if all may.

        Raises
        ------
        WorkerError
            If none comes, or none fits.
        """
        deadline, is_told = time.monotonic() + PATIENCE_S, False
        while time.monotonic() < deadline and self._client.status != "closed":
            with suppress(
                OSError, AttributeError
            ):  # it is connecting, or about to notice that it is not any more
                if self._client.status == "running":
                    unfit = set(self._unfit)  # other threads may add to it meanwhile
                    info = self._client.scheduler_info(n_workers=-1 if unfit else 0)
                    fit = [address for address in info["workers"] if address not in unfit]
                    if fit or (info["n_workers"] and not unfit):
                        return fit
                    if info["workers"]:
                        raise self._none_fits(info["workers"])
            if not is_told:
                log.warning("waiting for a worker at %s", self._address)
                is_told = True
            time.sleep(0.5)
        raise WorkerError(f"no Dask worker can be reached any more through {self._address}", hint=_HINT)

    def _none_fits(self, workers: Sequence[str]) -> WorkerError:
        said = "; ".join(sorted({self._unfit[address] for address in workers}))
        return WorkerError(
            f"no worker at {self._address} can read: {said}",
            hint="install the same digitocr and model on all machines",
        )

    def _taken_out(self, answer: bytes) -> list[Reading]:
        found = pickle.loads(answer)
        if isinstance(found, DigitocrError):
            raise found
        readings, notes = found
        tell(notes, self._told)
        return list(readings)


@contextmanager
def open_cluster(job: Job, address: str) -> Iterator[Cluster]:
    """Connect to a scheduler, to read for a job.

    Parameters
    ----------
    job : Job
    address : str
        ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.

    Yields
    ------
    Cluster

    Raises
    ------
    UsageError
        If Dask is not installed, or a template cannot be used.
    WorkerError
        If no scheduler answers there, or it has no workers.
    """
    with connected(address, partial(_client, address)) as client:

        def submit(function: Callable[[str, bytes], Answer], version: str, order: bytes) -> Awaited:
            return client.submit(function, version, order, pure=False)  # type: ignore[no-any-return]

        yield cluster_of(job, client, submit)


def cluster_of(job: Job, client: Client, submit: Submit) -> Cluster:
    """Return what reads for a job through a connected client.

    Parameters
    ----------
    job : Job
    client : distributed.Client
    submit : callable

    Returns
    -------
    Cluster

    Raises
    ------
    TemplateError
        If a template cannot be used.
    WorkerError
        If the scheduler has no workers.
    """
    model = model_in_use(job.settings)
    misfit = Misfit(model.resolve() if model else None, job.settings.second_reader, job.model)
    return Cluster(reading.chunk_reader(job.settings), misfit, job.settings.limits, client, submit)


def _client(address: str) -> Client:
    from distributed import Client

    return Client(address, timeout=PATIENCE_S, set_as_default=False)


@contextmanager
def connected(address: str, connect: Callable[[], Client]) -> Iterator[Client]:
    """Connect to a scheduler; TLS is set up as Dask's own settings say.

    Parameters
    ----------
    address : str
    connect : callable
        Returns a client.

    Yields
    ------
    distributed.Client

    Raises
    ------
    UsageError
        If Dask is not installed.
    WorkerError
        If no scheduler answers there.
    """
    check(address)
    import dask

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": _GRAPH_BYTES}):
        try:
            client = connect()
        except Exception as error:  # of its many parts: TLS, another protocol, another version
            raise WorkerError(f"no Dask scheduler at {address}: {error}", hint=_HINT) from error
        with client:
            yield client


def check(address: str) -> None:
    """Check that Dask is installed and set up for an address, and something answers there.

    Parameters
    ----------
    address : str

    Raises
    ------
    UsageError
        If Dask is not installed, or lacks the certificates for TLS.
    WorkerError
        If nothing answers.
    """
    try:
        from distributed.security import Security
    except ImportError:
        raise UsageError(f"reading with {address} needs Dask", hint=INSTALL) from None
    at = urlsplit(address)
    if at.scheme == "tls":
        _check_certificates(Security())
    try:
        socket.create_connection((at.hostname or "", at.port or 0), _PROBE_S).close()
    except (OSError, ValueError) as error:
        raise WorkerError(f"no Dask scheduler answers at {address}: {error}", hint=_HINT) from None


def _check_certificates(security: Security) -> None:
    hint = "set distributed.comm.tls in Dask's settings: docs/scale.md"
    try:
        found = security.get_connection_args("client").get("ssl_context")
    except (OSError, ValueError) as error:
        raise UsageError(f"Dask's certificates for TLS cannot be used: {error}", hint=hint) from None
    if found is None:
        raise UsageError("Dask's settings name no certificates for TLS", hint=hint)
