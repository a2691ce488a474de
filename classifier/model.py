"""The classifier: text in, suggestion out. At run time numpy and scipy alone, and no code in the model's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classifier.english import danger_codes
from classifier.errors import UnknownCategory
from classifier.evidence import Evidence, Explainer
from classifier.folding import SPACE, Batch, fold_all
from classifier.heads import Curve, Floats
from classifier.parts import Parts, from_arrays
from classifier.reading import is_text
from classifier.scores import Scorer, Scores
from classifier.store import load
from classifier.third import ThirdLevel
from classifier.vectors import Vectoriser, cells_of
from classifier.words import hits_by_row

SHIPPED = Path(__file__).parent / "shipped" / "model.npz"
LONGEST_TITLE = 500
LONGEST_BODY = 10_000
BATCH = 500
_NOT_AMONG = -1e3
DISCIPLINE = "纪检监察"


class Suggestion(NamedTuple):
    """What the model says of one text.

    `confidence` is the chance that the first level is right, `confidences` that of each level; `confident` whether it
    reaches the threshold set for 97 % right; `alternatives` are the best three (level1, level2, chance), the first of
    them the category itself; `evidence` are at most six (field, start, end, weight) in the text as given. `danger` is
    "gas", "fire", "collapse", "life" or "". `accusation`: anything that may be a report (举报), of a shop or of an
    office, at a recall of 98 %; `against_office`: words about the conduct of those in office stand in it, so it may be
    an accusation (检举控告) that only named readers read. `petition_kind` is the 信访事项类别. A text that is not
    Chinese, or too short, is `is_text` False and never confident.
    """

    category: tuple[str, str, str]
    nature: str
    urgent: bool
    danger: str
    sensitive: bool
    accusation: bool
    against_office: bool
    confidence: float
    confidences: tuple[float, float, float]
    confident: bool
    alternatives: tuple[tuple[str, str, float], ...]
    evidence: Evidence
    is_text: bool
    petition_kind: str
    version: str


class Classifier:
    """A loaded model. Safe to share between threads: nothing in it changes after loading."""

    def __init__(self, parts: Parts, version: str) -> None:
        """Prepare the look-up tables of a fitted model."""
        self.version = version
        self._scorer = Scorer(parts)
        self.parts = self._scorer.parts
        vocabulary, taxonomy = parts.vocabulary, parts.taxonomy
        self.vectoriser = Vectoriser(vocabulary)
        self._explainer = Explainer(vocabulary.words, vocabulary.title_ids.tolist(), vocabulary.body_size)
        self._third = ThirdLevel(taxonomy, self.vectoriser)
        parents = [level1 for level1, _ in taxonomy.level2]
        # For each first-level class, 0 at its own second-level columns and far below elsewhere.
        self._children = {
            name: np.array([0.0 if parent == name else _NOT_AMONG for parent in parents], np.float32)
            for name in taxonomy.level1
        }

    @classmethod
    def load(cls, path: Path | str | None = None) -> Classifier:
        """The model in a file, or the one that ships with the hub. Raises DamagedModel."""
        arrays, about, version = load(Path(path) if path is not None else SHIPPED)
        return cls(from_arrays(arrays, about), version)

    def check_among(self, among: Iterable[str]) -> tuple[str, ...]:
        """First-level names as given, known and without repeats. Raises UnknownCategory."""
        names = tuple(dict.fromkeys(name.strip() for name in among if name.strip()))
        unknown = [name for name in names if name not in self.parts.fifteen.classes]
        if unknown or not names:
            known = "、".join(self.parts.fifteen.classes)
            raise UnknownCategory(f"没有这个一级分类：{'、'.join(unknown) or '（空）'}。可用的有：{known}。")
        return names

    def suggest(self, title: str, body: str, among: Iterable[str] | None = None) -> Suggestion:
        """The suggestion for one text; `among` limits the first level to those named. Raises UnknownCategory."""
        return next(self.suggest_many([(title, body)], among))

    def suggest_many(
        self,
        rows: Iterable[tuple[str, str]],
        among: Iterable[str] | None = None,
        batch: int = BATCH,
        *,
        explain: bool = True,
    ) -> Iterator[Suggestion]:
        """A suggestion for each (title, body), in order, read and judged `batch` at a time: memory stays constant.

        Without `explain` no evidence is looked for, which takes a seventh of the time.
        """
        names = self.check_among(among) if among is not None else None
        waiting = iter(rows)
        while part := list(islice(waiting, batch)):
            yield from self._judge(part, names, explain)

    def _judge(
        self, given: Sequence[tuple[str, str]], among: tuple[str, ...] | None, explain: bool
    ) -> list[Suggestion]:
        given = [(title[:LONGEST_TITLE], body[:LONGEST_BODY]) for title, body in given]
        batch = fold_all(list(chain.from_iterable(given)))
        rows = self.vectoriser.joined_rows(len(given), batch.codes)
        cells = cells_of(rows)
        scores = self._scorer.scores(rows)
        first = _first_level(self.parts, scores, among)
        order = np.argsort(-first.scores, axis=1, kind="stable")
        readable = _readable(given, batch)
        chance = first.curve.chance(_lead(first.scores, order)).astype(np.float64) * readable
        best = order[:, :3]
        second = self._second_level(scores.level2, first.classes, best)
        third, third_chance = self._third.choose(cells, second.columns[:, 0])
        chances = np.cumprod(np.stack([chance, second.chance, third_chance], axis=1), axis=1).round(4)
        evidence: list[Evidence] = [()] * len(given)
        if explain:
            evidence = self._explainer.explain(cells, first.weights, first.norms, order[:, 0], batch)
        flags = _Flags(self.parts, scores, batch)
        shares = _shares(first.scores, best, chance) * readable[:, None]
        columns = self.parts.taxonomy.level2
        lines = zip(
            second.columns.tolist(),
            third,
            chances.tolist(),
            (readable & (chance >= first.threshold)).tolist(),
            shares.astype(np.float64).round(4).tolist(),
            evidence,
            readable.tolist(),
            strict=True,
        )
        out = []
        for number, (ranked, name, sure, confident, parts, pieces, text) in enumerate(lines):
            paths = [columns[column] for column in ranked]
            nature, urgent, danger, sensitive, accusation, against_office, kind = flags.of(number, paths[0][0])
            out.append(
                Suggestion(
                    (*paths[0], name), nature, urgent, danger, sensitive, accusation, against_office,
                    sure[0], (sure[0], sure[1], sure[2]), confident,
                    tuple([(*path, part) for path, part in zip(paths, parts, strict=True)]),
                    pieces, text, kind, self.version,
                )
            )  # fmt: skip
        return out

    def _second_level(self, scores: Floats, classes: tuple[str, ...], best: Any) -> _Second:
        """The best child of each of the best first-level classes, and the chance that the very first is right."""
        masks = np.stack([self._children[name] for name in classes])
        columns = np.stack([(scores + masks[best[:, rank]]).argmax(1) for rank in range(best.shape[1])], axis=1)
        two = np.partition(scores + masks[best[:, 0]], -2, axis=1)[:, -2:]
        lead = np.minimum(two[:, 1] - two[:, 0], 4)  # an only child leads by the mask alone
        return _Second(columns, self.parts.settings.level2.chance(lead))


@dataclass(frozen=True, slots=True)
class _First:
    classes: tuple[str, ...]
    scores: Floats
    norms: Floats
    weights: Floats
    curve: Curve
    threshold: float


@dataclass(frozen=True, slots=True)
class _Second:
    columns: Any
    chance: Floats


def _first_level(parts: Parts, found: Scores, among: tuple[str, ...] | None) -> _First:
    """Scores of the first level: by the seven-class head when only its classes are asked for, else by the fifteen's."""
    settings = parts.settings
    if among is not None and set(among) <= set(parts.seven.classes):
        head, scores, norms = parts.seven, found.seven, found.seven_norms
        curve, threshold = settings.seven, settings.auto_seven
    else:
        head, scores, norms = parts.fifteen, found.fifteen, found.fifteen_norms
        curve, threshold = settings.fifteen, settings.auto_fifteen
    if among is not None:
        scores = _limited(scores, head.classes, among)
    return _First(head.classes, scores, norms, head.weights, curve, threshold)


