"""A whole hub as a child of the test, as `hub up` runs it on an empty folder, with both channels on test secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.providers import SECRETS, Providers

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120.0  # seconds until a test gives up waiting for another process


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    end, pause = time.monotonic() + LONGEST, threading.Event()
    while not true():
        assert time.monotonic() < end, f"waited in vain: {what}"
        pause.wait(0.2)


class RunningHub(Providers):
    """Web, worker, search worker and beat on a folder and a port of their own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.base = folder, f"http://127.0.0.1:{port}"
        self.settings = {"HUB_DATA_DIR": str(folder), "HUB_PORT": str(port), "HUB_ENV_FILE": os.devnull, **SECRETS}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        self._said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "up"], cwd=folder, stdin=subprocess.DEVNULL, text=True,
            env={**plain, **self.settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._said.append(line)

    def ready(self) -> None:
        """Wait until `hub up` says so."""
        until(lambda: any("Ctrl+C" in line for line in self._said) or self._process.poll() is not None, "ready")
        assert self._process.poll() is None, self._said

    def stop(self) -> None:
        """End it as a service manager does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(LONGEST)

    def password(self, username: str) -> str:
        """The password of a demonstration account of this installation."""
        found: dict[str, str] = json.loads((self.folder / "demo-accounts.json").read_text())
        return found[username]
