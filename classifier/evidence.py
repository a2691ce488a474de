"""The words that spoke for a decision, with their places in the text as given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.folding import Folded
from classifier.heads import Floats

MOST = 6
LEAST_SHARE = 0.01  # of the strongest word: less says nothing
_LOOKED_AT = 12
Piece = tuple[str, int, int, float]


class Explainer:
    """Finds the words with the largest share in a class's score."""

    def __init__(self, words: Sequence[str], title_ids: Sequence[int], body_size: int) -> None:
        """Take the vocabulary: words (characters follow them and are not shown), and the title block's features."""
        names: list[str] = [*words, *([""] * (body_size - len(words)))]
        self._names = [*names, *(names[number] for number in title_ids)]
        self._shown = np.array([bool(name) for name in self._names], np.bool_)

    def explain(
        self, rows: Any, weights: Floats, norms: Floats, chosen: Any, texts: Sequence[tuple[Folded, Folded]]
    ) -> list[tuple[Piece, ...]]:
        """For each row at most six (field, start, end, weight), the strongest first."""
        row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        shares = rows.data * weights[rows.indices, chosen[row_of]]
        shown = np.flatnonzero((shares > 0) & self._shown[rows.indices])
        row_of, shares, columns = row_of[shown], shares[shown], rows.indices[shown]
        # One sort for the batch: by row, the largest share first.
        order = np.argsort(row_of - 0.999 * shares / max(float(shares.max(initial=0)), 1e-9), kind="stable")
        shares, columns = shares[order].tolist(), columns[order].tolist()
        starts = np.searchsorted(row_of, np.arange(rows.shape[0] + 1)).tolist()
        own_norms = norms[np.arange(len(chosen)), chosen].tolist()
        names = self._names
        out = []
        for number, fields in enumerate(texts):
            first = starts[number]
            last = min(starts[number + 1], first + _LOOKED_AT)
            totals: dict[str, float] = {}
            for column, share in zip(columns[first:last], shares[first:last], strict=True):
                name = names[column]
                totals[name] = totals.get(name, 0.0) + share
            out.append(_placed(totals, fields, own_norms[number]))
        return out


def _placed(totals: dict[str, float], fields: tuple[Folded, Folded], norm: float) -> tuple[Piece, ...]:
    """The words in the order of their weight, at their first place that no stronger word has taken."""
    pieces: list[Piece] = []
    title, body = fields
    taken: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    ranked = sorted(totals.items(), key=_by_weight)
    for word, total in ranked:
        if total < LEAST_SHARE * ranked[0][1]:
            break
        start, in_body = title.text.find(word), 0
        if start < 0:
            start, in_body = body.text.find(word), 1
        end = start + len(word)
        if start < 0 or any(start < until and begin < end for begin, until in taken[in_body]):
            continue
        taken[in_body].append((start, end))
        place = fields[in_body].to_original(start, end)
        pieces.append(("body" if in_body else "title", *place, round(total / norm, 4)))
        if len(pieces) == MOST:
            break
    return tuple(pieces)


def _by_weight(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