def _limited(scores: Floats, classes: tuple[str, ...], among: tuple[str, ...]) -> Floats:
    mask = np.array([0.0 if name in among else _NOT_AMONG for name in classes], np.float32)
    return scores + mask


def _lead(scores: Floats, order: Any) -> Floats:
    """By how much the first class leads the second; with one class only, by more than any doubt."""
    if scores.shape[1] == 1:
        return np.full(len(scores), -_NOT_AMONG, np.float32)
    lines = np.arange(len(scores))
    out: Floats = scores[lines, order[:, 0]] - scores[lines, order[:, 1]]
    return out


def _shares(scores: Floats, best: Any, chance: Any) -> Floats:
    """The chance of the first, and what it leaves shared out among the others by their scores."""
    weights = np.exp(np.clip(2 * scores, -30, 30))
    lines = np.arange(len(scores))
    weights[lines, best[:, 0]] = 0
    rest = weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)
    out: Floats = rest[lines[:, None], best] * (1 - chance)[:, None]
    out[:, 0] = chance
    return out


def _readable(given: Sequence[tuple[str, str]], batch: Batch) -> npt.NDArray[np.bool_]:
    """Whether each is a text that can be judged at all."""
    starts = np.append(0, batch.ends[1:-1:2] + 1)
    han = np.add.reduceat(batch.codes > SPACE, starts, dtype=np.int64).tolist()
    return np.array([is_text(*pair, count) for pair, count in zip(given, han, strict=True)], np.bool_)


