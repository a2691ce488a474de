"""The third level. No labels exist for it: a name is chosen when its words stand in the text, else it stays open."""

from __future__ import annotations

from typing import Any

import numpy as np

from classifier.folding import fold
from classifier.taxonomy import Taxonomy
from classifier.vectors import Cells, Vectoriser

LEAST = 0.12
CERTAIN = 0.6


class ThirdLevel:
    """Names of the third level under each second-level column, as rows to compare a text with."""

    def __init__(self, taxonomy: Taxonomy, vectoriser: Vectoriser) -> None:
        """Turn the names into rows."""
        self._names: list[str] = []
        parents: list[int] = []
        for column, key in enumerate(taxonomy.level2):
            for name in taxonomy.children[key]:
                self._names.append(name)
                parents.append(column)
        self._compared = vectoriser.rows([("", fold(name).text) for name in self._names]).T.tocsr()
        self._under = np.zeros((len(taxonomy.level2), max(1, len(self._names))), np.float32)
        self._under[parents, np.arange(len(parents))] = 1
        # For each second-level column, one after the other: the features of the names under it, all that is compared.
        self._width = vectoriser.vocabulary.size
        self._asked = np.zeros(len(taxonomy.level2) * self._width, np.bool_)
        features, names = self._compared.nonzero()
        self._asked[np.array(parents, np.int64)[names] * self._width + features] = True

    def choose(self, cells: Cells, columns: Any) -> tuple[list[str], Any]:
        """For each row, the name under its second-level column ("" when none fits), and how sure each is."""
        if not self._names:
            return [""] * len(columns), np.zeros(len(columns), np.float32)
        rows = cells.only(self._asked[(columns * self._width)[cells.numbers] + cells.columns])
        alike = (rows @ self._compared).toarray() * self._under[columns]
        best = alike.argmax(1)
        values = alike[np.arange(len(best)), best]
        fits = values >= LEAST
        names = [self._names[number] if fit else "" for number, fit in zip(best.tolist(), fits.tolist(), strict=True)]
        return names, np.minimum(values / CERTAIN, 1) * fits
