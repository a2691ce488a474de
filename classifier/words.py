"""Word lists as data: danger to life, urgency, sensitive matters, accusations.

A list is a CSV file in words/ that staff can edit: a phrase is taken as it stands, "…" in it stands for up to eight
characters of the same clause. A hit does not count when it is denied ("没有着火"), belongs to the past or to a
supposition ("去年着火", "如果着火": words/guards.csv); a phrase marked `exact` is counted always.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifier.folding import fold

Codes = npt.NDArray[np.uint16]
FOLDER = Path(__file__).parent / "words"
LONGEST = 20_000
GAP = "…"
_NOTHING = np.uint16(ord("\n"))
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
    gapped: dict[str, tuple[tuple[re.Pattern[str], Entry], ...]]  # by their start

    def find(self, folded: str, places: Iterable[int] | None = None) -> list[Hit]:
        """Every hit that counts in a folded text (Han characters, spaces, newlines), in the order of the text.

        With `places`, in order, only phrases that begin there are looked for.
        """
        hits = []
        for match in self.pattern.finditer(folded) if places is None else self._matches(folded, places):
            entry = self.entries.get(match[0])
            # The start of a phrase with a gap: the whole of it is tried from here.
            if entry is None:
                found = self._gapped_at(folded, match.start(), match[0])
                if found is None:
                    continue
                entry, end = found
            else:
                end = match.end()
            if entry.exact or not _guarded(folded, match.start(), end):
                hits.append(Hit(entry.code, entry.phrase, match.start(), end))
        return hits

    def _matches(self, folded: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
        """What `finditer` gives, when every match begins at one of the places."""
        until = 0
        for place in places:
            match = self.pattern.match(folded, place) if place >= until else None
            if match:
                until = match.end()
                yield match

    def _gapped_at(self, folded: str, start: int, begin: str) -> tuple[Entry, int] | None:
        for pattern, entry in self.gapped[begin]:
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
    gapped = [(entry.phrase.split(GAP), entry) for entry in entries if GAP in entry.phrase]
    starts = {parts[0] for parts, _ in gapped}
    patterns = {
        start: tuple((re.compile(_GAP_RUN.join(parts)), entry) for parts, entry in gapped if start.startswith(parts[0]))
        for start in starts
    }
    return WordList(name, re.compile(_tree({*whole, *starts})), whole, patterns)


LISTS = ("danger", "urgent", "sensitive", "accusation")


def hits_by_row(joined: str, codes: Codes, ends: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    """For rows joined by newlines: row -> list -> the codes of its hits in their order.

    `codes` are the same text as 16-bit codes, `ends` the places after each row.
    """
    marks = _openings()[_pair_numbers(codes, np.append(codes[1:], _NOTHING))]
    marked = np.flatnonzero(marks)
    marks = marks[marked]
    found: dict[int, dict[str, list[str]]] = {}
    for number, name in enumerate(LISTS):
        places = marked[(marks >> number) & 1 == 1].tolist()
        for hit in word_list(name).find(joined, places):
            found.setdefault(bisect_right(ends, hit.start), {}).setdefault(name, []).append(hit.code)
    return found


@lru_cache(maxsize=1)
def _openings() -> npt.NDArray[np.uint8]:
    """For each number of a pair of characters, a bit for each list in which a phrase may begin with that pair."""
    table = np.zeros(0x10000, np.uint8)
    anything = np.arange(0x10000, dtype=np.uint16)
    for number, name in enumerate(LISTS):
        for phrase in (*word_list(name).entries, *word_list(name).gapped):
            codes = np.frombuffer(phrase.encode("utf-16-le"), np.uint16)
            seconds = codes[1:2] if len(phrase) > 1 else anything
            table[_pair_numbers(codes[:1], seconds)] |= np.uint8(1 << number)
    return table


def _pair_numbers(firsts: Codes, seconds: Codes) -> Codes:
    """A 16-bit number for each pair of characters; a few pairs share one, which costs a look in vain."""
    return firsts * np.uint16(31) + seconds


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
