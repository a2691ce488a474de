"""Tables: nothing written can run; encodings, broken files and bombs when reading."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from core.errors import Invalid
from core.sheets import read_rows, write_csv, write_xlsx

DANGEROUS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =HYPERLINK(1)"]


def test_formulas_are_written_as_text() -> None:
    book = load_workbook(io.BytesIO(write_xlsx([DANGEROUS])))
    cells = next(book.active.iter_rows())
    assert [cell.data_type for cell in cells] == ["s"] * len(DANGEROUS)
    assert [cell.value for cell in cells] == DANGEROUS
    assert all(cell.quotePrefix for cell in cells)


def test_formulas_in_csv_get_an_apostrophe() -> None:
    rows = list(read_rows(write_csv([DANGEROUS, ["-5 度", -5, "水管"]])))
    assert rows[0] == [f"'{text}" for text in DANGEROUS]
    assert rows[1] == ["'-5 度", "-5", "水管"]


def test_values_come_back() -> None:
    at = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
    rows = [["编号", "时间", "数"], [2611241234567890123, at, 3], ["控制\x0b符", None, 2.5]]
    book = write_xlsx(rows)
    assert list(read_rows(book, "a.xlsx")) == [
        ["编号", "时间", "数"],
        ["2611241234567890123", "2026-11-24 10:30:00", "3"],
        ["控制符", "", "2.5"],
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_usual_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "来件.csv"
    path.write_bytes('标题,内容\n"水管,漏了","第一行\n第二行"\n'.encode(encoding))
    assert list(read_rows(path)) == [["标题", "内容"], ["水管,漏了", "第一行\n第二行"]]


def test_an_encoding_is_found_when_the_head_ends_within_a_character(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a" + "漏".encode() * 400_000)
    assert list(read_rows(path)) == [["a" + "漏" * 400_000]]


def test_a_formula_gives_what_was_stored_and_is_not_computed() -> None:
    book = Workbook()
    book.active.append(["=1+1", "甲"])
    out = io.BytesIO()
    book.save(out)
    assert list(read_rows(out.getvalue(), "a.xlsx")) == [["", "甲"]]


def test_a_zip_bomb_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(Invalid) as caught:
        list(read_rows(out.getvalue(), "a.xlsx"))
    assert "解开后太大" in caught.value.fields["file"]


def test_entities_are_not_expanded() -> None:
    good = write_xlsx([["甲"]])
    out = io.BytesIO()
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            data = source.read(member).decode()
            target.writestr(member.filename, bomb + data if member.filename.endswith("workbook.xml") else data)
    with pytest.raises(Invalid):
        list(read_rows(out.getvalue(), "a.xlsx"))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04broken", b"not a workbook", b"\xd0\xcf\x11\xe0"])
def test_a_broken_workbook_gets_a_sentence(data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        list(read_rows(data, "a.xlsx"))
    assert "另存为" in caught.value.fields["file"]


def test_a_workbook_named_csv_gets_a_sentence() -> None:
    with pytest.raises(Invalid):
        list(read_rows(write_xlsx([["甲"]]), "a.csv"))


def test_mangled_csv_is_read_as_far_as_it_goes() -> None:
    rows = list(read_rows('标题,内容\n"没有关的引号,甲\x00\n乙'.encode(), "a.csv"))
    assert rows[0] == ["标题", "内容"]
    assert rows[1][0].startswith("没有关的引号")
