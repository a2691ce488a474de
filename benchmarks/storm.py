"""A real hub in a storm: eight citizens go on sending while its processes are killed and its folders vanish.

Killed are web, workers and beat (kill -9, by a seeded random order, while a request or a job is under way); the broker
folder and the search index are deleted, the disk is full for moments. Afterwards the database is counted against what
the senders were told. The data folder lies on a small tmpfs where mounting is allowed; elsewhere the disk never fills.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from sqlalchemy import select

from benchmarks import storm_count
from benchmarks.provider import provider
from benchmarks.running import Running, hub_settings, seeded
from benchmarks.storm_count import Count
from benchmarks.storm_killer import Killer, Tally
from benchmarks.storm_senders import Said, Sender, Traffic
from core.clock import Clock
from core.config import Settings
from core.database import Database
from core.launch import address
from core.web.parts import Parts
from organisations import sessions
from organisations.models import Account

CHANNELS = ("wechat", "sms", "web", "desk", "wechat", "sms", "web", "desk")
AGENT = "fang.yating"
DISK_MB = 400
FINISH_WITHIN = 90.0
SHARE_WANTED = 0.8


@dataclass
class Storm:
    """What came of it."""

    tally: Tally
    traffic: Traffic
    said: list[Said] = field(default_factory=list)
    count: Count = field(default_factory=Count)
    minutes: float = 0.0
    disk: bool = False
    faults: list[str] = field(default_factory=list)


def run(out: TextIO, *, kills: int = 200, seed: int = 1, minutes: float = 10.0, pause: float = 0.6) -> Storm:
    """The storm and its table; `faults` of what it gives says what was lost, and is empty when nothing was.

    `minutes` bounds the killing; `pause` is how long a sender rests at most between two matters (seconds).
    """
    with tempfile.TemporaryDirectory(prefix="storm-") as name, _disk(Path(name)) as (folder, disk), provider() as base:
        place = Path(name)
        settings = hub_settings(folder, twilio_api_base=base)
        parts = seeded(settings)
        hub = Running(settings, place / "up.log")
        hub.start()
        try:
            hub.wait()
            storm = _storm(hub, parts, kills, seed, minutes, pause, disk)
        finally:
            code = hub.stop()
            parts.get(Database).dispose()
            _keep_logs(folder, place)
    if code != 0:
        storm.faults.append(f"the hub ended with {code}")
    _print(out, storm, kills, seed)
    return storm


def _storm(hub: Running, parts: Parts, kills: int, seed: int, minutes: float, pause: float, disk: Path | None) -> Storm:
    traffic = Traffic()
    senders = [Sender(hub.settings, traffic, n, name, seed, pause) for n, name in enumerate(CHANNELS)]
    cookie = _signed_in(parts)
    desk = _desk_is_there(hub.settings, cookie)
    for sender in senders:
        sender.staff_cookie = cookie
        if sender.channel == "desk" and not desk:
            sender.channel = "web"
    killer = Killer(hub, traffic, seed, kills, disk)
    begun = time.monotonic()
    for sender in senders:
        sender.start()
    killer.run(begun + minutes * 60)
    took = (time.monotonic() - begun) / 60
    _finish(senders)
    storm = Storm(killer.tally, traffic, [one for sender in senders for one in sender.said], minutes=took,
                  disk=disk is not None)  # fmt: skip
    drained = _drained(parts, storm)
    storm.count = storm_count.count(parts, storm.said)
    storm.count.drain_seconds = drained
    storm.faults += [*storm.count.faults, *_weak(storm, kills)]
    return storm


def _finish(senders: list[Sender]) -> None:
    """Every matter that was begun is brought to its end."""
    for sender in senders:
        sender.stopping.set()
    until = time.monotonic() + FINISH_WITHIN
    for sender in senders:
        sender.join(max(0.1, until - time.monotonic()))
        sender.aborting.set()
    for sender in senders:
        sender.join()


def _drained(parts: Parts, storm: Storm) -> float:
    try:
        seconds = storm_count.drain(parts)
        storm_count.repair_search(parts)
    except TimeoutError:
        storm.faults.append(f"the queues did not drain in {storm_count.DRAINS_WITHIN:.0f} s")
        return storm_count.DRAINS_WITHIN
    return seconds


def _weak(storm: Storm, kills: int) -> list[str]:
    """A storm that was none proves nothing."""
    done, faults = sum(storm.tally.kills.values()), []
    if done < kills:
        faults.append(f"only {done} of {kills} kills in {storm.minutes:.1f} minutes")
    if storm.tally.share < SHARE_WANTED:
        faults.append(f"only {storm.tally.share:.0%} of the kills with something under way")
    if storm.count.unanswered:
        faults.append(f"{storm.count.unanswered} matters got no number after the storm")
    return faults


def _signed_in(parts: Parts) -> str:
    """A browser session of a hotline agent."""
    at = parts.get(Clock).now()  # type: ignore[type-abstract]
    with parts.get(Database).write() as session:
        account = session.scalars(select(Account).where(Account.username == AGENT)).one()
        account.must_change_password = False
        return sessions.start(session, account.id, at)


def _desk_is_there(settings: Settings, cookie: str) -> bool:
    request = urllib.request.Request(f"{address(settings)}/desk", headers={"Cookie": f"lx_staff={cookie}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


@contextlib.contextmanager
def _disk(place: Path) -> Iterator[tuple[Path, Path | None]]:
    """The data folder, and the small disk that it lies on where one can be mounted."""
    folder = place / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "storm", str(folder)]
    mounted = shutil.which("mount") is not None and os.geteuid() == 0
    mounted = mounted and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        (folder / "data").mkdir()
        yield folder / "data", folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _keep_logs(folder: Path, place: Path) -> None:
    """STORM_LOGS names a folder that the hub's logs are kept in for reading afterwards."""
    kept = os.environ.get("STORM_LOGS", "")
    if kept:
        shutil.copytree(folder / "logs", kept, dirs_exist_ok=True)
        shutil.copy(place / "up.log", kept)


