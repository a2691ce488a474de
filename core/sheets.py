"""Tables in and out (.xlsx, .csv). What is written can't run: cells that look like formulas go out as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from flask_babel import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException

from core.archives import Unsafe, office_members
from core.clock import to_local
from core.errors import Invalid

FORMULA_HEADS = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_CELL = 32_767
_EXACT = 10**15  # spreadsheets keep 15 figures of a number
MOST_ROWS = 1_000_000


def write_xlsx(rows: Iterable[Sequence[Any]], title: str = "Sheet1") -> bytes:
    """A workbook of one sheet. Texts stay texts whatever they begin with; moments are shown in Asia/Shanghai."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title=title[:31])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 with a mark, as spreadsheets expect; a text that looks like a formula gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        plain = [_plain(value) for value in row]
        writer.writerow(
            [
                f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_HEADS) else value
                for value in plain
            ]
        )
    return out.getvalue().encode("utf-8-sig")


def read_rows(source: bytes | Path, name: str = "") -> Iterator[list[str]]:
    """The rows of a table as texts, empty cells as "". Formulas give the value that was stored with them.

    `name` decides by its ending (.xlsx or text). Raises Invalid({"file": sentence}) for what can't be read.
    """
    label = name or (source.name if isinstance(source, Path) else "")
    if label.lower().endswith((".xlsx", ".xlsm")):
        return _xlsx_rows(source, label)
    return _csv_rows(source, label)


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return to_local(value).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, bool | int | float | Decimal | date):
        big = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT
        return str(value) if big else value
    return ILLEGAL_CHARACTERS_RE.sub("", str(value))[:_LONGEST_CELL]


def _cell(sheet: Any, value: Any) -> Any:
    plain = _plain(value)
    cell = WriteOnlyCell(sheet, value=None if plain == "" else plain)
    if isinstance(plain, str) and plain:
        cell.data_type = "s"
        if plain.lstrip(" ").startswith(FORMULA_HEADS):
            cell.quotePrefix = 1
    return cell


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)


def _xlsx_rows(source: bytes | Path, name: str) -> Iterator[list[str]]:
    try:
        office_members(source)
        book = load_workbook(
            io.BytesIO(source) if isinstance(source, bytes) else source,
            read_only=True,
            data_only=True,
            keep_links=False,
        )
    except Unsafe as error:
        raise Invalid({"file": _archive_sentence(name, error.code)}) from error
    except (InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, SyntaxError, OSError) as error:
        raise Invalid({"file": _archive_sentence(name, "broken")}) from error
    return _sheet_rows(book, name)


def _sheet_rows(book: Any, name: str) -> Iterator[list[str]]:
    try:
        for sheet in book.worksheets[:1]:
            for number, row in enumerate(sheet.iter_rows(values_only=True)):
                if number >= MOST_ROWS:
                    raise Invalid({"file": _("“%(name)s”超过 100 万行。请分成几个文件。", name=name)})
                yield [_text(value) for value in row]
    except (KeyError, ValueError, TypeError, SyntaxError, BadZipFile, EOFError) as error:
        raise Invalid({"file": _archive_sentence(name, "broken")}) from error
    finally:
        book.close()


def _csv_rows(source: bytes | Path, name: str) -> Iterator[list[str]]:
    encoding = encoding_of(source, name)
    csv.field_size_limit(10_000_000)
    raw: Any = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with raw, io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="") as text:
        try:
            yield from csv.reader(line.replace("\x00", "") for line in text)
        except csv.Error as error:
            raise Invalid({"file": _archive_sentence(name, "broken")}) from error


def encoding_of(source: bytes | Path, name: str = "") -> str:
    """utf-8-sig, utf-16 or gb18030, by the mark or by what decodes. Raises Invalid for what is no text."""
    head = source[:1_000_000] if isinstance(source, bytes) else _head(source)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"PK\x03\x04") or b"\x00\x00" in head[:1000]:
        raise Invalid({"file": _("“%(name)s”不是表格文本。请另存为 CSV 或 XLSX 再试。", name=name)})
    for encoding in ("utf-8-sig", "gb18030"):
        for cut in range(4):  # the head may end within a character
            try:
                head[: len(head) - cut].decode(encoding)
                return encoding
            except UnicodeDecodeError:
                continue
    return "utf-8-sig"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1_000_000)


def _archive_sentence(name: str, code: str) -> str:
    sentences = {
        "encrypted": _("“%(name)s”加了密码。请去掉密码后再试。", name=name),
        "bomb": _("“%(name)s”解开后太大。请分成几个文件。", name=name),
    }
    return str(sentences.get(code) or _("“%(name)s”打不开或已损坏。请用表格软件另存为 XLSX 或 CSV 再试。", name=name))
