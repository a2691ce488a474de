"""Fitting the heads. Needs scikit-learn; what comes out does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifier.heads import Curve, Floats, PlainHead, RatioHead

FLOOR = 0.2
SEED = 20
Labels = npt.NDArray[np.str_]
Doubles = npt.NDArray[np.float64]


def norm_rows(rows: Any) -> Any:
    """The rows at length 1 (a row of nothing stays)."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
    lengths[lengths == 0] = 1
    return (sparse.diags(1 / lengths) @ rows).tocsr()


def log_ratio(rows: Any, inside: npt.NDArray[np.bool_], weights: Doubles, smoothing: float) -> Doubles:
    """max(.2, |log count ratio|) of each feature for the rows inside a class against the others."""
    weighed = (sparse.diags(weights) @ rows).tocsr()
    ours = np.asarray(weighed[inside].sum(0)).ravel() + smoothing
    theirs = np.asarray(weighed[~inside].sum(0)).ravel() + smoothing
    ratio: Doubles = np.maximum(FLOOR, np.abs(np.log((ours / ours.sum()) / (theirs / theirs.sum()))))
    return ratio


def fit_ratio_head(
    rows: Any,
    labels: Labels,
    *,
    cost: float,
    smoothing: float,
    weights: Doubles | None = None,
    beside: Floats | None = None,
) -> RatioHead:
    """One ratio-weighted linear machine for each class against the rest, with dense features beside if given."""
    weights = np.ones(len(labels)) if weights is None else weights
    dense = np.zeros((len(labels), 0), np.float32) if beside is None else beside
    rows = rows.astype(np.float64)
    classes = tuple(sorted(set(labels.tolist())))
    squares, products, biases, besides = [], [], [], []
    width = rows.shape[1]
    for name in classes:
        inside = labels == name
        ratio = log_ratio(rows, inside, weights, smoothing)
        seen = sparse.hstack([norm_rows(rows.multiply(ratio).tocsr()), sparse.csr_matrix(dense)]).tocsr()
        machine = LinearSVC(C=cost, random_state=SEED).fit(seen, inside, sample_weight=weights)
        squares.append(ratio * ratio)
        products.append(ratio * machine.coef_[0][:width])
        besides.append(machine.coef_[0][width:])
        biases.append(machine.intercept_[0])
    return RatioHead(classes, _columns(squares), _columns(products), _single(biases), _columns(besides))


def fit_plain_head(
    rows: Any, labels: Labels, classes: Sequence[str], *, cost: float, weights: Doubles | None = None
) -> PlainHead:
    """One linear machine for each of `classes` against the rest; a class without rows is never chosen."""
    rows = rows.astype(np.float64)
    coefficients, biases = [], []
    for name in classes:
        inside = labels == name
        if inside.all() or not inside.any():
            coefficients.append(np.zeros(rows.shape[1]))
            biases.append(1.0 if inside.all() else -2.0)
            continue
        machine = LinearSVC(C=cost, random_state=SEED).fit(rows, inside, sample_weight=weights)
        coefficients.append(machine.coef_[0])
        biases.append(machine.intercept_[0])
    return PlainHead(tuple(classes), _columns(coefficients), _single(biases))


def fit_curve(lead: Floats, right: npt.NDArray[np.bool_]) -> Curve:
    """The logistic curve through held-out leads and whether the first class was right."""
    if right.all() or not right.any():
        return Curve(1.0, 2.0 if right.all() else -2.0)
    fitted = LogisticRegression(C=1e4).fit(lead.reshape(-1, 1), right)
    return Curve(max(float(fitted.coef_[0][0]), 1e-3), float(fitted.intercept_[0]))


def _columns(parts: Sequence[Any]) -> Floats:
    """Vectors side by side, at the precision they are stored with, so that a loaded model scores like a fitted one."""
    return np.ascontiguousarray(np.stack(parts, axis=1).astype(np.float16).astype(np.float32))


def _single(parts: Sequence[float]) -> Floats:
    return np.array(parts, np.float32)
