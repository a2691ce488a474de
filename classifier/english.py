"""Danger to life told in English: the folded text holds Han characters only, so these phrases have a list of their own.

words/danger_english.csv: a phrase is taken in lower case as whole words, "…" stands for up to four words. The guards
of words/english_guards.csv say what does not count ("no fire", "last year"). A phrase marked `exact` heeds none, one
marked `alone` must end its clause and is no polite request ("help me!", not "could you help me").
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"
FEWEST = 2  # pairs of Latin letters, as in a word of three, without which no phrase can stand in a text
_CLAUSE_END = re.compile(r"[.,;:!?\n。，；：！？、]")
_CLAUSE = 100  # characters of a clause that are looked at on either side
_LATIN = re.compile("[A-Za-zＡ-Ｚａ-ｚ]{3}")
_WIDE = re.compile("[Ａ-Ｚａ-ｚ]")
_WORD = re.compile("[a-z']+")


@dataclass(frozen=True, slots=True)
class _Lists:
    starts: dict[str, tuple[tuple[re.Pattern[str], str, str], ...]]  # first word -> pattern, code, guard; longest first
    before: re.Pattern[str]
    polite: re.Pattern[str]
    clause: re.Pattern[str]
    after: re.Pattern[str]


def danger_codes(text: str) -> Iterator[str]:
    """The codes of the dangers that a text tells of in English, in its order. Pure; without Latin it costs a look."""
    if not _LATIN.search(text):
        return
    if _WIDE.search(text):
        text = unicodedata.normalize("NFKC", text)
    text = text.replace("’", "'").lower()
    lists = _lists()
    until = 0
    for word in _WORD.finditer(text):
        for pattern, code, guard in lists.starts.get(word[0], ()) if word.start() >= until else ():
            match = pattern.match(text, word.start())
            if match:
                until = match.end()
                if guard == "exact" or not _guarded(lists, guard, text, match.start(), until):
                    yield code
                break


def _guarded(lists: _Lists, guard: str, text: str, start: int, end: int) -> bool:
    before = _CLAUSE_END.split(text[max(0, start - _CLAUSE) : start])[-1]
    after = _CLAUSE_END.split(text[end : end + _CLAUSE])[0]
    if guard == "alone" and (after.strip() or lists.polite.search(before)):
        return True
    return bool(lists.before.search(before) or lists.after.match(after) or lists.clause.search(before + "|" + after))


@lru_cache(maxsize=1)
def _lists() -> _Lists:
    rows = sorted(_rows("danger_english"), key=lambda row: -len(row["phrase"]))
    guards = _rows("english_guards")

    def kind(name: str) -> str:
        return "|".join(_words(row["phrase"]) for row in guards if row["kind"] == name)

    starts: dict[str, list[tuple[re.Pattern[str], str, str]]] = {}
    for row in rows:
        pattern = re.compile(f"{_words(row['phrase'])}(?![a-z])")
        starts.setdefault(row["phrase"].split(" ")[0], []).append((pattern, row["code"], row["guard"]))
    return _Lists(
        {first: tuple(entries) for first, entries in starts.items()},
        re.compile(rf"(?<![a-z'])(?:{kind('before')})(?:\s+[a-z']+){{0,3}}\s+$"),
        re.compile(rf"(?<![a-z'])(?:{kind('polite')})(?:\s+[a-z']+){{0,1}}\s+$"),
        re.compile(rf"(?<![a-z'])(?:{kind('clause')})(?![a-z])"),
        re.compile(rf"\s+(?:{kind('after')})(?![a-z])"),
    )


def _words(phrase: str) -> str:
    """A phrase as a pattern: any white space between words, "…" for up to four words."""
    return re.escape(phrase).replace(r"\ …\ ", r"(?:\s+[a-z0-9']+){0,4}?\s+").replace(r"\ ", r"\s+")


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
