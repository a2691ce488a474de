"""Published replies on the same matter: for a text being typed, and beside a reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from search.engine import Hit, Page, Reader, Terms
from search.query import STOP_WORDS, coverage, rarity
from search.tokens import PAIR_MARK, fold, tokens

TITLE_WEIGHT = 3
LONGEST = 2_000
MOST_TERMS = 40
FITS = 0.3
"""Share of the text's telling words, by weight, that a similar one holds (docs/research/search.md)."""


def similar_replies(
    reader: Reader, title: str, body: str, *, limit: int = 3, leave_out: Sequence[str] = (), fits: float = FITS
) -> list[Hit]:
    """At most `limit` replies that fit a text, best first; none where nothing fits.

    `leave_out`: public ids not wanted, such as the reply beside which these are shown. The score of each is its fit,
    0 to 1. Raises SearchUnavailable.
    """
    weights = telling_terms(reader, title, body)
    if not weights:
        return []
    page = Page(size=limit + len(leave_out) + 2)
    ids = [hit.id for hit in reader.search(Terms(weights), {}, page).items if hit.id not in set(leave_out)]
    fit = fit_of(reader, weights, ids)
    best = sorted((Hit(id, round(fit[id], 4)) for id in ids), key=lambda hit: (-hit.score, hit.id))
    return [hit for hit in best if hit.score >= fits][:limit]


def telling_terms(reader: Reader, title: str, body: str) -> dict[str, float]:
    """The tokens of a text that tell most: the 40 of highest frequency times rarity, known to the index."""
    counted = Counter(tokens(fold(title[:LONGEST])) * TITLE_WEIGHT + tokens(fold(body[:LONGEST])))
    counted = Counter({token: n for token, n in counted.items() if token not in STOP_WORDS})
    weight = rarity(reader, list(counted))
    heard = {token for token, df in reader.frequencies(list(counted)).items() if df > 0}
    ranked = sorted(heard, key=lambda token: (-min(counted[token], 6) * weight[token], token))
    return {token: float(min(counted[token], 6)) for token in ranked[:MOST_TERMS]}


def fit_of(reader: Reader, weights: dict[str, float], ids: Sequence[str]) -> dict[str, float]:
    """For each document, the share of the telling words (pairs of characters apart) it holds, by weight."""
    words = {token: weight for token, weight in weights.items() if not token.startswith(PAIR_MARK)} or weights
    rare = rarity(reader, list(words))
    return coverage(reader, {token: words[token] * rare[token] for token in words}, ids)
