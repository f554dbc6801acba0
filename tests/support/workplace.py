"""A working folder with an inbox, and runs over it with the fake reader."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fake_reader import FakeReader

from digitocr.inbox.job import Hooks, make_job
from digitocr.inbox.reading import read_together
from digitocr.inbox.run import drain, open_runner
from digitocr.inbox.workers import Workers
from digitocr.settings import load_settings


class Workplace:
    """A working folder with an inbox, and runs over it with the fake reader."""

    def __init__(self, folder):
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.reader = FakeReader()

    def put(self, name, text, folder=None):
        path = (folder or self.inbox) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def settings(self, **flags):
        return load_settings({"workers": 1, "settle": 0} | flags)

    def run(self, folder=None, hooks=None, **flags):
        """Run once, in this thread."""
        job = make_job(self.settings(**flags), folder)
        self.reader.seen.clear()
        workers = Workers(self.chunk_reader(job.settings, job.settings.pictures), 1)
        with workers, open_runner(job, hooks or Hooks()) as runner:
            return drain(runner, lambda chunk: Done(runner.work(chunk, workers)), 1)

    def run_in_processes(self, count, folder=None, **flags):
        """Run once, with so many processes that read."""
        job = make_job(self.settings(**flags), folder)
        workers = Workers(self.chunk_reader(job.settings, job.settings.pictures), count)
        with workers, ThreadPoolExecutor(workers.window) as threads, open_runner(job) as runner:
            return drain(runner, lambda chunk: threads.submit(runner.work, chunk, workers), workers.window)

    def chunk_reader(self, settings, pictures=None):
        """What reads chunks with the fake reader; stands in for the function of this name."""
        return partial(read_together, self.reader, annotated=settings.annotate, pictures=pictures)

    def table(self, name):
        with (self.folder / name).open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def statuses(self, results="results"):
        return {row["file"]: row["status"] for row in self.table(f"{results}/files.csv")}

    def error_of(self, name):
        return json.loads((self.folder / "failed" / f"{name}.error.json").read_text())

    def names(self, folder):
        root = self.folder / folder
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


class Done:
    def __init__(self, value):
        self.value = value

    def result(self):
        return self.value
