from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from search.documents import CaseDocument, ReplyDocument
from search.engine import IndexLost, SearchEngine
from search.indexer import Difference, Indexer
from search.tantivy_engine import TantivyEngine
from tests.search.conftest import CASES, REPLIES


class Rows:
    """Stands for the database."""

    def __init__(self) -> None:
        self.replies: dict[str, ReplyDocument] = {d.public_id: d for d in REPLIES}
        self.cases: dict[str, CaseDocument] = {d.case_id: d for d in CASES}


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def indexer(filled: SearchEngine, rows: Rows) -> Indexer:
    return Indexer(filled, rows.replies.get, rows.cases.get)


def test_a_batch_follows_the_rows_as_they_stand_when_it_runs(
    filled: SearchEngine, indexer: Indexer, rows: Rows
) -> None:
    del rows.replies["r1"]
    rows.replies["r2"] = replace(rows.replies["r2"], title="电动车充电桩", version=2)
    rows.cases["c3"] = CaseDocument("c3", "2026112400013", "井盖缺失", "井盖丢了")
    assert indexer.apply([("reply", "r1"), ("reply", "r2"), ("reply", "r2"), ("case", "c3"), ("case", "gone")]) == 4
    reader = filled.replies.open_reader()
    assert "r1" not in reader.ids()
    assert reader.ids()["r2"] == 2
    assert "c3" in filled.cases.open_reader().ids()


def test_reconciliation_names_what_differs_and_applying_it_mends(indexer: Indexer, rows: Rows) -> None:
    assert indexer.reconcile("reply", dict.fromkeys(rows.replies, 1)) == Difference((), (), ())
    rows.replies["new"] = replace(REPLIES[0], public_id="new")
    rows.replies["r2"] = replace(REPLIES[1], version=3)
    del rows.replies["r4"]
    versions = {id: document.version for id, document in rows.replies.items()}
    found = indexer.reconcile("reply", versions)
    assert found == Difference(missing=("new",), surplus=("r4",), stale=("r2",))
    indexer.apply([("reply", id) for id in found.ids])
    assert indexer.reconcile("reply", versions).ids == ()


def test_a_lost_index_is_told_and_rebuilt(filled: SearchEngine, indexer: Indexer, rows: Rows) -> None:
    assert isinstance(filled, TantivyEngine)
    shutil.rmtree(filled.replies.root)
    with pytest.raises(IndexLost):
        indexer.apply([("reply", "r1")])
    done: list[int] = []
    assert indexer.rebuild("reply", rows.replies.values(), done.append) == len(REPLIES)
    assert done == [len(REPLIES)]
    assert indexer.reconcile("reply", dict.fromkeys(rows.replies, 1)).ids == ()
