"""Ctrl-C, as the process gets it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.interrupt import announced, finishing, interrupt

ROOT = Path(__file__).parent.parent.parent


def test_the_first_is_answered_at_once_and_handed_on(caplog):
    with pytest.raises(KeyboardInterrupt), announced(interrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert "Ctrl-C again ends at once" in caplog.text


@pytest.mark.parametrize("during", [lambda: announced(interrupt), finishing])
def test_afterwards_it_is_what_it_was(during):
    before = signal.getsignal(signal.SIGINT)
    with during():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


ANNOUNCED = """
import time
from flows.interrupt import announced
with announced(lambda: print("first", flush=True)):
    print("ready", flush=True)
    while True:
        time.sleep(0.05)
"""
FINISHING = """
import time
from flows.interrupt import finishing
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    with finishing():
        print("first", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("script", [ANNOUNCED, FINISHING])
def test_the_second_ends_the_process_though_its_work_does_not_end(script):
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        for line in ("ready", "first"):
            assert child.stdout.readline().strip() == line
            child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
