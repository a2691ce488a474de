"""Classifying beside its floor: cutting the same texts and nothing else.

Texts are put together from word lists of our own with a fixed seed unless real ones are given. Times are
of the process's own CPU; floor and candidates take turns, and a ratio is the median of the rounds' own ratios, so that
a busy machine changes it little. What a round gives is thrown away at once: keeping the floor's tokens would cost the
floor half as much again. Texts of word lists are cut twice as fast as real ones, so their ratio is the harder one.
"""

from __future__ import annotations

import csv
import random
import resource
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TextIO

from benchmarks.search import MATTERS, PLACES, TAILS, THINGS
from classifier.model import Classifier
from core.text import cutting

ROUNDS = 9
Rows = list[tuple[str, str]]


def own_rows(count: int) -> Rows:
    """Made-up petitions of about 350 characters."""
    rng = random.Random(20_261_124)
    rows = []
    for _ in range(count):
        title = rng.choice(PLACES) + rng.choice(THINGS) + rng.choice(MATTERS)
        parts = [rng.choice(PLACES) + rng.choice(THINGS) + rng.choice(MATTERS) for _ in range(14)]
        rows.append((title, "，".join([*parts, *rng.choices(TAILS, k=14)]) + "。"))
    return rows


def spent(act: Callable[[], Iterable[object]]) -> float:
    """Seconds of CPU time to run through what `act` gives."""
    start = time.process_time()
    deque(act(), 0)
    return time.process_time() - start


def run(out: TextIO, rows: Rows | None = None) -> dict[str, float]:
    """Print the table; gives the ratios to `rjieba.cut_for_search` by name."""
    rows = rows or own_rows(2000)
    start = time.perf_counter()
    model = Classifier.load()
    loading = time.perf_counter() - start
    texts = [f"{title}\n{body}" for title, body in rows]
    few = rows[: max(1, len(rows) // 10)]
    out.write(f"{len(rows)} texts, mean {sum(map(len, texts)) / len(texts):.0f} characters; ")
    out.write(f"cutter {cutting.ENGINE}; model loaded in {loading:.2f} s\n\n")
    ratios: dict[str, float] = {}
    for engine, part in (("rjieba", rows), ("jieba", few)):
        try:
            cutting.use(engine)
        except ImportError:
            out.write(f"{engine} is not installed\n")
            continue
        ratios |= _table(out, engine, model, part)
    cutting.use("rjieba" if any(name.startswith("rjieba") for name in ratios) else "jieba")
    calls = [spent(lambda row=row: [model.suggest(*row)]) for row in few]  # type: ignore[misc]
    out.write("\nwanted: whole suggestion with evidence ≥ 0.4 of rjieba's cut_for_search, on real messages\n")
    out.write(f"single call: {1000 * statistics.median(calls):.2f} ms; most resident memory: {_memory():.0f} MB\n")
    return ratios


def _memory() -> float:
    """The most memory that the process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _table(out: TextIO, engine: str, model: Classifier, rows: Rows) -> dict[str, float]:
    among = model.parts.seven.classes
    texts = [f"{title}\n{body}" for title, body in rows]
    acts: dict[str, Callable[[], Iterable[object]]] = {
        "cut_for_search alone (floor)": lambda: map(cutting.search_tokens, texts),
        "whole suggestion with evidence": lambda: model.suggest_many(rows),
        "without evidence": lambda: model.suggest_many(rows, explain=False),
        "among the seven, without evidence": lambda: model.suggest_many(rows, among, explain=False),
    }
    rounds = [{name: spent(act) for name, act in acts.items()} for _ in range(ROUNDS)]
    floor = next(iter(acts))
    out.write(f"| {engine} | texts/s | ratio |\n|---|---|---|\n")
    ratios = {}
    for name in acts:
        rate = len(rows) / statistics.median(times[name] for times in rounds)
        ratios[f"{engine}: {name}"] = statistics.median(times[floor] / times[name] for times in rounds)
        out.write(f"| {name} | {rate:.0f} | {ratios[f'{engine}: {name}']:.2f} |\n")
    return ratios


def rows_of(path: Path, count: int = 2000) -> Rows:
    """The first rows of a CSV file with the columns title and body. Raises FileNotFoundError, KeyError."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["title"], row["body"]) for row in islice(csv.DictReader(file), count)]
