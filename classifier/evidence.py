"""The words that spoke for a decision, with their places in the text as given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.folding import Folded
from classifier.heads import Floats

MOST = 6
_LOOKED_AT = 14
Piece = tuple[str, int, int, float]


class Explainer:
    """Finds the words with the largest share in a class's score."""

    def __init__(self, words: Sequence[str], title_ids: Sequence[int], body_size: int) -> None:
        """Take the vocabulary: words (characters follow them and are not shown), and the title block's features."""
        names: list[str] = [*words, *([""] * (body_size - len(words)))]
        self._names = [*names, *(names[number] for number in title_ids)]

    def explain(
        self, rows: Any, weights: Floats, norms: Floats, chosen: Sequence[int], texts: Sequence[tuple[Folded, Folded]]
    ) -> list[tuple[Piece, ...]]:
        """For each row at most six (field, start, end, weight), the strongest first."""
        chosen_array = np.asarray(chosen)
        row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        shares = rows.data * weights[rows.indices, chosen_array[row_of]]
        starts = rows.indptr.tolist()
        own_norms = norms[np.arange(len(chosen_array)), chosen_array].tolist()
        out = []
        for number, fields in enumerate(texts):
            first, end = starts[number], starts[number + 1]
            part = shares[first:end]
            if end - first > _LOOKED_AT:
                best = np.argpartition(part, -_LOOKED_AT)[-_LOOKED_AT:]
            else:
                best = np.arange(end - first)
            totals: dict[str, float] = {}
            for column, share in zip(rows.indices[first:end][best].tolist(), part[best].tolist(), strict=True):
                name = self._names[column]
                if name and share > 0:
                    totals[name] = totals.get(name, 0.0) + share
            out.append(_placed(totals, fields, own_norms[number]))
        return out


def _placed(totals: dict[str, float], fields: tuple[Folded, Folded], norm: float) -> tuple[Piece, ...]:
    """The words in the order of their weight, at their first place that no stronger word has taken."""
    pieces: list[Piece] = []
    taken: list[tuple[str, int, int]] = []
    for word, total in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
        for field, folded in zip(("title", "body"), fields, strict=True):
            start = folded.text.find(word)
            if start < 0:
                continue
            end = start + len(word)
            if not any(field == name and start < until and begin < end for name, begin, until in taken):
                taken.append((field, start, end))
                pieces.append((field, *folded.to_original(start, end), round(total / norm, 4)))
            break
        if len(pieces) == MOST:
            break
    return tuple(pieces)
