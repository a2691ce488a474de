"""Whether the broker answers, for /readyz: asked in the background, so the probe never waits for it long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from kombu import Connection

_EVERY = 5.0  # seconds that an answer holds
_PATIENCE = 1.0  # seconds that the first question waits at most
_TIMEOUT = 2.0


def ask(url: str) -> None:
    """Open a connection and close it. Raises what the broker's library raises."""
    options = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT} if url.startswith("redis") else {}
    with Connection(url, connect_timeout=_TIMEOUT, transport_options=options) as connection:
        connection.transport.establish_connection()  # `connect` would try again and again


class BrokerProbe:
    """Keeps the last answer; `faults` is for a health check. Without an address (a folder) there is nothing to ask."""

    def __init__(self, url: str, ask: Callable[[str], None] = ask) -> None:
        self._url, self._ask = url, ask
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = float("-inf")
        self._found: Sequence[str] = ()

    def faults(self) -> Sequence[str]:
        """What is known now; asks again in the background when that is old."""
        if not self._url:
            return ()
        with self._lock:
            first = self._thread is None
            idle = self._thread is None or not self._thread.is_alive()
            if idle and time.monotonic() - self._asked > _EVERY:
                self._asked = time.monotonic()
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()
            thread = self._thread
        if first and thread is not None:
            thread.join(_PATIENCE)
        return self._found

    def _look(self) -> None:
        try:
            self._ask(self._url)
            self._found = ()
        except Exception:
            self._found = ("unreachable",)
