import threading
import time
from types import SimpleNamespace

import pytest

from digitocr.errors import OutputError
from digitocr.web import publisher
from digitocr.web.publisher import Publisher


class Review:
    """Counts how often its tables were asked for."""

    def __init__(self):
        self.updates = 0
        self.draws = 0
        self.trouble = None
        self.audits = SimpleNamespace(draw=self.draw)

    def update_tables(self):
        self.updates += 1
        if self.trouble:
            raise self.trouble

    def draw(self):
        self.draws += 1


@pytest.fixture
def review(monkeypatch):
    monkeypatch.setattr(publisher, "LEAST_PAUSE_S", 0.001)
    monkeypatch.setattr(publisher, "LOOK_S", 60)
    return Review()


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_it_begins_with_what_was_left_undone_and_ends_with_the_last_decisions(review):
    thread = Publisher(review)
    thread.start()
    until(lambda: review.draws == 1)
    thread.stop()
    assert review.updates == review.draws == 2
    assert "publisher" not in {t.name for t in threading.enumerate()}


def test_it_works_when_asked(review):
    thread = Publisher(review)
    thread.start()
    until(lambda: review.updates == 1)
    time.sleep(0.05)
    assert review.updates == 1
    thread.ask()
    until(lambda: review.updates == 2)
    thread.stop()


def test_trouble_is_logged_and_the_next_time_tried_again(review, caplog):
    review.trouble = OutputError("the disk is full")
    thread = Publisher(review)
    thread.start()
    until(lambda: review.updates == 1)
    review.trouble = None
    thread.ask()
    until(lambda: review.draws >= 1)
    thread.stop()
    assert "the disk is full" in caplog.text
