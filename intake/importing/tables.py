"""Rows of a .csv (UTF-8, UTF-16 or GB18030) or .xlsx file, one after another, in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core import sheets
from core.errors import Invalid

_LONGEST_CELL = 200_000


@dataclass(frozen=True)
class Line:
    """A row of a table at a line of the file; `fault` is a Chinese sentence when it could not be read."""

    number: int
    cells: list[str]
    fault: str = ""


def lines(path: Path) -> Iterator[Line]:
    """Each row, the header first; a line that is no row of a table comes with its fault in its place.

    Raises Invalid when the file is absent, of another kind, or can't be opened.
    """
    if not path.is_file():
        raise Invalid({"file": f"没有找到文件 {path.name}，请核对路径。"})
    if path.suffix.lower() == ".csv":
        return _csv_lines(path)
    if path.suffix.lower() == ".xlsx":
        return (Line(number, cells) for number, cells in enumerate(sheets.read_rows(path), start=1) if any(cells))
    raise Invalid({"file": "只能导入 .csv 或 .xlsx 文件。"})


def _csv_lines(path: Path) -> Iterator[Line]:
    encoding = sheets.encoding_of(path, path.name)
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding=encoding, errors="replace", newline="") as source:
        reader = csv.reader(line.replace("\x00", "") for line in source)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Line(number, [], "这一行不是规范的 CSV：引号没有配对，或单元格过长。")
                continue
            if any("\ufffd" in cell for cell in cells):
                yield Line(number, cells, "这一行有读不出的字，请核对文件的编码。")
            elif any(cell.strip() for cell in cells):
                yield Line(number, cells)
