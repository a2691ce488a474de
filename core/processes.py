"""Children of `hub up`: started together, restarted when one dies, stopped together; one hub on a data folder."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from core.logging import get_logger

log = get_logger(__name__)

_LOG_BYTES = 20_000_000
_STOP_SECONDS = 15.0
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0
_SETTLED_SECONDS = 8.0
_PR_SET_PDEATHSIG = 1


class AlreadyRunning(Exception):
    """Another hub runs on this data folder."""


class Lock:
    """Held while a hub runs on a data folder. Raises AlreadyRunning when another holds it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise AlreadyRunning(path.parent.parent) from None

    def release(self) -> None:
        """Let go."""
        self._file.close()


@dataclass
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = _FIRST_WAIT
    restart_at: float = 0.0
    restarts: int = 0


class Supervisor:
    """Keeps children alive; their output goes to <folder>/logs/<name>.log, their ids to <folder>/run/<name>.pid."""

    def __init__(self, folder: Path, children: Sequence[Child]) -> None:
        self._folder, self._children = folder, children
        self._stop = threading.Event()

    def start(self) -> None:
        """Start every child."""
        for name in ("logs", "run"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for child in self._children:
            self._start(child)

    def run(self, ready: Callable[[], bool], announce: Callable[[], None]) -> None:
        """Keep the children alive until `stop`; `announce` once, when `ready` first says so."""
        told = False
        next_look = 0.0
        while not self._stop.wait(0.1):
            now = time.monotonic()
            for child in self._children:
                self._tend(child, now)
            if not told and now >= next_look:
                next_look = now + 0.3
                if ready():
                    announce()
                    told = True
        self.end()

    def stop(self) -> None:
        """Have `run` end; safe in a signal handler."""
        self._stop.set()

    def end(self) -> None:
        """Ask every child to end, wait, and kill what does not."""
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        until = time.monotonic() + _STOP_SECONDS
        for child in self._children:
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()
            (self._folder / "run" / f"{child.name}.pid").unlink(missing_ok=True)

    def _tend(self, child: Child, now: float) -> None:
        if child.process is None:
            if now >= child.restart_at:
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            return
        if now - child.started > _SETTLED_SECONDS:
            child.wait = _FIRST_WAIT
        log.warning("process_died", name=child.name, code=code, restart_in=child.wait)
        child.process, child.restart_at = None, now + child.wait
        child.wait = min(child.wait * 2, _LONGEST_WAIT)
        child.restarts += 1

    def _start(self, child: Child) -> None:
        """Start it; what fails for want of disk, memory or processes is tried again like a death."""
        child.started = time.monotonic()
        try:
            self._launch(child)
        except OSError as error:
            log.warning("process_not_started", name=child.name, exc_info=error)
            child.restart_at = child.started + child.wait
            child.wait = min(child.wait * 2, _LONGEST_WAIT)

    def _launch(self, child: Child) -> None:
        with self._log(child.name) as output:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, **child.environment}, start_new_session=True, preexec_fn=end_with_parent,  # noqa: PLW1509
            )  # fmt: skip
        with suppress(OSError):  # on a full disk it runs without the file
            (self._folder / "run" / f"{child.name}.pid").write_text(str(child.process.pid))

    def _log(self, name: str) -> IO[bytes]:
        path = self._folder / "logs" / f"{name}.log"
        path.parent.mkdir(exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(handle, "ab")


def end_with_parent() -> None:
    """On Linux this process is told to end when the thread that started it ends; elsewhere it goes on.

    So a supervisor's main thread starts its children, and a killed one leaves nobody behind that holds its port.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
