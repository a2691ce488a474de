from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from search.corpus import search_corpus
from tests.search.conftest import REPLIES


def _run(tmp_path: Path, corpus: list[str], queries: list[str]) -> tuple[list[dict[str, object]], str, int]:
    file = tmp_path / "corpus.jsonl"
    file.write_text("\n".join(corpus), "utf-8")
    out, err = io.StringIO(), io.StringIO()
    bad = search_corpus(file, io.StringIO("\n".join(queries)), out, err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue(), bad


def _lines() -> list[str]:
    rows = [{"id": d.public_id, "time": "2024/1/2 9:05:00", "title": d.title, "body": d.question, "reply": d.reply,
             "reply_time": "2024-01-05 10:00:00"} for d in REPLIES]  # fmt: skip
    rows += [
        {"id": f"n{i}", "time": "", "title": f"道路第{i}段坑洼", "body": "坑洼", "reply": "已修"} for i in range(30)
    ]
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def test_answers_each_query_in_order_with_twenty_at_most(tmp_path: Path) -> None:
    asked = {"a": "加装电梯", 2: "道路坑洼", "c": "火星移民签证", "d": ""}
    queries = [json.dumps({"qid": qid, "query": query}) for qid, query in asked.items()]
    answers, err, bad = _run(tmp_path, _lines(), queries)
    assert [a["qid"] for a in answers] == ["a", 2, "c", "d"]
    assert answers[0]["ids"][0] == "r2"  # type: ignore[index]
    assert answers[0]["answered"] is True
    assert len(answers[1]["ids"]) == 20  # type: ignore[arg-type]
    assert answers[2]["answered"] is False
    assert (err, bad) == ("", 0)


def test_bad_lines_are_told_by_number_and_passed_over(tmp_path: Path) -> None:
    corpus = [*_lines(), "{broken", '{"title": "无编号"}', '"text"', _lines()[0]]
    answers, err, bad = _run(tmp_path, corpus, ["nonsense", '{"qid": "a"}', '{"qid": "b", "query": "电梯"}'])
    assert [a["qid"] for a in answers] == ["b"]
    assert bad == 6
    assert f"corpus line {len(corpus)}: id seen before" in err
    assert "query line 1" in err


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown search engine"):
        search_corpus(tmp_path / "none", io.StringIO(), io.StringIO(), io.StringIO(), engine="other")


def test_numbers_stay_numbers_and_broken_text_does_no_harm(tmp_path: Path) -> None:
    corpus = ['{"id": 7, "title": "路灯不亮", "body": null}', '{"id": "\\ud800", "title": "\\ud800电梯"}']
    answers, err, bad = _run(tmp_path, corpus, ['{"qid": "\\ud800", "query": "路灯\\ud800不亮"}'])
    assert answers[0]["ids"] == [7]
    assert (err, bad) == ("", 0)
