"""Classifying beside its floor: cutting the same texts and nothing else.

Texts are put together from word lists of our own with a fixed seed unless a CSV file (title, body) is named; times are
of the process's own CPU, the best of several rounds, so that a busy machine changes the ratio little.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from benchmarks.search import MATTERS, PLACES, TAILS, THINGS
from classifier.model import Classifier
from core.text import cutting

ROUNDS = 7
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


def best_rate(act: Callable[[], object], count: int) -> float:
    """Texts a second of CPU time, the best of several rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        act()
        times.append(time.process_time() - start)
    return count / min(times)


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
    cutting.use("rjieba" if "rjieba" in ratios else "jieba")
    out.write(f"\nsingle call: {1000 / best_rate(lambda: [model.suggest(*row) for row in few], len(few)):.2f} ms\n")
    return ratios


def _table(out: TextIO, engine: str, model: Classifier, rows: Rows) -> dict[str, float]:
    cut = cutting.search_tokens
    among = model.parts.seven.classes
    floor = best_rate(lambda: [cut(f"{title}\n{body}") for title, body in rows], len(rows))
    acts: dict[str, Callable[[], object]] = {
        "whole suggestion with evidence": lambda: list(model.suggest_many(rows)),
        "without evidence": lambda: list(model.suggest_many(rows, explain=False)),
        "among the seven, without evidence": lambda: list(model.suggest_many(rows, among, explain=False)),
    }
    out.write(f"| {engine} | texts/s | ratio |\n|---|---|---|\n| cut_for_search alone (floor) | {floor:.0f} | 1 |\n")
    ratios = {engine: 1.0}
    for name, act in acts.items():
        rate = best_rate(act, len(rows))
        ratios[f"{engine}: {name}"] = rate / floor
        out.write(f"| {name} | {rate:.0f} | {rate / floor:.2f} |\n")
    return ratios


def main() -> None:
    """`python -m benchmarks.classify [CSV]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a CSV file with the columns title and body")
    chosen = parser.parse_args().file
    rows = None
    if chosen is not None:
        with chosen.open(encoding="utf-8-sig", newline="") as file:
            rows = [(row["title"], row["body"]) for row in csv.DictReader(file)][:2000]
    run(sys.stdout, rows)


if __name__ == "__main__":
    main()
