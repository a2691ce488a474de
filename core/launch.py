"""What `hub up` does on one machine: one hub a data folder, its processes, what is told once they are ready."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from core.broker import QUEUES
from core.config import Settings, SettingsError, usable_folder
from core.database import on_network_file_system
from core.private import write_private
from core.processes import AlreadyRunning, Child, Lock, Supervisor

ROOT = Path(__file__).resolve().parent.parent
WEB_THREADS = 16
ACCOUNTS = "demo-accounts.json"

Say = Callable[[str], None]


def launch(settings: Settings, prepare: Sequence[str], say: Say) -> int:
    """Run the command that prepares the data, then keep the processes alive until Ctrl+C or TERM; gives the exit code.

    Raises SettingsError when the data folder is no place for a hub, or when the web server can't listen.
    """
    os.umask(0o077)  # what the hub keeps is for its own user
    folder = usable_folder(settings)
    if not settings.database_url and on_network_file_system(settings.data_dir):
        raise SettingsError("Setting HUB_DATA_DIR: SQLite's locks fail on a network file system; name a local folder.")
    try:
        lock = Lock(settings.data_dir / "run" / "hub.lock")
    except AlreadyRunning:
        say(f"A hub runs on {settings.data_dir} already. Stop it first, or name another folder with HUB_DATA_DIR.")
        return 1
    say(f"Data folder: {folder}")
    try:
        require_address(settings)
        code = subprocess.run(prepare, check=False).returncode  # noqa: S603 - our own command
        if not code:
            require_address(settings)
        return code or _supervise(settings, say)
    finally:
        lock.release()


def require_address(settings: Settings) -> None:
    """Raise SettingsError when the web server could not listen: another answers there, or no such address is ours."""
    try:
        kind, _type, _protocol, _name, place = socket.getaddrinfo(
            settings.host or None,
            settings.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except (OSError, UnicodeError) as error:
        raise SettingsError(_why_not(settings, error)) from None


def _why_not(settings: Settings, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {settings.port} is taken: another program listens on {settings.host}:{settings.port}. "
            "Stop it, or choose another port with HUB_PORT."
        )
    if number == errno.EACCES:
        return f"Setting HUB_PORT: this user may not listen on port {settings.port}; choose one from 1024 on."
    return f"Setting HUB_HOST: {settings.host} is no address of this machine; 127.0.0.1 or 0.0.0.0 always is."


def _supervise(settings: Settings, say: Say) -> int:
    supervisor = Supervisor(settings.data_dir, children(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    say("Starting web, worker, search worker and beat …")
    supervisor.start()
    supervisor.run(lambda: is_ready(settings), lambda: _announce(settings, say))
    say("Stopped.")
    return 0


def children(settings: Settings) -> list[Child]:
    """The processes of one machine: web, a worker for each queue, the beat."""
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))}
    python, celery = sys.executable, (sys.executable, "-m", "celery", "-A", "worker:celery")
    quiet = ("--loglevel", "WARNING")
    web = (
        python, "-m", "gunicorn", "app:serve()", "--worker-class", "gthread", "--workers", "1",
        "--threads", str(WEB_THREADS), "--bind", f"{_bracketed(settings.host)}:{settings.port}",
        "--graceful-timeout", "10", "--log-level", "warning",
        "--logger-class", "core.web.server_log.ServerLog", "--no-control-socket",
    )  # fmt: skip
    workers = [
        Child(
            "worker" if queue == QUEUES[0] else f"{queue}_worker",
            (*celery, "worker", "--pool", "solo", "-Q", queue, "-n", f"{queue}@%h", "--without-gossip",
             "--without-mingle", "--without-heartbeat", *quiet),
            environment,
        )
        for queue in QUEUES
    ]  # fmt: skip
    beat = Child(
        "beat", (python, "-m", "celery", "-A", "core.broker:celery", "beat", "--pidfile", "", *quiet), environment
    )
    return [Child("web", web, environment), *workers, beat]


def address(settings: Settings) -> str:
    """Where a browser on this machine finds the hub."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104
    return f"http://{_bracketed(host)}:{settings.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_ready(settings: Settings) -> bool:
    """Whether /readyz says that every part works."""
    try:
        with urllib.request.urlopen(f"{address(settings)}/readyz", timeout=5) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def keep_accounts(settings: Settings, passwords: Mapping[str, str]) -> None:
    """Keep the demonstration accounts' passwords for whoever runs this hub."""
    write_private(settings.data_dir / ACCOUNTS, passwords)


def kept_accounts(settings: Settings) -> dict[str, str]:
    """The demonstration accounts' passwords by user name; empty when none are kept."""
    path = settings.data_dir / ACCOUNTS
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _announce(settings: Settings, say: Say) -> None:
    say(f"\nReady: {settings.public_url or address(settings)}   (staff: /login)")
    if not settings.is_public and (kept := kept_accounts(settings)):
        say(f"Demonstration accounts (kept in {settings.data_dir / ACCOUNTS}):")
        for username, password in kept.items():
            say(f"  {username:<22} {password}")
    say("Stop with Ctrl+C.")
