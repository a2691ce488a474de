"""Which characters of a text answer a query: computed here, on the text as shown, so that all engines agree."""

from __future__ import annotations

import re

from core.text.cutting import search_words
from search.query import LONGEST, pieces
from search.tokens import cut, fold, is_han

Span = tuple[int, int]


def highlight(text: str, query: str) -> list[Span]:
    """Start and end of each stretch of `text` that holds words of `query`; in order, not overlapping.

    Works across traditional and simplified, half and full width. Pass Results.suggestion where there is one.
    """
    units = _units(fold(query[:LONGEST]))
    if not units:
        return []
    folded = fold(text)
    found = [match.span() for unit in units for match in _pattern(unit).finditer(folded)]
    return _merged(found)


def excerpt(text: str, query: str, length: int = 120) -> tuple[str, list[Span]]:
    """About `length` characters of `text` around its first highlight, with the highlights' places in them."""
    spans = highlight(text, query)
    start = max(0, spans[0][0] - length // 4) if spans else 0
    start = max(0, min(start, len(text) - length))
    end = min(len(text), start + length)
    inside = [(max(a, start) - start, min(b, end) - start) for a, b in spans if b > start and a < end]
    return text[start:end], inside


def _units(folded: str) -> set[str]:
    words = {word for piece in pieces(folded) for word in [*cut(piece), *search_words(piece)]}
    longer = {word for word in words if len(word) > 1 or not is_han(word)}
    return longer or words


def _pattern(unit: str) -> re.Pattern[str]:
    escaped = re.escape(unit)
    return re.compile(escaped if is_han(unit) else rf"(?<![a-z0-9]){escaped}(?![a-z0-9])")


def _merged(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
