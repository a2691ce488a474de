"""The scores of all heads over a batch, in two products: the weights that a cell meets lie side by side in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifier.heads import Floats, squares_of
from classifier.parts import BESIDE_SCALE, HEADS, Parts


@dataclass(frozen=True, slots=True)
class Scores:
    """Of each head: rows x classes; of the ratio heads the norms too (for evidence)."""

    seven: Floats
    seven_norms: Floats
    fifteen: Floats
    fifteen_norms: Floats
    level2: Floats
    nature: Floats
    accusation: Floats
    urgent: Floats


class Scorer:
    """A model's heads with their weights in one array; `parts` is the same model, its heads looking into it."""

    def __init__(self, parts: Parts) -> None:
        """Lay the weights side by side."""
        heads = {name: getattr(parts, name) for name in HEADS}
        self._weights, self._cuts, views = _side_by_side([head.weights for head in heads.values()])
        laid = {name: replace(head, weights=view) for (name, head), view in zip(heads.items(), views, strict=True)}
        self._squares, self._square_cuts, (seven, fifteen) = _side_by_side([parts.seven.squares, parts.fifteen.squares])
        laid["seven"] = replace(laid["seven"], squares=seven)
        laid["fifteen"] = replace(laid["fifteen"], squares=fifteen)
        self.parts = replace(parts, **laid)

    def scores(self, rows: Any) -> Scores:
        """The scores of sparse rows by every head."""
        parts = self.parts
        products = dict(zip(HEADS, np.split(rows @ self._weights, self._cuts, axis=1), strict=True))
        squares = np.split(squares_of(rows) @ self._squares, self._square_cuts, axis=1)
        seven, seven_norms = parts.seven.judged(products["seven"], squares[0])
        return Scores(
            seven,
            seven_norms,
            *parts.fifteen.judged(products["fifteen"], squares[1], seven * BESIDE_SCALE),
            products["level2"] + parts.level2.bias,
            products["nature"] + parts.nature.bias,
            products["accusation"] + parts.accusation.bias,
            products["urgent"] + parts.urgent.bias,
        )


def _side_by_side(arrays: list[Floats]) -> tuple[Floats, list[int], list[Floats]]:
    """The arrays in one, the columns at which it is cut into them, and the pieces (no copies)."""
    whole = np.hstack(arrays)
    cuts = np.cumsum([array.shape[1] for array in arrays])[:-1].tolist()
    return whole, cuts, np.split(whole, cuts, axis=1)
