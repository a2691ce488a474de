"""Word lists as data: danger to life, urgency, sensitive matters, accusations.

A list is a CSV file in words/ that staff can edit: a phrase is taken as it stands, "…" in it stands for up to eight
characters of the same clause. A hit does not count when it is denied ("没有着火"), belongs to the past or to a
supposition ("去年着火", "如果着火": words/guards.csv). A list may have guards of its own (words/danger_guards.csv:
risks, habits, and what is no person: "树死了"). A phrase marked `exact` is counted always, one marked `general` heeds
the common guards only, one marked `person` those and the guards of its kind; one marked `harmless` never counts and
hides what it holds ("救命钱"). Latin letters are no part of the folded text: danger told in English has a list of its
own (classifier/english.py).
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

from classifier.english import danger_codes
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
    """A row of a list: its code, the phrase, and which guards it heeds (see above)."""

    code: str
    phrase: str
    guard: str = ""


@dataclass(frozen=True, slots=True)
class _Guards:
    before: re.Pattern[str] | None
    clause: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def guard(self, folded: str, start: int, end: int) -> bool:
        """Whether what stands at start..end is denied, past, supposed or part of a harmless longer word."""
        clause_start = start - len(_CLAUSE_END.split(folded[max(0, start - _CLAUSE) : start])[-1])
        before = folded[max(clause_start, start - _DENIAL_WINDOW) : start]
        if (self.before and self.before.search(before)) or (self.after and self.after.match(folded, end)):
            return True
        if self.clause is None:
            return False
        clause = _CLAUSE_END.split(folded[clause_start : end + _CLAUSE])[0]
        return self.clause.search(clause) is not None


@dataclass(frozen=True, slots=True)
class WordList:
    """One list, compiled: `find` gives what counts in a folded text."""

    name: str
    pattern: re.Pattern[str]
    entries: dict[str, Entry]
    gapped: dict[str, tuple[tuple[re.Pattern[str], dict[str, Entry]], ...]]  # by their start, then by their end
    heads: dict[str, re.Pattern[str]]  # what `pattern` has for each first character

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
            if entry.guard != "harmless" and not self._guarded(entry, folded, match.start(), end):
                hits.append(Hit(entry.code, entry.phrase, match.start(), end))
        return hits

    def _matches(self, folded: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
        """What `finditer` gives, when every match begins at one of the places."""
        until = 0
        for place in places:
            head = self.heads.get(folded[place]) if place >= until else None
            match = head.match(folded, place) if head else None
            if match:
                until = match.end()
                yield match

    def _guarded(self, entry: Entry, folded: str, start: int, end: int) -> bool:
        return any(_guards(name, kinds).guard(folded, start, end) for name, kinds in _heeded(self.name, entry.guard))

    def _gapped_at(self, folded: str, start: int, begin: str) -> tuple[Entry, int] | None:
        for pattern, entries in self.gapped[begin]:
            match = pattern.match(folded, start)
            if match:
                return entries[match[1]], match.end()
        return None


def danger(text: str) -> str:
    """The danger to life that a text tells of now: "gas", "fire", "collapse", "life", or "" for none.

    Pure and fast (a fraction of a millisecond): it may run inside the inbox's transaction. Of several, the first in
    the text is given, those told in English last. Only the first 20,000 characters are read.
    """
    folded = fold(text[:LONGEST])
    codes = np.frombuffer(folded.text.encode("utf-16-le"), np.uint16)
    places = np.flatnonzero(_openings_in(codes) & np.uint8(1 << LISTS.index("danger"))).tolist()
    hits = word_list("danger").find(folded.text, places)
    if hits:
        return hits[0].code
    return next(danger_codes(text[:LONGEST] if folded.normal is None else folded.normal.text), "")


@lru_cache(maxsize=8)
def word_list(name: str) -> WordList:
    """A list of words/ by its name: danger, urgent, sensitive, accusation. Raises FileNotFoundError for another."""
    entries = [Entry(row.get("code") or name, row["phrase"], row["guard"]) for row in _rows(name)]
    whole = {entry.phrase: entry for entry in entries if GAP not in entry.phrase}
    gapped = [(entry.phrase.split(GAP), entry) for entry in entries if GAP in entry.phrase]
    starts = {parts[0] for parts, _ in gapped}
    patterns = {start: _with_gaps([one for one in gapped if start.startswith(one[0][0])]) for start in starts}
    phrases = {*whole, *starts}
    heads: dict[str, set[str]] = {}
    for phrase in phrases:
        heads.setdefault(phrase[0], set()).add(phrase)
    first = {char: re.compile(_tree(some)) for char, some in heads.items()}
    return WordList(name, re.compile(_tree(phrases)), whole, patterns, first)


def _with_gaps(gapped: list[tuple[list[str], Entry]]) -> tuple[tuple[re.Pattern[str], dict[str, Entry]], ...]:
    """Phrases with a gap, those that differ only in their end in one pattern: its group is the end."""
    groups: dict[tuple[str, ...], dict[str, Entry]] = {}
    for parts, entry in gapped:
        groups.setdefault(tuple(parts[:-1]), {}).setdefault(parts[-1], entry)
    return tuple(
        (re.compile(_GAP_RUN.join([*begin, f"({_tree(set(entries))})"])), entries) for begin, entries in groups.items()
    )


LISTS = ("danger", "urgent", "sensitive", "accusation")


def hits_by_row(joined: str, codes: Codes, ends: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    """For rows joined by newlines: row -> list -> the codes of its hits in their order.

    `codes` are the same text as 16-bit codes, `ends` the places after each row.
    """
    marks = _openings_in(codes)
    marked = np.flatnonzero(marks)
    marks = marks[marked]
    found: dict[int, dict[str, list[str]]] = {}
    for number, name in enumerate(LISTS):
        places = marked[(marks >> number) & 1 == 1].tolist()
        for hit in word_list(name).find(joined, places):
            found.setdefault(bisect_right(ends, hit.start), {}).setdefault(name, []).append(hit.code)
    return found


def _openings_in(codes: Codes) -> npt.NDArray[np.uint8]:
    """For each place of a folded text, a bit for each list of which a phrase may begin there."""
    return _openings()[_pair_numbers(codes, np.append(codes[1:], _NOTHING))]


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


_COMMON = ("guards", ("before", "clause", "after"))


@lru_cache(maxsize=64)
def _heeded(name: str, guard: str) -> tuple[tuple[str, tuple[str, str, str]], ...]:
    """The guards that a phrase of a list heeds: files and the kinds of rows for before it, its clause and after it."""
    own = f"{name}_guards"
    if guard == "exact":
        return ()
    if guard == "general" or not (FOLDER / f"{own}.csv").exists():
        return (_COMMON,)
    return (_COMMON, (own, ("person", "pressure", "") if guard == "person" else ("before", "clause", "after")))


@lru_cache(maxsize=16)
def _guards(name: str, kinds: tuple[str, str, str]) -> _Guards:
    rows = _rows(name)
    before, clause, after = (
        "|".join(re.escape(row["phrase"]) for row in rows if row["kind"] == kind) for kind in kinds
    )
    return _Guards(
        re.compile(f"(?:{before})[\u3400-\u9fff]{{0,2}}$") if before else None,
        re.compile(clause) if clause else None,
        re.compile(after) if after else None,
    )