class _Flags:
    """Nature, urgency, danger, sensitive matters and accusations of a batch, from scores and word lists."""

    def __init__(self, parts: Parts, scores: Scores, batch: Batch) -> None:
        natures = parts.nature.classes
        self._natures = [natures[best] for best in scores.nature.argmax(1).tolist()]
        self._accusation = (scores.accusation[:, 0] >= parts.settings.accusation).tolist()
        self._urgent = (scores.urgent[:, 0] >= parts.settings.urgent).tolist()
        ends = (batch.ends[1::2] + 1).tolist()
        self._hits = hits_by_row(batch.joined, batch.codes, ends)
        for field, text in batch.latin.items():
            for code in danger_codes(text):
                self._hits.setdefault(field // 2, {}).setdefault("danger", []).append(code)

    def of(self, number: int, level1: str) -> tuple[str, bool, str, bool, bool, bool, str]:
        """Nature, urgent, danger, sensitive, accusation, against an office, and 信访事项类别 of one row."""
        nature = self._natures[number]
        urgent, accusation = self._urgent[number], self._accusation[number] or nature == "举报"
        hits = self._hits.get(number, {})
        reported = accusation or "accusation" in hits
        against_office = "office" in hits.get("accusation", []) or (reported and level1 == DISCIPLINE)
        return (
            nature,
            urgent or "danger" in hits or "urgent" in hits,
            hits.get("danger", [""])[0],
            "sensitive" in hits,
            reported,
            against_office,
            petition_kind(nature, level1, against_office),
        )


def petition_kind(nature: str, level1: str, accused: bool) -> str:
    """The 信访事项类别 (信访工作条例 第十七条): 建议意见, 检举控告 or 申诉求决.

    A report of an offence by a shop or on a site is the regulator's ordinary work, so 检举控告 needs words about
    the conduct of those in office, or the discipline class.
    """
    if nature in ("建议", "表扬"):
        return "建议意见"
    if nature == "举报" and (accused or level1 == DISCIPLINE):
        return "检举控告"
    return "申诉求决"
