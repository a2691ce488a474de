"""What the shipped model says of texts of our own, kept in a file: work on speed must not change it.

After training again, `python -m tests.classifier.test_classifier_kept` writes the file anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.classify import own_rows
from classifier.model import Classifier, Suggestion
from classifier.stream import as_row

KEPT = Path(__file__).parent / "kept_suggestions.jsonl"
BY_HAND = [
    ("煤气泄漏", "三楼煤气泄漏，味道很大，快来人。没有着火，去年着火过一次。"),
    ("举报村支书", "举报村支书贪污低保款，冒领扶贫资金，以权谋私。"),
    ("举报超市卖过期奶粉", "举报小区门口超市卖过期奶粉，换标签继续卖，请市场监管部门查处。"),
    ("讨薪", "包工头拖欠农民工工资三个月，我们准备上访。"),
    ("物\u200b業公司亂收費", "物業公司\u200b亂收費，電\u200b梯壞了三天沒人修，１２３號樓①單元。"),
    ("办身份证跑了三趟", "在派出所办户口迁移和身份证，\n户籍窗口每次都说材料不够。\r\n\n请改进🙂"),
    ("路灯不亮路灯不亮", "路灯不亮，路灯不亮，路灯不亮，路灯。" * 40),
    ("", "建议在公园里多种树，多放几张长椅，老人可以坐下来歇一歇。"),
    ("感谢社区医生", "感谢社区医院的医生上门给老人看病，态度很好。"),
    ("wo yao tou su", "wu ye luan shou fei"),
    ("", "街灯が壊れています。三週間もこのままで、とても暗くて危ない。"),
    ("投诉 ABC 公司", "ABC company 在 XYZ mall 卖的 phone 坏了不退款 no refund at all"),
    ("楼要塌了", "楼体墙面开裂快要倒塌了，住着十几户人，孩子轻生念头也有，请马上来人。"),
    ("", ""),
    ("\x00\x01", "\u202e \u200b"),
    ("高铁站打车", "高铁站出租车不打表宰客，网约车进不来，公交末班车太早，客运站管理混乱。"),
]


def said(model: Classifier, texts: list[tuple[str, str]], **options: Any) -> list[dict[str, Any]]:
    """Each suggestion as the row that `./hub classify` writes, and what that leaves out."""
    return [_row(found) for found in model.suggest_many(texts, **options)]


def _row(found: Suggestion) -> dict[str, Any]:
    more = {
        "against_office": found.against_office,
        "confidences": list(found.confidences),
        "is_text": found.is_text,
        "petition_kind": found.petition_kind,
        "version": found.version,
    }
    return {**as_row("", found, {}, narrowed=False), **more}


@pytest.fixture(scope="module")
def kept() -> list[dict[str, Any]]:
    """The lines of the file: title, body, what was said of them (all) and among the seven classes (seven)."""
    return [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("batch", [500, 7, 1])
def test_suggestions_and_evidence_are_those_kept(shipped: Classifier, kept: list[dict[str, Any]], batch: int) -> None:
    texts = [(row["title"], row["body"]) for row in kept]
    for row, now in zip(kept, said(shipped, texts, batch=batch), strict=True):
        assert now == _close(row["all"]), row["title"]


def test_suggestions_among_the_seven_are_those_kept(shipped: Classifier, kept: list[dict[str, Any]]) -> None:
    texts = [(row["title"], row["body"]) for row in kept]
    for row, now in zip(kept, said(shipped, texts, among=shipped.parts.seven.classes), strict=True):
        assert now == _close(row["seven"]), row["title"]


def _close(value: Any) -> Any:
    """The same with figures that are still equal when a processor rounds them otherwise in the fourth place."""
    if isinstance(value, float):
        return pytest.approx(value, abs=2e-4)
    if isinstance(value, dict):
        return {name: _close(part) for name, part in value.items()}
    return [_close(part) for part in value] if isinstance(value, list) else value


def _keep() -> None:
    model = Classifier.load()
    texts = [*BY_HAND, *own_rows(24)]
    answers = zip(texts, said(model, texts), said(model, texts, among=model.parts.seven.classes), strict=True)
    rows = ({"title": title, "body": body, "all": all_, "seven": seven} for (title, body), all_, seven in answers)
    KEPT.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    _keep()
