"""What a command gives to the flow that it calls; not set in flows that a server starts.

A module of its own, since tasks take their flow with them to other machines: context variables cannot travel.
"""

from __future__ import annotations

from contextvars import ContextVar

from digitocr.inbox.job import Hooks, Summary
from digitocr.inbox.workers import Workers

hooks: ContextVar[Hooks] = ContextVar("hooks")
"""Hooks of the command."""

workers: ContextVar[Workers] = ContextVar("workers")
"""Workers of the command, which are being prepared."""

ended: ContextVar[list[Summary]] = ContextVar("ended")
"""Gets how the run ended, also if no server learns of it any more."""
