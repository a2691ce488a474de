"""The words that spoke for a decision, with their places in the text as given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.folding import Batch
from classifier.heads import Floats
from classifier.vectors import Cells

MOST = 6
LEAST_SHARE = 0.01  # of the strongest word: less says nothing
_LOOKED_AT = 12
Piece = tuple[str, int, int, float]
Evidence = tuple[Piece, ...]


class Explainer:
    """Finds the words with the largest share in a class's score."""

    def __init__(self, words: Sequence[str], title_ids: Sequence[int], body_size: int) -> None:
        """Take the vocabulary: words (characters follow them and are not shown), and the title block's features."""
        names: list[str] = [*words, *([""] * (body_size - len(words)))]
        self._names = [*names, *(names[number] for number in title_ids)]
        self._shown = np.array([bool(name) for name in self._names], np.bool_)

    def explain(self, rows: Cells, weights: Floats, norms: Floats, chosen: Any, batch: Batch) -> list[Evidence]:
        """For each row at most six (field, start, end, weight), the strongest first."""
        numbers, columns, shares = self._strongest(rows, weights, chosen)
        starts = np.searchsorted(numbers, np.arange(len(chosen) + 1)).tolist()
        shares, columns = shares.tolist(), columns.tolist()
        own_norms = norms[np.arange(len(chosen)), chosen].tolist()
        ends = [-1, *batch.ends.tolist()]
        out = []
        for row, norm in enumerate(own_norms):
            # Shares count below zero here, so that sorting puts the strongest first.
            totals: dict[str, float] = {}
            for place in range(starts[row], starts[row + 1]):
                name = self._names[columns[place]]
                totals[name] = totals.get(name, 0.0) - shares[place]
            out.append(_placed(totals, norm, batch, row, ends[2 * row : 2 * row + 3]) if totals else ())
        return out

    def _strongest(self, rows: Cells, weights: Floats, chosen: Any) -> tuple[Any, Any, Any]:
        """Row, column and share of the cells that spoke most for the class chosen, at most twelve of a row."""
        shown = np.flatnonzero(self._shown[rows.columns])
        numbers, columns = rows.numbers[shown], rows.columns[shown]
        shares = rows.values[shown] * weights[columns, chosen[numbers]]
        kept = np.flatnonzero(shares > 0)
        numbers, columns, shares = numbers[kept], columns[kept], shares[kept]
        # One sort for the batch: by row, the largest share first. Each row's cells stay where its cells were.
        order = np.argsort(numbers - 0.999 * shares / max(float(shares.max(initial=0)), 1e-9), kind="stable")
        firsts = np.searchsorted(numbers, np.arange(len(chosen)))
        order = order[np.arange(len(order)) - firsts[numbers] < _LOOKED_AT]
        return numbers[order], columns[order], shares[order]


def _placed(totals: dict[str, float], norm: float, batch: Batch, row: int, bounds: list[int]) -> Evidence:
    """The words in the order of their weight, at their first place that no stronger word has taken.

    `bounds` are the places of the newlines before the title, between title and body, and after the body.
    """
    before, between, after = bounds
    find, start = batch.joined.find, before + 1
    pieces: list[Piece] = []
    taken = 0  # a bit for each place
    ranked = sorted(zip(totals.values(), totals, strict=True))
    least = LEAST_SHARE * ranked[0][0]
    for total, word in ranked:
        if total > least or len(pieces) == MOST:
            break
        size, place = len(word), find(word, start, after)
        if place < 0 or taken >> place - start & (1 << size) - 1:
            continue
        taken |= (1 << size) - 1 << place - start
        in_body = place > between
        begin = place - (between if in_body else before) - 1
        end = begin + size
        if batch.normals and (normal := batch.normals.get(2 * row + in_body)):
            begin, end = normal.to_original(begin, end)
        pieces.append(("body" if in_body else "title", begin, end, int(0.5 - 10_000 * total / norm) / 10_000))
    return tuple(pieces)
