"""From `hub up` until /readyz is good, and what its processes hold in memory then and after some work.

The floor of the start is a Python that imports the web application and does nothing else.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

from benchmarks.running import ROOT, Running, environment, hub_settings, pss, seeded, tree
from benchmarks.storm_senders import Sender, Traffic
from core.config import Settings
from core.database import Database

NAMES = ("web", "worker", "search_worker", "beat")
ROUNDS = 3
MATTERS = 12
WANTED_SECONDS, WANTED_WEB_MB, WANTED_ALL_MB = 20, 300, 900


def run(out: TextIO, *, rounds: int = ROUNDS) -> dict[str, float]:
    """Print both tables; gives {"seconds", "web", "all"} (seconds, MB of PSS after work)."""
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as name:
        settings = hub_settings(Path(name) / "data")
        seeded(settings).get(Database).dispose()
        floors = [_imported(settings) for _ in range(rounds)]
        starts, memory = [], {}
        for number in range(rounds):
            hub = Running(settings, Path(name) / "up.log")
            begun = time.perf_counter()
            hub.start()
            try:
                hub.wait()
                starts.append(time.perf_counter() - begun)
                if number == rounds - 1:
                    memory = _memory(hub)
            finally:
                hub.stop()
    return _print(out, floors, starts, memory)


def _imported(settings: Settings) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import app"], cwd=ROOT, env=environment(settings), check=True)
    return time.perf_counter() - begun


def _memory(hub: Running) -> dict[str, tuple[float, float]]:
    """MB of each process with its children: once ready, and after some matters were taken in and classified."""
    before = _held(hub)
    traffic = Traffic()
    senders = [Sender(hub.settings, traffic, place, channel, 1, 0.2) for place, channel in enumerate(("sms", "web"))]
    for sender in senders:
        sender.start()
    while sum(bool(said.number) for sender in senders for said in sender.said) < MATTERS:
        time.sleep(0.2)
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join()
    time.sleep(8)  # a look of every queue passes
    after = _held(hub)
    return {name: (before[name], after[name]) for name in before}


def _held(hub: Running) -> dict[str, float]:
    held = {name: sum(pss(one) for one in tree(hub.pid(name))) for name in NAMES}
    held["hub up"] = pss(hub.process.pid) if hub.process else 0.0
    return held


def _print(
    out: TextIO, floors: list[float], starts: list[float], memory: dict[str, tuple[float, float]]
) -> dict[str, float]:
    floor, start = statistics.median(floors), statistics.median(starts)
    out.write(f"{len(starts)} starts, medians\n\n| start | seconds | ratio |\n|---|---|---|\n")
    out.write(f"| Python importing the web application (floor) | {floor:.1f} | 1 |\n")
    out.write(f"| `hub up` until /readyz is good | {start:.1f} | {start / floor:.1f} |\n")
    out.write("\n| memory (PSS) | MB once ready | MB after work |\n|---|---|---|\n")
    for name, (ready, worked) in memory.items():
        out.write(f"| {name} | {ready:.0f} | {worked:.0f} |\n")
    whole = [sum(pair[place] for pair in memory.values()) for place in (0, 1)]
    out.write(f"| everything | {whole[0]:.0f} | {whole[1]:.0f} |\n")
    out.write(f"\nwanted: < {WANTED_SECONDS} s; web < {WANTED_WEB_MB} MB, everything < {WANTED_ALL_MB} MB\n")
    return {"seconds": start, "web": memory["web"][1], "all": whole[1]}


if __name__ == "__main__":
    run(sys.stdout)
