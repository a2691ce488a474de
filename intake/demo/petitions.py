"""The shipped petitions as plain values, oldest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from zlib import crc32


@dataclass(frozen=True)
class DemoPetition:
    """One petition written by hand; `state` is where its course has come to. See cases/demo for the fields."""

    key: str
    title: str
    body: str
    channel: str
    level1: str
    level2: str
    nature: str
    urgent: int
    area_code: str
    place: str
    disclosure: str
    days_ago: float
    state: str
    lead_code: str
    rating: Mapping[str, int | bool] | None
    public: bool
    reply: str
    citizen: Mapping[str, str] | None
    duplicate_of: str | None

    def chance(self, what: str, of: int) -> int:
        """A number below `of` that is always the same for this petition and this question."""
        return crc32(f"{self.key}.{what}".encode()) % of


def shipped() -> list[DemoPetition]:
    """Every petition of the demonstration city, oldest first: what is a copy of another comes after it."""
    folder = files("cases") / "demo"
    texts = [item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.startswith("petitions-")]
    rows = [DemoPetition(**row) for text in texts for row in json.loads(text)]
    return sorted(rows, key=lambda row: (-row.days_ago, row.key))


class Phrases:
    """What is said in the course of a petition."""

    def __init__(self) -> None:
        text = (files("intake") / "demo" / "phrases.json").read_text(encoding="utf-8")
        self._known: Mapping[str, Sequence[str]] = json.loads(text)

    def pick(self, petition: DemoPetition, what: str) -> str:
        """A sentence of a kind, always the same for a petition."""
        return self._known[what][petition.chance(what, len(self._known[what]))]
