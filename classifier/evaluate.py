"""Evaluation: what the recipe reaches on rows held out by group, as a table of lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from classifier.data import Data, Fifteen, Labels, load_data
from classifier.fitting import SEED
from classifier.heads import Floats
from classifier.recipe import Held, held_out_fifteen, held_out_seven, seven_for_fifteen
from classifier.taxonomy import Taxonomy, read_taxonomy
from classifier.thresholds import (
    PRECISION,
    URGENT_FALSE_ALARMS,
    Flags,
    accusation_score,
    accusation_words,
    lead_of,
    nature_of,
    promised_lead,
    right_of,
    under,
)
from classifier.words import word_list

SPLITS = 200
TESTED = 1850


def evaluate(data_folder: Path, *, taxonomy: Taxonomy | None = None, seed: int = SEED) -> Iterator[str]:
    """The table, line by line, of five folds by group. Raises MissingData."""
    data = load_data(data_folder)
    taxonomy = taxonomy or read_taxonomy()
    yield f"数据：七类 {len(data.seven.pairs)} 行，十五类 {len(data.fifteen.pairs)} 行；5 折，近似文本同折，种子 {seed}"
    yield from _seven_lines(data, seed)
    held = held_out_fifteen(data, taxonomy, seven_for_fifteen(data), seed)
    yield from _fifteen_lines(data.fifteen, held, taxonomy)
    yield from _flag_lines(data.fifteen, held)


def _seven_lines(data: Data, seed: int) -> Iterator[str]:
    classes, scores = held_out_seven(data, seed)
    labels = data.seven.labels
    right, lead = right_of(scores, classes, labels), lead_of(scores)
    best = np.array(classes)[scores.argmax(1)]
    low, high = _interval(labels, best, data.seven.groups)
    macro = f1_score(labels, best, average="macro")
    yield f"七类 宏平均 F1 {macro:.4f}（90% 区间 {low:.4f}–{high:.4f}），准确率 {right.mean():.4f}"
    yield f"七类 97% 准确时可自动的比例（风险–覆盖曲线） {coverage(lead, right):.4f}"
    shares, kept = _promise(lead, right, data.seven.groups, seed)
    yield f"七类 事先定阈值：自动比例 {shares.mean():.4f}，{SPLITS} 次划分中守住 97% 的占 {kept.mean():.3f}"
    yield from _by_class(labels, best, classes)


def _fifteen_lines(data: Fifteen, held: Held, taxonomy: Taxonomy) -> Iterator[str]:
    right, lead = right_of(held.level1, held.classes, data.level1), lead_of(held.level1)
    best = np.array(held.classes)[held.level1.argmax(1)]
    top = np.array(held.classes)[np.argsort(-held.level1, axis=1)[:, :3]]
    second = np.array([key[1] for key in taxonomy.level2])[under(held.level2, best, taxonomy).argmax(1)]
    both = right & (second == data.level2)
    yield f"十五类 一级准确率 {right.mean():.4f}（±{_error(right):.4f}）"
    yield f"十五类 一二级都对 {both.mean():.4f}（±{_error(both):.4f}）"
    yield f"十五类 前三名含正确一级 {(top == data.level1[:, None]).any(1).mean():.4f}"
    yield f"十五类 97% 准确时可自动的比例（风险–覆盖曲线） {coverage(lead, right):.4f}"
    yield f"诉求性质 准确率 {(nature_of(held) == data.nature).mean():.4f}"
    yield from _by_class(data.level1, best, held.classes)


def _flag_lines(data: Fifteen, held: Held) -> Iterator[str]:
    accused, words = data.nature == "举报", accusation_words(data)
    found = np.zeros(len(accused), np.bool_)
    for number in np.unique(held.fold):
        here, there = held.fold == number, held.fold != number
        score = accusation_score(held.accusation[there], words[there], accused[there])
        found[here] = words[here] | (held.accusation[here] >= score)
    found |= nature_of(held) == "举报"
    yield f"举报 召回 {_part(found, accused)}，误报 {found[~accused].mean():.4f}（阈值取自其他折）"
    score = accusation_score(held.accusation, words, accused)
    found = words | (held.accusation >= score) | (nature_of(held) == "举报")
    yield f"举报 召回 {_part(found, accused)}，误报 {found[~accused].mean():.4f}（出厂阈值）"
    danger, listed = _listed(data, "danger"), _listed(data, "urgent")
    scored = held.urgent >= np.quantile(held.urgent[~data.urgent], 1 - URGENT_FALSE_ALARMS)
    urgent = danger | listed | scored
    yield f"紧急 召回 {_part(urgent, data.urgent)}，误报 {urgent[~data.urgent].mean():.4f}（词表曾对照这些行编写）"
    yield f"涉险词 命中占比 {danger.mean():.4f}；敏感词 命中占比 {_listed(data, 'sensitive').mean():.4f}"


def coverage(lead: Floats, right: Flags, precision: float = PRECISION) -> float:
    """The largest share of rows, surest first, of which the wanted precision is right."""
    order = np.argsort(-lead, kind="stable")
    kept = np.flatnonzero(np.cumsum(right[order]) / np.arange(1, len(right) + 1) >= precision)
    return float((kept[-1] + 1) / len(right)) if len(kept) else 0.0


def _promise(lead: Floats, right: Flags, groups: Any, seed: int) -> tuple[Floats, Flags]:
    """Thresholds found on some groups and tried on others: the share decided, and whether the promise was kept."""
    random = np.random.default_rng(seed)
    shares, kept = [], []
    for _ in range(SPLITS):
        order = random.permutation(np.unique(groups))
        place = np.argsort(order)[groups]
        tested = place < np.sort(place)[min(TESTED, len(place) // 2)]
        decided = lead[tested] >= promised_lead(lead[~tested], right[~tested])
        shares.append(decided.mean())
        kept.append(not decided.any() or right[tested][decided].mean() >= PRECISION)
    return np.array(shares, np.float32), np.array(kept, np.bool_)


def _interval(labels: Labels, best: Labels, groups: Any) -> tuple[float, float]:
    """A 90 % interval of macro-F1 by drawing groups with replacement."""
    random = np.random.default_rng(SEED)
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(place)
    names = sorted(members)
    found = []
    for _ in range(SPLITS):
        drawn = [place for pick in random.integers(0, len(names), len(names)) for place in members[names[pick]]]
        found.append(f1_score(labels[drawn], best[drawn], average="macro"))
    return float(np.quantile(found, 0.05)), float(np.quantile(found, 0.95))


def _error(right: Flags) -> float:
    """1.96 standard errors of a share."""
    return float(1.96 * np.sqrt(right.mean() * (1 - right.mean()) / len(right)))


def _part(found: Flags, wanted: Flags) -> str:
    return f"{int(found[wanted].sum())}/{int(wanted.sum())} = {found[wanted].mean():.4f}"


def _listed(data: Fifteen, name: str) -> Flags:
    found = word_list(name)
    return np.array([bool(found.find(f"{title} {body}")) for title, body in data.pairs], np.bool_)


def _by_class(labels: Labels, best: Labels, classes: tuple[str, ...]) -> Iterator[str]:
    precision, recall, f1, count = precision_recall_fscore_support(
        labels, best, labels=list(classes), zero_division=0.0
    )
    yield "  类别 / 精确率 / 召回率 / F1 / 行数 / 误判最多的去向"
    table = confusion_matrix(labels, best, labels=list(classes))
    np.fill_diagonal(table, 0)
    for number, name in enumerate(classes):
        most = [f"{classes[to]} {table[number, to]}" for to in np.argsort(-table[number])[:2] if table[number, to]]
        figures = f"{precision[number]:.3f} / {recall[number]:.3f} / {f1[number]:.3f} / {count[number]}"
        yield f"  {name} / {figures} / {'，'.join(most)}"
