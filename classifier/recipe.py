"""How each head is fitted, and how rows are held out to measure it. One recipe for training and for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.data import Data, Fifteen, Labels, folds, name_documents, stack
from classifier.fitting import SEED, fit_plain_head, fit_ratio_head
from classifier.heads import Floats, PlainHead, RatioHead
from classifier.parts import BESIDE_SCALE, NATURES
from classifier.taxonomy import Taxonomy
from classifier.vectors import Pair, Vectoriser, build_vocabulary

FOLDS = 5
SEVEN_COST, SEVEN_SMOOTHING = 4.0, 0.3
FIFTEEN_COST, FIFTEEN_SMOOTHING = 1.0, 0.1
LEVEL2_COST, LEVEL2_NAME_WEIGHT = 10.0, 0.5
NATURE_COST, FLAG_COST, FLAG_WEIGHT = 1.0, 0.3, 3.0


@dataclass(frozen=True, slots=True)
class Heads:
    """What is fitted on the fifteen-class rows."""

    fifteen: RatioHead
    level2: PlainHead
    nature: PlainHead
    accusation: PlainHead
    urgent: PlainHead


@dataclass(frozen=True, slots=True)
class Held:
    """Scores of the fifteen-class rows by heads that had not seen them, and the fold of each."""

    classes: tuple[str, ...]
    level1: Floats
    level2: Floats
    nature: Floats
    accusation: Floats
    urgent: Floats
    fold: npt.NDArray[np.int64]


def fit_seven(rows: Any, labels: Labels) -> RatioHead:
    """The seven-class head."""
    return fit_ratio_head(rows, labels, cost=SEVEN_COST, smoothing=SEVEN_SMOOTHING)


def fit_heads(vectoriser: Vectoriser, data: Fifteen, places: Any, seven: Floats, taxonomy: Taxonomy) -> Heads:
    """The other heads, on the rows at `places` with their seven-class scores; taxonomy names serve as rows too."""
    rows = vectoriser.rows([data.pairs[place] for place in places])
    names = vectoriser.rows(name_documents(taxonomy))
    count = names.shape[0]
    weights = data.weights[places]
    beside = np.vstack([seven, np.tile(seven.mean(0), (count, 1))]).astype(np.float32) * BESIDE_SCALE
    level1 = np.concatenate([data.level1[places], [key[0] for key in taxonomy.level2]])
    level2 = np.concatenate([data.level2[places], [key[1] for key in taxonomy.level2]])
    both = stack(rows, names)
    fifteen = fit_ratio_head(
        both,
        level1,
        cost=FIFTEEN_COST,
        smoothing=FIFTEEN_SMOOTHING,
        weights=np.concatenate([weights, np.ones(count)]),
        beside=beside,
    )
    level2_weights = np.concatenate([weights, np.full(count, LEVEL2_NAME_WEIGHT)])
    return Heads(
        fifteen,
        _fit_level2(both, level1, level2, level2_weights, taxonomy),
        fit_plain_head(rows, data.nature[places], NATURES, cost=NATURE_COST, weights=weights),
        _fit_flag(rows, data.nature[places] == "举报"),
        _fit_flag(rows, data.urgent[places]),
    )


def _fit_level2(rows: Any, level1: Labels, level2: Labels, weights: Any, taxonomy: Taxonomy) -> PlainHead:
    """Second-level columns in the taxonomy's order, each set of sisters fitted among themselves."""
    coefficients, biases = [], []
    for parent in taxonomy.level1:
        inside = level1 == parent
        sisters = [name for above, name in taxonomy.level2 if above == parent]
        head = fit_plain_head(rows[inside], level2[inside], sisters, cost=LEVEL2_COST, weights=weights[inside])
        coefficients.append(head.weights)
        biases.append(head.bias)
    names = tuple("/".join(key) for key in taxonomy.level2)
    return PlainHead(names, np.ascontiguousarray(np.hstack(coefficients)), np.concatenate(biases))


def _fit_flag(rows: Any, flagged: npt.NDArray[np.bool_]) -> PlainHead:
    labels = np.where(flagged, "1", "0")
    return fit_plain_head(rows, labels, ("1",), cost=FLAG_COST, weights=np.where(flagged, FLAG_WEIGHT, 1.0))


def held_out_seven(data: Data, seed: int = SEED) -> tuple[tuple[str, ...], Floats]:
    """Seven-class scores of every row by a model (vocabulary included) fitted on other groups."""
    seven = data.seven
    classes = tuple(sorted(set(seven.labels.tolist())))
    scores = np.full((len(seven.labels), len(classes)), -1e3, np.float32)
    for inside, outside in folds(seven.groups, FOLDS, seed):
        vectoriser = Vectoriser(build_vocabulary(_take(seven.pairs, inside)))
        head = fit_seven(vectoriser.rows(_take(seven.pairs, inside)), seven.labels[inside])
        columns = [classes.index(name) for name in head.classes]
        found = head.scores(vectoriser.rows(_take(seven.pairs, outside)))[0]
        scores[np.ix_(outside, columns)] = found
    return classes, scores


def seven_for_fifteen(data: Data) -> Floats:
    """Seven-class scores of the fifteen-class rows, by a model that saw none of them nor a near-copy."""
    places = _apart(data)
    pairs = _take(data.seven.pairs, places)
    vectoriser = Vectoriser(build_vocabulary(pairs))
    head = fit_seven(vectoriser.rows(pairs), data.seven.labels[places])
    return head.scores(vectoriser.rows(data.fifteen.pairs))[0]


def held_out_fifteen(data: Data, taxonomy: Taxonomy, seven: Floats, seed: int = SEED) -> Held:
    """All other scores of every fifteen-class row, by heads (vocabulary included) fitted on other groups."""
    fifteen = data.fifteen
    apart = _take(data.seven.pairs, _apart(data))
    count = len(fifteen.pairs)
    classes = tuple(sorted(set(fifteen.level1.tolist()) | set(taxonomy.level1)))
    level1 = np.full((count, len(classes)), -1e3, np.float32)
    level2 = np.zeros((count, len(taxonomy.level2)), np.float32)
    nature = np.zeros((count, len(NATURES)), np.float32)
    flags = np.zeros((count, 2), np.float32)
    fold_of = np.zeros(count, np.int64)
    for number, (inside, outside) in enumerate(folds(fifteen.groups, FOLDS, seed)):
        vectoriser = Vectoriser(build_vocabulary([*apart, *_take(fifteen.pairs, inside)]))
        heads = fit_heads(vectoriser, fifteen, inside, seven[inside], taxonomy)
        rows = vectoriser.rows(_take(fifteen.pairs, outside))
        columns = [classes.index(name) for name in heads.fifteen.classes]
        level1[np.ix_(outside, columns)] = heads.fifteen.scores(rows, seven[outside] * BESIDE_SCALE)[0]
        level2[outside] = heads.level2.scores(rows)
        nature[outside] = heads.nature.scores(rows)
        flags[outside, 0] = heads.accusation.scores(rows)[:, 0]
        flags[outside, 1] = heads.urgent.scores(rows)[:, 0]
        fold_of[outside] = number
    return Held(classes, level1, level2, nature, flags[:, 0], flags[:, 1], fold_of)


def _apart(data: Data) -> Any:
    """Places of the seven-class rows that copy none of the others; all of them where that would leave one class."""
    return data.apart if len(set(data.seven.labels[data.apart].tolist())) > 1 else np.arange(len(data.seven.pairs))


def _take(pairs: Sequence[Pair], places: Any) -> list[Pair]:
    return [pairs[place] for place in places]
