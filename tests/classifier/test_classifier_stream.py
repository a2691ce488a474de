"""JSON lines in, JSON lines out; what cannot be read is told with its number and the run goes on."""

from __future__ import annotations

import io
import json

import pytest

from classifier import stream
from classifier.errors import UnknownCategory
from classifier.model import Classifier
from classifier.stream import catalogue_of, classify_lines, find_department

CATALOGUE = catalogue_of(
    [
        {"level1": "教育文体", "level2": "", "level3": "", "area_code": "", "lead_code": "JYJ"},
        {"level1": "教育文体", "level2": "", "level3": "", "area_code": "TC01", "lead_code": "TC01-JYJ"},
        {"level1": "环境保护", "level2": "环境污染", "level3": "", "area_code": "", "lead_code": "HBJ"},
    ]
)
SCHOOL = {"id": 1, "title": "小学学位不够", "body": "片区小学招生名额太少，孩子报不上名，请教育局安排就近入学。"}


def run(shipped: Classifier, data: bytes, **options) -> tuple[list[dict], list[str], stream.Counts]:
    out, err = io.StringIO(), io.StringIO()
    counts = classify_lines(io.BytesIO(data), out, err, classifier=shipped, catalogue=CATALOGUE, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue().splitlines(), counts


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def test_a_line_becomes_a_row(shipped: Classifier) -> None:
    (row,), err, counts = run(shipped, lines(SCHOOL))
    assert not err
    assert (counts.done, counts.bad) == (1, 0)
    assert row["id"] == 1
    assert row["category"][0] == "教育文体"
    assert len(row["category"]) == 3
    assert row["department"] == "JYJ"
    assert {"nature", "urgent", "confidence", "auto", "evidence"} <= set(row)
    field, start, end, _ = row["evidence"][0]
    assert SCHOOL[field][start:end]


def test_bad_lines_are_told_by_number_and_the_run_goes_on(shipped: Classifier) -> None:
    data = b"".join(
        [
            lines(SCHOOL),
            b"not json\n",
            b"\xff\xfe{}\n",
            b"[1, 2]\n",
            lines({"id": "x", "title": "t"}),
            lines({"title": "t", "body": "b"}),
            lines({"id": "y", "title": 3, "body": "b"}),
            b"\n",
            b"[" * 100_000 + b"\n",
            lines({"id": "last", "body": "路灯坏了三天没人修"}).rstrip(),
        ]
    )
    rows, err, counts = run(shipped, data, batch=2)
    assert [row["id"] for row in rows] == [1, "last"]
    assert [line.split("：")[0] for line in err] == [f"第 {n} 行" for n in (2, 3, 4, 5, 6, 7, 9)]
    assert (counts.done, counts.bad) == (2, 7)


def test_a_line_too_long_is_skipped_whole(shipped: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 1000)
    long = lines({"id": 0, "title": "", "body": "长" * 5000})
    rows, err, _ = run(shipped, lines(SCHOOL) + long + lines({**SCHOOL, "id": 2}))
    assert [row["id"] for row in rows] == [1, 2]
    assert err == ["第 2 行：超过 1000 字节，已跳过。"]


def test_text_input_works_too(shipped: Classifier) -> None:
    out, err = io.StringIO(), io.StringIO()
    classify_lines(io.StringIO(lines(SCHOOL).decode()), out, err, classifier=shipped)
    assert json.loads(out.getvalue())["department"] == ""


def test_accusations_and_urgent_matters_are_never_automatic(shipped: Classifier) -> None:
    accusation = {"id": 1, "title": "举报校长贪污", "body": "举报小学校长贪污学生餐费，私吞校服回扣，请严查。"}
    danger = {"id": 2, "title": "学校食堂起火", "body": "小学食堂起火了，学生还在教室里，快来人。"}
    rows, _, _ = run(shipped, lines(accusation, danger))
    assert [row["auto"] for row in rows] == [False, False]
    assert "accusation" in rows[0]["reasons"]
    assert "urgent" in rows[1]["reasons"]


def test_without_a_department_nothing_is_automatic(shipped: Classifier) -> None:
    out = io.StringIO()
    classify_lines(io.BytesIO(lines(SCHOOL)), out, io.StringIO(), classifier=shipped, catalogue={})
    row = json.loads(out.getvalue())
    assert "department" in row["reasons"]
    assert row["auto"] is False


def test_among_is_checked_before_anything_is_read(shipped: Classifier) -> None:
    source = io.BytesIO(lines(SCHOOL))
    with pytest.raises(UnknownCategory):
        classify_lines(source, io.StringIO(), io.StringIO(), among=["没有"], classifier=shipped)
    assert source.tell() == 0


def test_departments_are_found_from_the_closest_level_up() -> None:
    assert find_department(CATALOGUE, ("教育文体", "学前教育", "收费")) == "JYJ"
    assert find_department(CATALOGUE, ("环境保护", "环境污染", "")) == "HBJ"
    assert find_department(CATALOGUE, ("环境保护", "其他", "")) == ""
