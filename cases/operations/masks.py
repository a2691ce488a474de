"""Personal data in a text as it was typed: found in its normalised form, hidden where it stands in the original.

So an invisible character or a full-width figure hides nothing from us, and the text keeps its own punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.text.masking import mask
from core.text.normalise import normalise


@dataclass(frozen=True)
class Found:
    """A half-open range of the text as typed, the kind of personal data in it, and the word itself."""

    start: int
    end: int
    kind: str
    word: str


def personal(text: str, declared: Iterable[str] = ()) -> list[Found]:
    """Where personal data stands, in order, none overlapping; `declared`: names and numbers known to be personal."""
    normal = normalise(text)
    spans = [(span.start, span.end, span.kind) for span in mask(normal.text).spans]
    for word in declared:
        for match in _typed_as(normalise(word).text, normal.text):
            if not any(start < match.end() and match.start() < end for start, end, _kind in spans):
                spans.append((*match.span(), "declared"))
    found = []
    for start, end, kind in sorted(spans):
        first, last = normal.to_original(start, end)
        found.append(Found(first, last, kind, text[first:last]))
    return found


def _typed_as(word: str, text: str) -> Iterator[re.Match[str]]:
    """Where a word stands in a text, also with a space or hyphen between its letters."""
    letters = [re.escape(letter) for letter in word if letter not in " -"]
    return re.finditer("[ -]?".join(letters), text) if letters else iter(())


def without(text: str, declared: Iterable[str]) -> str:
    """A text that is masked already, with what was declared as asterisks too: a name stands in it with no cue."""
    words = [word for word in (normalise(one).text.strip() for one in declared) if len(word) > 1]
    if not words:
        return text
    normal = normalise(text)
    for word in words:
        for match in _typed_as(word, normal.text):
            first, last = normal.to_original(*match.span())
            text = text[:first] + "*" * (last - first) + text[last:]
    return text


def masked(text: str, declared: Iterable[str] = ()) -> tuple[str, int]:
    """The text with personal data as asterisks, of the same length, and how many places there were."""
    found = personal(text, declared)
    for one in found:
        text = text[: one.start] + "*" * (one.end - one.start) + text[one.end :]
    return text, len(found)
