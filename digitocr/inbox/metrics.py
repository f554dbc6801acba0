"""The status of an inbox as metrics for Prometheus' node exporter."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from digitocr import atomic
from digitocr.errors import DigitocrError
from digitocr.inbox.status import Status, read_status
from digitocr.records import FileStatus
from digitocr.settings import Settings
from digitocr.store.ledger import Ledger

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = logging.getLogger(__name__)


def write_metrics(settings: Settings, ledger: Ledger) -> None:
    """Write the status of an inbox as a text file, if the settings name one; no command ends because it cannot.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger
    """
    if settings.metrics_file is None:
        return
    try:
        _write(settings.metrics_file, settings, ledger)
    except DigitocrError as error:
        log.warning("%s", error)


def _write(path: Path, settings: Settings, ledger: Ledger) -> None:
    from prometheus_client import CollectorRegistry, generate_latest

    status = read_status(settings, ledger)

    class Collector:
        def collect(self) -> Iterator[Metric]:
            return _metrics(status)

    registry = CollectorRegistry()
    registry.register(Collector())
    atomic.write(path, generate_latest(registry), durable=False)


def _metrics(status: Status) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"digitocr_{name}", text, value=value)

    files = CounterMetricFamily("digitocr_files", "Files read, by outcome", labels=["status"])
    for outcome in FileStatus:
        files.add_metric([outcome.value], status.files.get(outcome.value, 0))
    yield files
    yield CounterMetricFamily("digitocr_runs", "Runs that had anything to do", value=status.runs)
    yield gauge("inbox_files", "Files that wait to be read", status.inbox)
    yield gauge("inbox_oldest_seconds", "Age of the oldest of them", status.oldest)
    yield gauge("review_waiting", "Numbers that wait for a person", status.review)
    yield gauge("quarantined_files", "Failed files", status.failed)
    yield gauge("stuck_files", "Files that cannot be moved out of the inbox", len(status.stuck))
    if status.last_run.get("ended"):
        ended = datetime.fromisoformat(status.last_run["ended"]).timestamp()
        yield gauge("last_run_end_timestamp_seconds", "End of the last run", ended)
        yield gauge("last_run_seconds", "Duration of the last run", status.last_run.get("seconds", 0.0))
    yield gauge("watcher_up", "Whether a watcher lives", bool(status.watcher))
    if status.watcher:
        looked = datetime.fromisoformat(status.watcher["looked"]).timestamp()
        yield gauge("watcher_look_timestamp_seconds", "When the watcher last looked at its folder", looked)
    free = GaugeMetricFamily("digitocr_free_bytes", "Free space on the disk of a folder", labels=["folder"])
    for folder, left in status.free.items():
        free.add_metric([folder], left)
    yield free
