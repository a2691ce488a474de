"""The storm itself: kill -9 while something is under way, folders deleted, the disk full for a moment; by a seed."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.running import Running, children_of
from benchmarks.storm_senders import Traffic
from core import holders

# How often each is chosen; "web" is gunicorn's worker, "web master" its parent.
WEIGHTS = {"web": 8, "web master": 3, "worker": 7, "search_worker": 5, "beat": 3}
_QUEUES = {"worker": "jobs", "search_worker": "search"}
PATIENCE = 15.0  # seconds that a kill waits for something under way
SETTLES = 2.0  # seconds of life before the beat is killed again
FULL_FOR = 4.0
_LOOK = 0.002


@dataclass
class Tally:
    """What was done."""

    kills: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    deletions: Counter[str] = field(default_factory=Counter)
    full_seconds: float = 0.0

    @property
    def share(self) -> float:
        """The share of kills with a request or a job under way."""
        return sum(self.in_flight.values()) / max(1, sum(self.kills.values()))


class Killer:
    """Kills until `wanted` or `until` (monotonic seconds); folders and disk come in between, evenly."""

    def __init__(self, hub: Running, traffic: Traffic, seed: int, wanted: int, disk: Path | None) -> None:
        self._hub, self._traffic, self._wanted, self._disk = hub, traffic, wanted, disk
        self._rng = random.Random(f"{seed}.killer")
        self._folder = hub.settings.data_dir
        self._killed: dict[str, int] = {}
        self._web_answers = 0
        self._seen: dict[int, float] = {}
        self.tally = Tally()

    def run(self, until: float) -> None:
        """The whole storm."""
        acts = self._acts()
        while (done := sum(self.tally.kills.values())) < self._wanted and time.monotonic() < until:
            while acts and done >= acts[0][0]:
                acts.pop(0)[1]()
            self._kill_one()
            time.sleep(self._rng.uniform(0.05, 0.5))
        for _, act in acts:
            act()

    def _acts(self) -> list[tuple[int, Callable[[], None]]]:
        """Deletions and full disks, each after so many kills."""
        chosen = [self._delete_broker, self._delete_search, self._fill_disk] * (3 if self._wanted >= 60 else 1)
        step = self._wanted / (len(chosen) + 1)
        return [(int(step * (place + 1)), act) for place, act in enumerate(chosen)]

    # --- kills -------------------------------------------------------------------------------------------------------

    def _kill_one(self) -> None:
        """Wait until one of several has something under way, in an order drawn by lot; after a while kill idle ones."""
        order = self._drawn()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for name in order[:3]:
                pid = self._pid(name)
                if pid and self._busy(name, pid):
                    self._kill(name, pid, busy=True)
                    return
            time.sleep(_LOOK)
        for name in order:
            pid = self._pid(name)
            if pid and self._killed.get(name) != pid:
                self._kill(name, pid, busy=False)
                return

    def _drawn(self) -> list[str]:
        names = list(WEIGHTS)
        return sorted(names, key=lambda name: -(self._rng.random() ** (1 / WEIGHTS[name])))

    def _kill(self, name: str, pid: int, *, busy: bool) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self._killed[name] = pid
            self.tally.kills[name] += 1
            self.tally.in_flight[name] += busy
            if name.startswith("web"):
                self._web_answers = self._traffic.answered

    def _pid(self, name: str) -> int:
        """The process to kill, 0 while there is none or it is the one that was killed."""
        pid = self._hub.pid(name.partition(" ")[0])
        if name == "web":
            pid = next(iter(children_of(pid)), 0) if pid else 0
        if not pid or pid == self._killed.get(name) or not Path(f"/proc/{pid}").exists():
            return 0
        self._seen.setdefault(pid, time.monotonic())
        return pid

    def _busy(self, name: str, pid: int) -> bool:
        """Whether it is in the middle of something: a request that it has, a job that it leased."""
        if name.startswith("web"):
            return self._traffic.open > 0 and self._traffic.answered > self._web_answers + 3
        if name == "beat":
            settled = time.monotonic() - self._seen[pid] > SETTLES
            return settled and (self._traffic.open > 0 or any(self._leased(queue) for queue in _QUEUES.values()))
        return self._leased(_QUEUES[name], pid)

    def _leased(self, queue: str, pid: int = 0) -> bool:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        query = "SELECT 1 FROM jobs WHERE queue = ? AND state = 'waiting' AND due <= ? AND lease LIKE ? LIMIT 1"
        like = f"{holders.of(pid)}%" if pid else "%"
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self._folder / 'hub.db'}?mode=ro", uri=True)) as connection:
                return connection.execute(query, (queue, now, like)).fetchone() is not None
        except (sqlite3.Error, OSError):
            return False

    # --- folders and disk --------------------------------------------------------------------------------------------

    def _delete_broker(self) -> None:
        shutil.rmtree(self._folder / "broker", ignore_errors=True)
        self.tally.deletions["broker folder"] += 1

    def _delete_search(self) -> None:
        shutil.rmtree(self._folder / "search", ignore_errors=True)
        self.tally.deletions["search index"] += 1

    def _fill_disk(self) -> None:
        """Nothing can be written for a few seconds; killing goes on meanwhile."""
        if self._disk is None:
            return
        ballast = self._disk / "ballast"
        begun = time.monotonic()
        while time.monotonic() < begun + FULL_FOR:
            try:
                with ballast.open("ab", buffering=0) as file:
                    while time.monotonic() < begun + FULL_FOR:
                        file.write(b"\0" * 65536)
            except OSError:
                time.sleep(0.01)  # full; what others let go of meanwhile is taken too
        ballast.unlink(missing_ok=True)
        self.tally.full_seconds += time.monotonic() - begun
        self.tally.deletions["disk full"] += 1
