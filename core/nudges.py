"""Telling a queue's worker to look, from a thread of its own: whoever commits never waits for a broker.

Many commits make one message; a broker that is down is logged and left to the beat, which looks anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.logging import get_logger

log = get_logger(__name__)

_GATHER_SECONDS = 0.02


class Nudger:
    """Calls `publish(queue)` soon after `nudge(queue)`, once for many calls. Made on first use, so after a fork."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish
        self._wanted: set[str] = set()
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def nudge(self, queue: str) -> None:
        """Have a queue looked at soon; returns at once."""
        with self._lock:
            self._wanted.add(queue)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
                self._thread.start()
        self._something.set()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._something.wait()
            pause.wait(_GATHER_SECONDS)
            self._something.clear()
            with self._lock:
                wanted, self._wanted = self._wanted, set()
            for queue in sorted(wanted):
                try:
                    self._publish(queue)
                except Exception as error:
                    log.warning("nudge_failed", queue=queue, exc_info=error)
