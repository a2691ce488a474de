"""Files of past petitions for tests, and a classifier that says what a test wants."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from core.clock import FixedClock
from intake.brain import Brain
from intake.importing import run as importing
from tests.conftest import City

HEADER = ("编号", "留言用户", "留言时间", "留言主题", "留言详情", "答复意见", "答复时间")


class Sayer:
    """Everything is about building, but what speaks of bribes may be an accusation."""

    def suggest(self, title: str, body: str) -> Any:
        bribed = "受贿" in title + body
        return SimpleNamespace(
            category=("城乡建设", "城市建设和市政管理", ""), nature="投诉", urgent=False, danger="", sensitive=False,
            accusation=bribed, against_office=bribed, confidence=0.9, confidences=(0.9, 0.8, 0.7), confident=True,
            alternatives=(), evidence=(), is_text=True, version="sayer",
        )  # fmt: skip

    def suggest_many(self, rows: Iterable[tuple[str, str]]) -> Iterator[Any]:
        return (self.suggest(*row) for row in rows)


def row(number: int, title: str = "", body: str = "", reply: str = "", **more: str) -> tuple[str, ...]:
    """A row under HEADER; its text says which it is unless it is given."""
    return (
        more.get("key", str(number)),
        more.get("user", f"A{number:08d}"),
        more.get("time", f"2025/3/{number % 27 + 1} 9:32:09"),
        title or f"第{number}条街的路灯不亮",
        body or f"第{number}条街从上周起路灯不亮，晚上看不见路，请派人修一修。",
        reply,
        more.get("reply_time", "2025/4/20 10:00" if reply else ""),
    )


def table(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER, encoding: str = "utf-8") -> Path:
    """The rows as a .csv file."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def brain_of(city: City, clock: FixedClock) -> Brain:
    """The stand-in classifier as the hub holds one."""
    return Brain(city.db, clock, lambda path: Sayer())


def take(city: City, clock: FixedClock, path: Path, **plan: Any) -> importing.Report:
    """Import a file."""
    return importing.run(city.db, clock, brain_of(city, clock), importing.Plan(path, plan.pop("source", "old"), **plan))
