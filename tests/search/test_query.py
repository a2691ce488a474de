from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engine import Page, SearchEngine
from search.highlight import excerpt, highlight
from search.query import pieces, search_replies
from search.similar import similar_replies
from search.tantivy_engine import TantivyEngine
from search.tokens import fold
from tests.search.conftest import REPLIES


def _first(engine: SearchEngine, typed: str) -> str:
    return search_replies(engine.replies.open_reader(), typed).items[0].id


def test_a_question_finds_its_reply(filled: SearchEngine) -> None:
    results = search_replies(filled.replies.open_reader(), "请问小区怎么加装电梯？")
    assert results.items[0].id == "r2"
    assert results.answered
    assert results.suggestion == ""
    assert results.facets["category1"]["城乡建设"] == 1


@pytest.mark.parametrize("typed", ["公交車不按時發車", "公交车不按时发车", "公交车不按时发车!!! "])
def test_traditional_and_simplified_find_alike(filled: SearchEngine, typed: str) -> None:
    assert _first(filled, typed) == "r3"


def test_a_word_of_the_same_sound_is_repaired_and_told(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    results = search_replies(reader, "公基金提取")
    assert results.suggestion == "公积金提取"
    assert results.items[0].id == "r1"
    assert search_replies(reader, "公基金提取", exact=True).suggestion == ""
    assert search_replies(reader, "公积金提取").suggestion == ""


@pytest.mark.parametrize("typed", ["火星移民签证", "离婚冷静期是几天", "xyzzy"])
def test_nothing_fits(filled: SearchEngine, typed: str) -> None:
    assert not search_replies(filled.replies.open_reader(), typed).answered


def test_filters_hold_with_words(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    results = search_replies(reader, "公积金", {"area": ["03"]}, Page(1, 3))
    assert results.total == 8
    assert len(results.items) == 3
    assert all(hit.id.startswith("f") for hit in results.items)


def test_an_empty_query_lists_the_newest(filled: SearchEngine) -> None:
    results = search_replies(filled.replies.open_reader(), "  ")
    assert results.total == len(REPLIES)
    assert {hit.id for hit in results.items[:2]} == {"r1", "r2"}


def test_question_words_are_dropped_unless_nothing_is_left() -> None:
    assert pieces(fold("请问公积金怎么提取")) == ["公积金", "提取"]
    assert pieces(fold("怎么办")) == ["怎么办"]


@pytest.mark.parametrize(
    "typed",
    [
        "' OR 1=1 --", '"', "公积金 AND (", "*", "?:/\\[]{}^~", "公" * 10_000, "😀😀", "\x00", "\ud800", "标题:公积金",
        "(a" * 500, "\u202e\u200b", "<script>alert(1)</script>", "a" * 70_000, "的", "１２３４５",
    ],
)  # fmt: skip
def test_odd_queries_are_plain_queries(filled: SearchEngine, typed: str) -> None:
    reader = filled.replies.open_reader()
    results = search_replies(reader, typed)
    assert results.total <= len(REPLIES)
    assert highlight(typed[:500], typed) == highlight(typed[:500], typed)
    similar_replies(reader, typed, typed)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> SearchEngine:
    made = TantivyEngine(tmp_path_factory.mktemp("search"))
    made.replies.rebuild(document.indexed() for document in REPLIES)
    return made


@settings(max_examples=150, deadline=None, derandomize=True)
@given(typed=st.text(max_size=80), text=st.text(max_size=80), number=st.integers())
def test_any_text_is_a_query(lasting: SearchEngine, typed: str, text: str, number: int) -> None:
    results = search_replies(lasting.replies.open_reader(), typed, {}, Page(number, 5))
    assert len(results.items) <= 5
    spans = highlight(text, typed)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))


def _marked(text: str, query: str) -> list[str]:
    return [text[start:end] for start, end in highlight(text, query)]


def test_highlights_stand_on_the_text_as_written() -> None:
    assert _marked("公交車不按時發車，等了一個小時", "公交车 发车") == ["公交車", "發車"]
    assert _marked("地铁3号线与13号线", "3号线") == ["3号线", "号线"]
    assert _marked("ＡＢＣ公司", "abc") == ["ＡＢＣ"]
    assert _marked("加装电梯的申请", "加装电梯怎么申请") == ["加装电梯", "申请"]
    assert highlight("没有", "电梯") == []
    assert highlight("", "电梯") == []


def test_an_excerpt_shows_the_first_place() -> None:
    text = "前" * 300 + "申请加装电梯" + "后" * 300
    shown, spans = excerpt(text, "电梯", 100)
    assert len(shown) == 100
    assert [shown[a:b] for a, b in spans] == ["电梯"]
    assert excerpt("短", "电梯") == ("短", [])


def test_similar_replies_while_typing_and_beside_a_reply(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    assert similar_replies(reader, "老小区想加装电梯", "楼里老人上下楼不便，想申请加装电梯")[0].id == "r2"
    assert similar_replies(reader, "火星移民", "签证哪里办") == []
    beside = similar_replies(reader, "公积金贷款第1问", "公积金贷款额度", leave_out=["f1"])
    assert len(beside) == 3
    assert "f1" not in {hit.id for hit in beside}
    assert similar_replies(reader, "", "") == []
