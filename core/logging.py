"""Structured logs: a static event name, ids as fields, never personal data."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO

import structlog

from core.quiet import places, quieten


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structured JSON lines to stdout, or to `stream`; library loggers go the same way, warnings and above."""
    logging.basicConfig(level=logging.WARNING, stream=stream or sys.stdout, format="%(message)s", force=True)
    quieten(lambda error: get_logger(__name__).error("uncaught", exc_info=error))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_values,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_names: _Lines(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )


class _Lines:
    """Writes to a stream (None: stdout). A log that can't be written (full disk, closed pipe) stops nobody's work."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        """One line."""
        with suppress(OSError, ValueError):
            stream = self._stream or sys.stdout
            stream.write(message + "\n")
            stream.flush()

    debug = info = warning = error = critical = msg


def _exception_without_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception is logged as its type and places: its message may quote what a citizen wrote."""
    exc_info = event.pop("exc_info", None)
    if exc_info:
        error = exc_info if isinstance(exc_info, BaseException) else sys.exc_info()[1]
        if error is not None:
            event["error"] = type(error).__name__
            event["at"] = places(error)
    return event


def get_logger(name: str) -> Any:
    """A logger for a module; call it with a static event name and fields."""
    return structlog.get_logger(name)
