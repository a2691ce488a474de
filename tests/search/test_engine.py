"""What every engine must do, run on each."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from search.engine import IndexLost, Page, SearchEngine, SearchUnavailable, Terms, WriterBusy
from tests.search.conftest import REPLIES, reply

EVERYTHING = Terms({})


def _ids(engine: SearchEngine, **filters: list[str]) -> set[str]:
    reader = engine.replies.open_reader()
    return {hit.id for hit in reader.search(EVERYTHING, filters, Page(size=100)).items}


def test_finds_by_token_and_ranks_the_title_first(filled: SearchEngine) -> None:
    hits = filled.replies.open_reader().search(Terms({"公积金": 1.0, "提取": 1.0}), {}, Page())
    assert hits.items[0].id == "r1"
    assert hits.total == 9
    assert [h.score for h in hits.items] == sorted((h.score for h in hits.items), reverse=True)


def test_equal_scores_stand_by_id(engine: SearchEngine) -> None:
    engine.replies.rebuild(reply(id, "路灯不亮").indexed() for id in ("c", "a", "b"))
    assert [h.id for h in engine.replies.open_reader().search(Terms({"#路灯": 1.0}), {}, Page()).items] == [
        "a",
        "b",
        "c",
    ]


def test_at_least_asks_for_several_tokens(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    assert {h.id for h in reader.search(Terms({"公积金": 1.0, "窗口": 1.0}, 2), {}, Page()).items} == {"r1"}


def test_filters_narrow_and_an_empty_one_allows_nothing(filled: SearchEngine) -> None:
    assert _ids(filled, category1=["环境保护"]) == {"r4"}
    assert _ids(filled, organisation=["police", "housing"]) == {"r2", "r4"}
    assert _ids(filled, category1=["住房保障"], area=["01"]) == {"r1"}
    assert _ids(filled, organisation=[]) == set()
    assert _ids(filled, category1=["没有这一类"]) == set()
    with pytest.raises(ValueError, match="unknown filter"):
        _ids(filled, colour=["red"])


def test_the_year_is_the_local_one(filled: SearchEngine) -> None:
    assert _ids(filled, year=["2025"]) == {"r1", "r2", "r3"}  # r3: 31 December 17:00 UTC is New Year here
    assert _ids(filled, year=["2024"]) == {"r4"}


def test_facets_count_over_all_pages(filled: SearchEngine) -> None:
    hits = filled.replies.open_reader().search(EVERYTHING, {}, Page(size=2), facets=("category1", "year"))
    assert hits.total == len(REPLIES)
    assert hits.facets["category1"] == {"住房保障": 9, "城乡建设": 1, "交通运输": 1, "环境保护": 1}
    assert hits.facets["year"] == {"2023": 8, "2024": 1, "2025": 3}


def test_pages_cover_everything_once(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    seen = [h.id for n in range(1, 6) for h in reader.search(Terms({"公积金": 1.0}), {}, Page(n, 2)).items]
    assert sorted(seen) == sorted(d.public_id for d in REPLIES if "公积金" in d.title)
    assert reader.search(Terms({"公积金": 1.0}), {}, Page(1_000_000, 20)).items == ()
    assert len(reader.search(Terms({"公积金": 1.0}), {}, Page(-3, 0)).items) == 1


def test_newest_first(filled: SearchEngine) -> None:
    hits = filled.replies.open_reader().search(Terms({"公积金": 1.0}), {}, Page(size=3), newest=True)
    assert [h.id for h in hits.items] == ["r1", "f7", "f6"]


def test_nothing_is_seen_before_commit_and_a_withdrawn_reply_is_gone_after(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    with filled.replies.writer() as writer:
        writer.delete("r4")
        writer.delete("never there")
        reader.refresh()
        assert "r4" in reader.ids()
        writer.commit()
    reader.refresh()
    assert "r4" not in reader.ids()
    assert reader.search(Terms({"音响": 1.0}), {}, Page()).total == 0


def test_closing_drops_what_was_not_committed(filled: SearchEngine) -> None:
    with filled.replies.writer() as writer:
        writer.delete("r1")
    with filled.replies.writer() as writer:
        writer.commit()
    assert "r1" in filled.replies.open_reader().ids()


def test_an_older_version_never_replaces_a_newer_one(filled: SearchEngine) -> None:
    newer, older = replace(REPLIES[0], title="新题目", version=5), replace(REPLIES[0], title="旧题目", version=4)
    with filled.replies.writer() as writer:
        writer.put(newer.indexed())
        writer.put(older.indexed())
        writer.commit()
        writer.put(older.indexed())
        writer.commit()
    reader = filled.replies.open_reader()
    assert reader.ids()["r1"] == 5
    assert reader.size() == len(REPLIES)
    assert reader.frequencies(["旧"])["旧"] == 0


def test_the_two_indexes_are_apart(filled: SearchEngine) -> None:
    assert filled.replies.open_reader().search(Terms({"路灯": 1.0}), {}, Page()).total == 0
    cases = filled.cases.open_reader()
    assert {h.id for h in cases.search(Terms({"路灯": 1.0}), {"organisation": ["city"]}, Page()).items} == {"c1"}
    assert {h.id for h in cases.search(EVERYTHING, {"number": ["2026112400012"]}, Page()).items} == {"c2"}


def test_counts_and_homophones(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    assert reader.count(["公积金", "贷款"]) == 8
    assert reader.frequencies(["公积金", "没有"]) == {"公积金": 9, "没有": 0}
    assert reader.homophones("gong'ji'jin") == [("公积金", 9)]
    assert reader.holding(["r1", "r2"], ["公积金", "电梯"]) == {"r1": {"公积金"}, "r2": {"电梯"}}
    assert reader.holding([], ["公积金"]) == {}


def test_without_an_index_readers_say_so_and_writers_ask_for_a_rebuild(engine: SearchEngine) -> None:
    reader = engine.replies.open_reader()
    with pytest.raises(SearchUnavailable):
        reader.search(EVERYTHING, {}, Page())
    with pytest.raises(IndexLost), engine.replies.writer():
        pass
    assert engine.health() == ["search_replies_missing", "search_cases_missing"]
    engine.replies.rebuild([])
    engine.cases.rebuild([])
    assert reader.search(EVERYTHING, {}, Page()).total == 0
    assert engine.health() == []


def test_a_second_writer_is_told(filled: SearchEngine) -> None:
    with filled.replies.writer():
        with pytest.raises(WriterBusy), filled.replies.writer():
            pass
        with pytest.raises(WriterBusy):
            filled.replies.rebuild([])
        with filled.cases.writer() as other:
            other.commit()
    with filled.replies.writer() as writer:
        writer.commit()


def test_a_rebuild_leaves_no_gap(filled: SearchEngine) -> None:
    reader = filled.replies.open_reader()
    stop, totals, errors = threading.Event(), set(), []

    def ask() -> None:
        while not stop.is_set():
            try:
                reader.refresh()
                totals.add(reader.search(Terms({"公积金": 1.0}), {}, Page(), facets=("year",)).total)
            except Exception as error:
                errors.append(error)
                return

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(8):
        assert filled.replies.rebuild(d.indexed() for d in REPLIES) == len(REPLIES)
    filled.replies.rebuild(d.indexed() for d in REPLIES if d.public_id != "r1")
    reader.refresh()
    stop.set()
    thread.join()
    assert errors == []
    assert totals <= {9, 8}
    assert 9 in totals
    assert "r1" not in reader.ids()


def test_a_rebuild_that_fails_keeps_the_old_index(filled: SearchEngine) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield REPLIES[1].indexed()
        raise RuntimeError("database went away")

    with pytest.raises(RuntimeError):
        filled.replies.rebuild(broken())
    reader = filled.replies.open_reader()
    assert reader.size() == len(REPLIES)
    filled.replies.rebuild([REPLIES[1].indexed()])
    reader.refresh()
    assert reader.size() == 1
