"""`hub up` as a person runs it: ready, told so, kept alive, refused a second time, ended whole."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 90  # seconds until a test gives up waiting


class Running:
    """A hub as a child of the test; `until` waits for a line it prints."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        self.environment = {
            **plain, "HUB_DATA_DIR": str(folder), "HUB_PORT": str(port), "HUB_ENV_FILE": os.devnull,
            "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        self.lines: list[str] = []
        self._more = threading.Condition()
        self.process = self.start()
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "up"], env=self.environment, cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def _read(self, out: IO[str]) -> None:
        for line in out:
            with self._more:
                self.lines.append(line.rstrip())
                self._more.notify_all()

    def until(self, word: str) -> None:
        with self._more:
            assert self._more.wait_for(lambda: any(word in line for line in self.lines), LONGEST), self.lines

    def pid(self, name: str) -> int:
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST)


@pytest.fixture
def running(tmp_path: Path, free_port: int) -> Iterator[Running]:
    folder = tmp_path / "data"
    folder.mkdir()
    hub = Running(folder, free_port)
    yield hub
    if hub.process.poll() is None:
        hub.stop()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_up_from_an_empty_folder(running: Running) -> None:
    running.until("Stop with Ctrl+C")
    assert any("Ready: http://127.0.0.1:" in line for line in running.lines)
    accounts = running.folder / "demo-accounts.json"
    passwords = json.loads(accounts.read_text())
    assert len(set(passwords.values())) == len(passwords) > 50
    for kept in (accounts, running.folder / "keys.json"):
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    second = running.start()
    told = second.communicate(timeout=LONGEST)[0]
    assert second.returncode == 1
    assert "already" in told
    pids = [running.pid(name) for name in ("web", "worker", "search_worker", "beat")]
    os.kill(pids[1], signal.SIGKILL)
    running.until("process_died")
    assert running.stop() == 0
    assert all(gone(pid) for pid in pids)
