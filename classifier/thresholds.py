"""Curves and thresholds from held-out scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from classifier.data import Fifteen, Labels, Seven
from classifier.fitting import fit_curve
from classifier.heads import Curve, Floats
from classifier.parts import NATURES, Settings
from classifier.recipe import Held
from classifier.taxonomy import Taxonomy
from classifier.words import word_list

PRECISION = 0.97
# What held-out rows must support for the promise to hold on a few thousand others: see docs/research/classification.md.
AIMED = 0.975
RISK = 0.05
ACCUSATION_RECALL = 0.985
URGENT_FALSE_ALARMS = 0.01
Flags = npt.NDArray[np.bool_]


def lead_of(scores: Floats) -> Floats:
    """By how much the best score leads the second."""
    best = np.sort(scores, axis=1)
    out: Floats = best[:, -1] - best[:, -2]
    return out


def right_of(scores: Floats, classes: tuple[str, ...], labels: Labels) -> Flags:
    """Whether the best class is the label."""
    out: Flags = np.array(classes)[scores.argmax(1)] == labels
    return out


def lower_bound(right: Any, of: Any, risk: float = RISK) -> Any:
    """The exact one-sided lower bound of a share (Clopper and Pearson, 1934) at the given risk."""
    return np.where(right == 0, 0.0, beta.ppf(risk, np.maximum(right, 1), of - right + 1))


def promised_lead(lead: Floats, right: Flags, precision: float = AIMED, risk: float = RISK) -> float:
    """The smallest lead above which held-out rows support the precision: its lower bound at the risk reaches it.

    Infinity when no set of at least 30 rows does.
    """
    order = np.argsort(-lead, kind="stable")
    of = np.arange(1, len(lead) + 1)
    good = np.flatnonzero((lower_bound(np.cumsum(right[order]), of, risk) >= precision) & (of >= 30))
    return float(lead[order[good[-1]]]) if len(good) else float("inf")


def accusation_words(data: Fifteen) -> Flags:
    """Rows in which the word list finds an accusation."""
    found = word_list("accusation")
    return np.array([bool(found.find(f"{title} {body}")) for title, body in data.pairs], np.bool_)


def accusation_score(scores: Floats, words: Flags, labelled: Flags, recall: float = ACCUSATION_RECALL) -> float:
    """The highest score at which score or words still find the wanted share of the labelled rows."""
    ours = np.sort(np.where(words, np.inf, scores)[labelled])
    if not len(ours):
        return float("inf")
    allowed = int((1 - recall) * len(ours) + 1e-9)
    return float(np.nextafter(np.float32(ours[allowed]), np.float32(-np.inf)))


def settle(seven: Seven, seven_held: tuple[tuple[str, ...], Floats], fifteen: Fifteen, held: Held) -> Settings:
    """All curves and thresholds of a model."""
    classes, scores = seven_held
    lead7, right7 = lead_of(scores), right_of(scores, classes, seven.labels)
    lead15, right15 = lead_of(held.level1), right_of(held.level1, held.classes, fifteen.level1)
    curve7, curve15 = fit_curve(lead7, right7), fit_curve(lead15, right15)
    accused = fifteen.nature == "举报"
    calm = held.urgent[~fifteen.urgent]
    return Settings(
        seven=curve7,
        fifteen=curve15,
        level2=Curve(1.0, 0.0),
        auto_seven=_chance(curve7, promised_lead(lead7, right7)),
        auto_fifteen=_chance(curve15, promised_lead(lead15, right15)),
        accusation=accusation_score(held.accusation, accusation_words(fifteen), accused),
        urgent=float(np.quantile(calm, 1 - URGENT_FALSE_ALARMS)) if len(calm) else float("inf"),
    )


def level2_curve(fifteen: Fifteen, held: Held, taxonomy: Taxonomy) -> Curve:
    """The curve of the second level, where the first is right."""
    scores = under(held.level2, fifteen.level1, taxonomy)
    known = (scores > -100).sum(1) > 1
    best = np.array([key[1] for key in taxonomy.level2])[scores.argmax(1)]
    return fit_curve(lead_of(scores)[known], (best == fifteen.level2)[known])


def under(level2: Floats, level1: Labels, taxonomy: Taxonomy) -> Floats:
    """Second-level scores with the columns of other parents far below."""
    parents = np.array([key[0] for key in taxonomy.level2])
    out: Floats = np.where(parents[None, :] == level1[:, None], level2, np.float32(-1e3))
    return out


def nature_of(held: Held) -> Labels:
    """The best nature of each row."""
    best: Labels = np.array(NATURES)[held.nature.argmax(1)]
    return best


def _chance(curve: Curve, lead: float) -> float:
    return float(curve.chance(np.array([lead], np.float32))[0]) if np.isfinite(lead) else 2.0
