"""How a file is taken in, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BATCH = 200
_LONGEST_ORIGIN = 40
Progress = Callable[[int], object]


@dataclass
class Report:
    """What came of a file: rows read, taken in now, known from before, rejected; of those taken in, the rest."""

    rows: int = 0
    taken: int = 0
    known: int = 0
    rejected: int = 0
    answered: int = 0
    copies: int = 0
    proposed: int = 0
    accusations: int = 0
    without_reader: int = 0
    released: int = 0
    kept_back: int = 0
    rejected_file: Path | None = None
    ignored: tuple[str, ...] = ()  # columns of the file that no field was found for

    def lines(self) -> list[str]:
        """The figures as a table for a terminal; those of releasing only when something was looked at."""
        shown = [(words, getattr(self, name)) for name, words in _WORDS.items()]
        if not (self.released or self.kept_back):
            shown = shown[: -len(_RELEASING)]
        width = max(len(words) for words, _count in shown)
        lines = [f"{words:<{width}}  {count:>9,}" for words, count in shown]
        if self.rejected_file is not None:
            lines.append(f"Rejected rows, each with its reason: {self.rejected_file}")
        if self.ignored:
            lines.append(f"Columns not taken in (name a field for them with --map): {', '.join(self.ignored)}")
        if self.without_reader:
            lines.append("Nobody may read possible accusations yet: give somebody the role accusation_reader.")
        return lines


_RELEASING = {
    "released": "replies released",
    "kept_back": "replies kept for the release queue",
}
_WORDS = {
    "rows": "rows read",
    "taken": "taken in",
    "known": "known from before",
    "rejected": "rejected",
    "answered": "closed with their answer",
    "proposed": "replies proposed for publishing",
    "copies": "proposed as copies",
    "accusations": "possible accusations",
    "without_reader": "of these with nobody to read them",
    **_RELEASING,
}


@dataclass(frozen=True)
class Plan:
    """How a file is taken in. `source` keys its rows; `consent`: its answers were public; None: not known."""

    path: Path
    source: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    track: str = "hotline"
    consent: bool | None = None

    @property
    def origin(self) -> str:
        """The origin of its submissions; the name of a long source is cut and made unlike others by a digest."""
        origin = f"import:{self.source}"
        if len(origin) <= _LONGEST_ORIGIN:
            return origin
        digest = hashlib.sha256(self.source.encode()).hexdigest()[:12]
        return f"{origin[: _LONGEST_ORIGIN - 13]}~{digest}"
