"""What the engines index: words, the shorter words inside them, and pairs of neighbouring characters.

The three kinds stand in one field; pairs carry a mark so that a pair is counted apart from a word of two characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from pypinyin import lazy_pinyin

from core.text.cutting import search_words, words
from core.text.normalise import simplified

PAIR_MARK = "#"
MAX_TOKEN = 64
_HAN_RUNS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")


@lru_cache(maxsize=20_000)
def _folded_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    return folded.lower() if len(folded) == 1 and len(folded.lower()) == 1 else character


def fold(text: str) -> str:
    """The text in simplified characters, half width and lower case, of the same length, so that positions agree."""
    return "".join(map(_folded_character, simplified(text)))


def pairs(folded: str) -> list[str]:
    """Marked pairs of neighbouring Han characters, within each run."""
    return [PAIR_MARK + run[i : i + 2] for run in _HAN_RUNS.findall(folded) for i in range(len(run) - 1)]


def cut(folded: str) -> list[str]:
    """The words of a folded text in order, none longer than 64 characters."""
    return [word[:MAX_TOKEN] for word in words(folded)]


def tokens(folded: str) -> list[str]:
    """All index tokens of a folded text, repeats kept: words, search words, pairs."""
    return [*cut(folded), *(word[:MAX_TOKEN] for word in search_words(folded)), *pairs(folded)]


@lru_cache(maxsize=100_000)
def sound(word: str) -> str:
    """The toneless pinyin of a Han word, syllables joined by an apostrophe: 公积金 -> gong'ji'jin."""
    return "'".join(lazy_pinyin(word))


def is_han(word: str) -> bool:
    """Whether a word is wholly Han characters."""
    return _HAN_RUNS.fullmatch(word) is not None


def sounds(folded: str) -> set[str]:
    """Entries of the homophone index, "gong'ji'jin|公积金", for each Han word of two characters or more."""
    found = {word for word in [*cut(folded), *search_words(folded)] if 2 <= len(word) <= 8 and is_han(word)}
    return {f"{sound(word)}|{word}" for word in found}


def spans(folded: str) -> Iterator[tuple[str, int, int]]:
    """The words of a folded text with their start and end."""
    at = 0
    for word in words(folded):
        start = folded.find(word, at)
        if start < 0:
            continue
        at = start + len(word)
        yield word, start, at
