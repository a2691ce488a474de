from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from search.documents import CaseDocument, ReplyDocument
from search.engine import SearchEngine
from search.tantivy_engine import TantivyEngine


def reply(id: str, title: str, question: str = "", answer: str = "", **more: object) -> ReplyDocument:
    at = more.pop("at", datetime(2025, 5, 1, tzinfo=UTC))
    return ReplyDocument(id, title, question, answer, published_at=at, **more)  # type: ignore[arg-type]


REPLIES = [
    reply(
        "r1",
        "公积金提取需要什么条件",
        "想用公积金还房贷",
        "凭购房合同到公积金中心窗口提取。",
        category1="住房保障",
        organisation_code="fund",
        area_code="01",
    ),
    reply(
        "r2",
        "小区加装电梯怎么申请",
        "老旧小区六楼老人上下不便",
        "三分之二业主同意后向街道申请加装电梯。",
        category1="城乡建设",
        organisation_code="housing",
        area_code="01",
    ),
    reply(
        "r3",
        "公交车晚点",
        "公交車不按時發車，等了一個小時",
        "已督促公交公司按时发车。",
        category1="交通运输",
        organisation_code="transport",
        area_code="02",
        at=datetime(2024, 12, 31, 17, tzinfo=UTC),
    ),
    reply(
        "r4",
        "广场舞噪音扰民",
        "每晚跳舞音响太吵",
        "已约定晚九点后不再播放音响。",
        category1="环境保护",
        organisation_code="police",
        area_code="02",
        at=datetime(2024, 3, 1, tzinfo=UTC),
    ),
    *[
        reply(
            f"f{i}",
            f"公积金贷款第{i}问",
            "公积金贷款额度",
            "按缴存年限计算公积金贷款额度。",
            category1="住房保障",
            organisation_code="fund",
            area_code="03",
            at=datetime(2023, 1, 1 + i, tzinfo=UTC),
        )
        for i in range(8)
    ],
]
CASES = [
    CaseDocument("c1", "2026112400011", "路灯不亮", "幸福路路灯坏了", ("lighting", "city"), "在办"),
    CaseDocument("c2", "2026112400012", "路灯被撞", "路灯倒在路边", ("police",), "待办"),
]


@pytest.fixture(params=["embedded"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> SearchEngine:
    """Every engine there is; one more name here runs the whole contract on it."""
    return TantivyEngine(tmp_path / "search")


@pytest.fixture
def filled(engine: SearchEngine) -> SearchEngine:
    engine.replies.rebuild(document.indexed() for document in REPLIES)
    engine.cases.rebuild(document.indexed() for document in CASES)
    return engine
