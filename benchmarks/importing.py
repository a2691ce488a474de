"""Taking in a file of past petitions, beside preparing and classifying the same rows without storing anything.

The file is the project's replies.csv where it lies beside the repository, else generated rows like it. Each run is a
process of its own on a fresh database; the longer file holds the rows several times under keys of their own.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TextIO

from benchmarks.running import ROOT, hub_settings, seeded
from benchmarks.search import MATTERS, PLACES, TAILS, THINGS
from core import logging
from core.clock import Clock
from core.database import Database
from intake.brain import Brain
from intake.importing import columns, tables
from intake.importing import run as importing
from intake.importing.rows import RowRejected, parse
from intake.text import prepare

SHARED = ROOT.parent / "shared" / "data" / "replies.csv"
TIMES = (1, 4)
ROUNDS = 3
WANTED = 60


def run(out: TextIO, *, rows: int = 2816, rounds: int = ROUNDS) -> dict[str, float]:
    """Print the table; gives {"rate" (rows/s), "ratio", "memory" (of 4 times the rows to once)}."""
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        files = {times: _file(Path(name) / f"rows{times}.csv", rows, times) for times in TIMES}
        floor = [_apart(files[1], "floor") for _ in range(rounds)]
        once = [_apart(files[1], "import") for _ in range(rounds)]
        longer = _apart(files[4], "import")
    rate, floor_rate = (statistics.median(one["rate"] for one in many) for many in (once, floor))
    memory = longer["peak"] / statistics.median(one["peak"] for one in once)
    out.write(f"{SHARED.name if SHARED.exists() else 'generated rows'}, {rounds} rounds, medians\n\n")
    out.write("| import | rows | rows/s | ratio | rows a second of its own CPU | peak memory MB |\n")
    out.write("|---|---|---|---|---|---|\n")
    for label, one, speed in (
        ("read, prepared and classified only (floor)", floor[0], floor_rate), ("the import", once[0], rate),
        (f"the import, {TIMES[1]} times the rows", longer, longer["rate"]),
    ):  # fmt: skip
        cells = f"{one['rows']:.0f} | {speed:.0f} | {speed / floor_rate:.2f} | {one['of_cpu']:.0f} | {one['peak']:.0f}"
        out.write(f"| {label} | {cells} |\n")
    out.write(f"\nmemory for {TIMES[1]} times the rows: {memory:.2f} of that for once; wanted: ≥ {WANTED} rows/s\n")
    return {"rate": rate, "ratio": rate / floor_rate, "memory": memory}


def _file(path: Path, rows: int, times: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header, body = _rows(rows)
        writer.writerow(header)
        for copy in range(times):
            for row in body:
                mark = f"（第{copy}份）" if copy else ""
                writer.writerow([f"{copy}.{row[0]}", *row[1:3], row[3] + mark, *row[4:]])
    return path


def _rows(count: int) -> tuple[list[str], list[list[str]]]:
    if SHARED.exists():
        with SHARED.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return next(reader), list(islice(reader, count))
    rng = random.Random(20_261_124)
    body = []
    for number in range(count):
        title = rng.choice(PLACES) + rng.choice(THINGS) + rng.choice(MATTERS)
        text = "，".join([title, *rng.choices(TAILS, k=18)])
        answer = "。".join(rng.choices(TAILS, k=24))
        body.append([str(number), f"U{number}", "2025/3/1 9:00:00", title, text, answer, "2025/3/9 9:00:00"])
    return ["id", "user", "time", "title", "body", "reply", "reply_time"], body


def _apart(path: Path, what: str) -> dict[str, float]:
    """One run in a process of its own, so that its peak of memory is its own."""
    code = f"from benchmarks.importing import one; one({str(path)!r}, {what!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(path: str, what: str) -> None:
    """Import a file, or only think about it; prints rows, rate and peak memory as JSON."""
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        settings = hub_settings(Path(name) / "data", log_level="ERROR")
        logging.configure("ERROR")
        parts = seeded(settings)
        brain, clock = parts.get(Brain), parts.get(Clock)  # type: ignore[type-abstract]
        brain.think_many([("路灯坏了", "路灯坏了三天")])
        begun, worked = time.perf_counter(), time.process_time()
        if what == "floor":
            rows = _thought(Path(path), brain, clock)
        else:
            rows = importing.run(parts.get(Database), clock, brain, importing.Plan(Path(path), "bench")).rows
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        parts.get(Database).dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "rate": rows / seconds, "of_cpu": rows / worked, "peak": peak}))


def _thought(path: Path, brain: Brain, clock: Clock) -> int:
    """Every row read, prepared and classified in the import's batches."""
    lines = tables.lines(path)
    found = columns.recognise(next(lines).cells, {})
    rows = 0
    while batch := list(islice(lines, importing.BATCH)):
        texts = []
        for line in batch:
            rows += 1
            try:
                past = parse(line.cells, found, clock.now())
            except RowRejected:
                continue
            texts.append(prepare(past.title, past.body, past.place or past.area))
        brain.think_many([(text.title_masked, text.body_masked) for text in texts])
    return rows


if __name__ == "__main__":
    run(sys.stdout)
