"""Linear heads over the sparse rows. Plain arrays: at run time nothing but products of matrices.

A ratio head weighs the features of a row for each class by the naive-Bayes log-count ratio, normalises again and takes
a linear score (Wang and Manning, 2012, "Baselines and Bigrams", with one support vector machine against the rest).
Because the weighing is a product of columns, it comes to two sparse products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def squares_of(rows: Any) -> Any:
    """The rows with each value squared; places are shared with the rows given."""
    squared = type(rows)((rows.data * rows.data, rows.indices, rows.indptr), shape=rows.shape, copy=False)
    return squared


@dataclass(frozen=True, slots=True)
class RatioHead:
    """Scores of several classes, each with its own weighing of the features."""

    classes: tuple[str, ...]
    squares: Floats  # features x classes: the ratio, squared
    weights: Floats  # features x classes: ratio x coefficient
    bias: Floats
    beside: Floats  # dense features x classes; no rows where the head takes none

    def scores(self, rows: Any, beside: Floats | None = None) -> tuple[Floats, Floats]:
        """The scores (rows x classes), and the norm by which each was divided (for evidence)."""
        return self.judged(rows @ self.weights, squares_of(rows) @ self.squares, beside)

    def judged(self, products: Floats, squares: Floats, beside: Floats | None = None) -> tuple[Floats, Floats]:
        """The same from the rows' products with the weights, and those of their squares."""
        norms: Floats = np.sqrt(squares)
        norms[norms == 0] = 1
        scores: Floats = products / norms + self.bias
        if beside is not None:
            scores = scores + beside @ self.beside
        return scores, norms


@dataclass(frozen=True, slots=True)
class PlainHead:
    """Scores of several classes over the rows as they are."""

    classes: tuple[str, ...]
    weights: Floats
    bias: Floats

    def scores(self, rows: Any) -> Floats:
        """The scores, rows x classes."""
        out: Floats = rows @ self.weights + self.bias
        return out


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic curve from the lead of the first class over the second to the chance that it is right."""

    slope: float
    shift: float

    def chance(self, lead: Floats) -> Floats:
        """The chance for each lead, between 0 and 1."""
        out: Floats = 1 / (1 + np.exp(-np.clip(self.slope * lead + self.shift, -30, 30)))
        return out
