"""The labelled messages that a model is trained and measured on, folded and grouped."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold

from classifier.errors import MissingData
from classifier.folding import fold
from classifier.taxonomy import Taxonomy
from classifier.vectors import Pair, Vectoriser, build_vocabulary

LEAST_SIMILAR = 0.75
SURE_WEIGHTS = {"2": 1.0, "1": 0.7, "0": 0.3}
Labels = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Seven:
    """Messages labelled with one of seven first-level classes."""

    pairs: list[Pair]
    labels: Labels
    groups: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fifteen:
    """Messages labelled with one of fifteen first-level classes, and more."""

    pairs: list[Pair]
    texts: list[Pair]
    level1: Labels
    level2: Labels
    nature: Labels
    urgent: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float64]
    groups: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Data:
    """Everything that training reads; `apart` are the seven-class rows that resemble none of the fifteen-class ones."""

    seven: Seven
    fifteen: Fifteen
    apart: npt.NDArray[np.int64]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a UTF-8 CSV file. Raises MissingData where there is none."""
    if not path.is_file():
        raise MissingData(f"文件夹 {path.parent} 里没有 {path.name}，请用 --data 指明标注数据所在的文件夹。")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def load_data(folder: Path) -> Data:
    """Read categories_train.csv, categories15.csv and (where present) categories15_more.csv of a folder."""
    first = read_rows(folder / "categories_train.csv")
    second = read_rows(folder / "categories15.csv")
    more = folder / "categories15_more.csv"
    second += read_rows(more) if more.exists() else []
    seven = Seven(
        [folded(row) for row in first],
        np.array([row["label"] for row in first]),
        np.unique([row["group"] for row in first], return_inverse=True)[1].astype(np.int64),
    )
    pairs = [folded(row) for row in second]
    groups, near = near_copies(pairs, seven.pairs)
    fifteen = Fifteen(
        pairs,
        [(row["title"], row["body"]) for row in second],
        np.array([row["level1"] for row in second]),
        np.array([row["level2"] for row in second]),
        np.array([row["nature"] for row in second]),
        np.array([row["urgent"] == "1" for row in second]),
        np.array([SURE_WEIGHTS[row.get("sure") or "2"] for row in second]),
        groups,
    )
    return Data(seven, fifteen, np.setdiff1d(np.arange(len(first)), near))


def folded(row: dict[str, str]) -> Pair:
    """Title and body of a row as the model reads them."""
    return fold(row["title"]).text, fold(row["body"]).text


def near_copies(pairs: Sequence[Pair], others: Sequence[Pair]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Group numbers of `pairs` (near-copies share one), and the places in `others` that copy any of them."""
    whole = [("", f"{title} {body}") for title, body in (*pairs, *others)]
    rows = Vectoriser(build_vocabulary(whole, least=2)).rows(whole)
    alike = (rows[: len(pairs)] @ rows.T).tocsr()
    alike.data[alike.data < LEAST_SIMILAR] = 0
    alike.eliminate_zeros()
    groups = connected_components(alike[:, : len(pairs)], directed=False)[1].astype(np.int64)
    return groups, np.unique(alike[:, len(pairs) :].nonzero()[1]).astype(np.int64)


def folds(groups: npt.NDArray[np.int64], count: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """(training places, held-out places) for each fold; a group is never in both."""
    size = min(count, len(np.unique(groups)))
    yield from GroupKFold(size, shuffle=True, random_state=seed).split(groups, groups=groups)


def name_documents(taxonomy: Taxonomy) -> list[Pair]:
    """A made-up message for each second-level class out of the names under it."""
    out = []
    for (level1, level2), names in taxonomy.children.items():
        out.append((fold(level2).text, fold(f"{level1} {level2} {' '.join(names)}").text))
    return out


def stack(*parts: Any) -> Any:
    """Sparse rows, one block under the other."""
    return sparse.vstack(parts).tocsr()
