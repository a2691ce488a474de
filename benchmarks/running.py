"""A hub as `hub up` runs it, on a data folder and a port of its own, with test secrets and the demonstration city."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import wiring
from cases.seed import seed_policies
from core.clock import SystemClock
from core.config import Settings, load_settings
from core.database import Database
from core.launch import is_ready
from core.schema import bring_forward
from core.web.parts import Parts
from organisations.seed import seed_city

ROOT = Path(__file__).resolve().parent.parent
SMS_NUMBER = "+8657112345000"
STARTS_WITHIN = 120.0
STOPS_WITHIN = 60.0


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hub_settings(folder: Path, **more: object) -> Settings:
    """Settings for a hub under measurement: channels WeChat and SMS, whatever the environment says."""
    plain = {
        "data_dir": folder, "port": free_port(), "channels": "wechat,sms", "wechat_token": "test-wechat-token",
        "twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "test-twilio-token", "twilio_from": SMS_NUMBER,
        "trusted_proxies": 1, "log_level": "WARNING",
    }  # fmt: skip
    for name in [name for name in os.environ if name.startswith("HUB_") and not name.startswith("HUB_TEST_")]:
        del os.environ[name]
    os.environ["HUB_ENV_FILE"] = os.devnull
    return load_settings(**(plain | more))


def environment(settings: Settings) -> dict[str, str]:
    """The same settings as a process takes them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    chosen = settings.model_dump(include=settings.model_fields_set)
    given = {f"HUB_{name.upper()}": _word(value) for name, value in chosen.items()}
    return {**kept, **given, "HUB_ENV_FILE": os.devnull, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _word(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def seeded(settings: Settings) -> Parts:
    """The parts over a database with organisations, staff, catalogue and deadline policies; no petitions."""
    parts = wiring.build(settings)
    db, at = parts.get(Database), SystemClock().now()
    bring_forward(db, lambda: None)
    with db.write() as session:
        seed_city(session, at)
        seed_policies(session, at)
    return parts


class Running:
    """`hub up` as a child of this process; what it prints goes to <folder>/up.log."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.settings, self._log = settings, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Begin; `wait` says when it is ready."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "cli.py"), "up", *options], env=environment(self.settings), cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def wait(self) -> None:
        """Until /readyz is good. Raises RuntimeError when it ends or takes too long."""
        until = time.monotonic() + STARTS_WITHIN
        while not self._good():
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the hub did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def _good(self) -> bool:
        """Ready, but for a disk that is small on purpose."""
        if is_ready(self.settings):
            return True
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.settings.port}/readyz", timeout=5)
        except urllib.error.HTTPError as error:
            return error.read().count(b'"disk":"nearly_full"') == 1 and b"silent" not in error.read()
        except OSError:
            return False
        return True

    def pid(self, name: str) -> int:
        """The process id of web, worker, search_worker or beat; 0 while there is none."""
        try:
            return int((self.settings.data_dir / "run" / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return 0

    def stop(self) -> int | None:
        """End it as Ctrl+C does; gives the exit code."""
        if self.process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that live."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def pss(pid: int) -> float:
    """Proportional memory of one process in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    return [pid, *(one for child in children_of(pid) for one in tree(child))]