def _print(out: TextIO, storm: Storm, kills: int, seed: int) -> None:
    tally, traffic, count = storm.tally, storm.traffic, storm.count
    by_channel = Counter(one.channel for one in storm.said)
    rows: list[tuple[str, object]] = [
        ("seed, minutes of storm", f"{seed}, {storm.minutes:.1f}"),
        ("matters brought", f"{len(storm.said)} ({_list(by_channel)})"),
        ("requests sent (with repeats)", traffic.tries),
        ("came of them", _list(traffic.outcomes)),
        ("accepted (number given)", count.accepted),
        ("stored", count.stored),
        ("doubled", count.doubled),
        ("lost", count.lost),
        ("dialogue steps acknowledged / lost", f"{count.steps} / {count.steps_lost}"),
        ("deliveries kept / unfinished", f"{count.deliveries} / {count.unfinished_deliveries}"),
        ("kills (kill -9)", f"{sum(tally.kills.values())} of {kills} ({_list(tally.kills)})"),
        ("with a request or job under way", f"{tally.share:.0%} ({_list(tally.in_flight)})"),
        ("deleted", _list(+Counter({k: n for k, n in tally.deletions.items() if k != "disk full"})) or "nothing"),
        ("disk full", f"{tally.deletions['disk full']} times, {tally.full_seconds:.0f} s"
         if storm.disk else "left out: nothing can be mounted here"),
        ("jobs done / dead / waiting for their time",
         f"{count.jobs['done']} / {count.jobs['dead']} / {count.waiting_for_their_time}"),
        ("cases / not classified", f"{count.cases} / {count.unclassified}"),
        ("search index against database, differences", count.index_differences),
        ("seconds until the queues were empty", f"{count.drain_seconds:.0f}"),
    ]  # fmt: skip
    out.write("| storm | |\n|---|---|\n")
    for name, value in rows:
        out.write(f"| {name} | {value} |\n")
    for fault in storm.faults:
        out.write(f"FAULT: {fault}\n")
    out.write("\n" + ("Something was lost or left over.\n" if storm.faults else "Nothing lost, nothing doubled.\n"))


def _list(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counter.items()) if number)
