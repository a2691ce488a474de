"""Word lists as data: danger to life, urgency, sensitive matters, accusations.

A list is a CSV file in words/ that staff can edit: a phrase is taken as it stands, "…" in it stands for up to eight
characters of the same clause. A hit does not count when it is denied ("没有着火"), belongs to the past or to a
supposition ("去年着火", "如果着火": words/guards.csv); a phrase marked `exact` is counted always.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from classifier.folding import fold

FOLDER = Path(__file__).parent / "words"
LONGEST = 20_000
GAP = "…"
_GAP_RUN = r"[\u3400-\u9fff]{0,8}?"
_CLAUSE_END = re.compile(r"[ \n]")
_DENIAL_WINDOW = 6
_CLAUSE = 60  # characters of a clause that are looked at on either side


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of a list found in a text: its code (the list's own name where it has none) and its place."""

    code: str
    phrase: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list: its code, the phrase, and whether it counts even when denied or past."""

    code: str
    phrase: str
    exact: bool


@dataclass(frozen=True, slots=True)
class _Guards:
    before: re.Pattern[str]
    clause: re.Pattern[str]
    after: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class WordList:
    """One list, compiled: `find` gives what counts in a folded text."""

    name: str
    pattern: re.Pattern[str]
    entries: dict[str, Entry]
    gapped: tuple[tuple[re.Pattern[str], Entry], ...]

    def find(self, folded: str) -> list[Hit]:
        """Every hit that counts in a folded text (Han characters, spaces, newlines), in the order of the text."""
        hits = []
        for match in self.pattern.finditer(folded):
            entry = self.entries.get(match[0])
            # The start of a phrase with a gap: the whole of it is tried from here.
            if entry is None:
                found = self._gapped_at(folded, match.start())
                if found is None:
                    continue
                entry, end = found
            else:
                end = match.end()
            if entry.exact or not _guarded(folded, match.start(), end):
                hits.append(Hit(entry.code, entry.phrase, match.start(), end))
        return hits

    def _gapped_at(self, folded: str, start: int) -> tuple[Entry, int] | None:
        for pattern, entry in self.gapped:
            match = pattern.match(folded, start)
            if match:
                return entry, match.end()
        return None


def danger(text: str) -> str:
    """The danger to life that a text tells of now: "gas", "fire", "collapse", "life", or "" for none.

    Pure and fast (a fraction of a millisecond): it may run inside the inbox's transaction. Of several, the first in
    the text is given. Only the first 20,000 characters are read.
    """
    hits = word_list("danger").find(fold(text[:LONGEST]).text)
    return hits[0].code if hits else ""


@lru_cache(maxsize=8)
def word_list(name: str) -> WordList:
    """A list of words/ by its name: danger, urgent, sensitive, accusation. Raises FileNotFoundError for another."""
    entries = [Entry(row.get("code") or name, row["phrase"], row["guard"] == "exact") for row in _rows(name)]
    whole = {entry.phrase: entry for entry in entries if GAP not in entry.phrase}
    gapped = [entry for entry in entries if GAP in entry.phrase]
    starts = {entry.phrase.split(GAP)[0] for entry in gapped}
    patterns = ((re.compile(_GAP_RUN.join(entry.phrase.split(GAP))), entry) for entry in gapped)
    return WordList(name, re.compile(_tree({*whole, *starts})), whole, tuple(patterns))


LISTS = ("danger", "urgent", "sensitive", "accusation")


def hits_by_row(joined: str, ends: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    """For rows joined by newlines: row -> list -> the codes of its hits in their order.

    `ends` are the places after each row.
    """
    found: dict[int, dict[str, list[str]]] = {}
    for name in LISTS:
        for hit in word_list(name).find(joined):
            found.setdefault(bisect_right(ends, hit.start), {}).setdefault(name, []).append(hit.code)
    return found


def _tree(phrases: set[str]) -> str:
    """An alternation that shares beginnings, longest first: the search skips to characters that begin a phrase."""
    branches: dict[str, set[str]] = {}
    for phrase in phrases:
        branches.setdefault(phrase[0], set()).add(phrase[1:])
    parts = []
    for first, rests in sorted(branches.items()):
        longer = {rest for rest in rests if rest}
        tail = f"(?:{_tree(longer)})" if longer else ""
        parts.append(re.escape(first) + tail + ("?" if longer and "" in rests else ""))
    return "|".join(parts)


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=1)
def _guards() -> _Guards:
    rows = _rows("guards")

    def joined(kind: str) -> str:
        return "|".join(re.escape(row["phrase"]) for row in rows if row["kind"] == kind)

    return _Guards(
        re.compile(f"(?:{joined('before')})[\u3400-\u9fff]{{0,2}}$"),
        re.compile(joined("clause")),
        re.compile(joined("after")),
    )


def _guarded(folded: str, start: int, end: int) -> bool:
    """Whether what stands at start..end is denied, past, supposed or part of a harmless longer word."""
    guards = _guards()
    clause_start = start - len(_CLAUSE_END.split(folded[max(0, start - _CLAUSE) : start])[-1])
    before = folded[max(clause_start, start - _DENIAL_WINDOW) : start]
    if guards.before.search(before) or guards.after.match(folded, end):
        return True
    clause = _CLAUSE_END.split(folded[clause_start : end + _CLAUSE])[0]
    return guards.clause.search(clause) is not None
