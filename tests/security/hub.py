"""A whole hub as a child of the test, as `hub up` runs it, with both channels on test secrets; what it says is kept."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import requests

import wiring
from core.clock import Clock
from core.config import load_settings
from core.database import Database
from core.schema import bring_forward
from organisations.seed import seed_city
from tests.providers import SECRETS, Providers

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 90.0  # seconds until a test gives up waiting
PASSWORDS = {"pei.zhengyu": "first-lantern-of-11", "admin.security": "first-harbour-of-12"}


def prepare(folder: Path) -> None:
    """The city's offices and staff in a database of its own, as a hub that is in use has them."""
    parts = wiring.build(load_settings(data_dir=folder))
    db, at = parts.get(Database), parts.get(Clock).now()  # type: ignore[type-abstract]
    bring_forward(db, lambda: None)
    with db.write() as session:
        seed_city(session, at, PASSWORDS)
    wiring.seed_rules(parts)
    db.dispose()


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    end, pause = time.monotonic() + LONGEST, threading.Event()
    while not true():
        assert time.monotonic() < end, f"waited in vain: {what}"
        pause.wait(0.1)


@dataclass
class Hub(Providers):
    """Web, worker, search worker and beat on a folder and a port of their own."""

    folder: Path
    port: int
    more: Mapping[str, str] = field(default_factory=dict)
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        self.settings = {
            "HUB_DATA_DIR": str(self.folder), "HUB_PORT": str(self.port), "HUB_ENV_FILE": os.devnull, **SECRETS,
            **self.more,
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "up"], cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
            env={**plain, **self.settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        for pipe, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            threading.Thread(target=self._read, args=(pipe, lines), daemon=True).start()

    @staticmethod
    def _read(pipe: IO[str], lines: list[str]) -> None:
        lines.extend(iter(pipe.readline, ""))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "hub.db"

    def ready(self) -> None:
        """Wait until `hub up` says so."""
        until(lambda: any("Ctrl+C" in line for line in self.out) or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, (self.out, self.err)

    def stop(self) -> None:
        """End it as Ctrl+C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LONGEST)

    def log(self, name: str) -> str:
        return (self.folder / "logs" / f"{name}.log").read_text(errors="replace")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database says now."""
        with closing(sqlite3.connect(self.database, timeout=20)) as connection:
            return connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        """Damage a row behind the hub's back."""
        with closing(sqlite3.connect(self.database, timeout=20)) as connection, connection:
            connection.execute(statement, values)

    def settled(self) -> None:
        """Wait until no job that is due is waiting for its first try, nor in hand."""
        # As of the second's end: a stored moment has microseconds, SQLite's own "now" has not.
        query = (
            "SELECT count(*) FROM jobs WHERE state = 'waiting' AND due <= datetime('now', '+1 second')"
            " AND (attempts = 0 OR lease IS NOT NULL)"
        )
        until(lambda: self.rows(query) == [(0,)], "jobs done")

    def raw(self, data: bytes) -> bytes:
        """What the web server answers to bytes that are no request."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
            return answer


class Browser(requests.Session):
    """A browser that fills in forms: the token of the page goes along."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.trust_env = False

    def look(self, path: str, **more: Any) -> requests.Response:
        return self.get(self.base + path, timeout=30, **more)

    def fill(self, page: str, form: dict[str, Any], to: str = "", files: Any = None) -> requests.Response:
        """Open a page, fill in its form, send it (to another address where the form leads elsewhere)."""
        hidden = dict(
            re.findall(r'name="(csrf_token|form_token|version|seq)"[^>]*value="([^"]*)"', self.look(page).text)
        )
        data = {**{name: html.unescape(value) for name, value in hidden.items()}, **form}
        return self.post(self.base + (to or page), data, files=files, timeout=60)

    def sign_in(self, username: str, password: str) -> requests.Response:
        return self.fill("/login", {"username": username, "password": password})
