"""Rows of a .csv (UTF-8 or GB18030) or .xlsx file, one after another, in constant memory."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from core import sheets
from core.errors import Invalid

_CHUNK = 1 << 20
_LONGEST_CELL = 200_000
Row = tuple[int, list[str]]


class UnreadableRow(Exception):
    """A line that is no row of a table; `line` is its number in the file, the text a Chinese sentence."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def rows(path: Path) -> Iterator[Row | UnreadableRow]:
    """Each row with its line number, the header first; what can't be read comes as an UnreadableRow in its place.

    Raises Invalid when the file is absent, of another kind, or neither UTF-8 nor GB18030.
    """
    if not path.is_file():
        raise Invalid({"file": f"没有找到文件 {path.name}，请核对路径。"})
    if path.suffix.lower() == ".csv":
        return _csv_rows(path, encoding_of(path))
    if path.suffix.lower() == ".xlsx":
        return enumerate(sheets.read_rows(path), start=1)
    raise Invalid({"file": "只能导入 .csv 或 .xlsx 文件。"})


def encoding_of(path: Path) -> str:
    """Which of the two encodings a whole file is written in. Raises Invalid for neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise Invalid({"file": "文件既不是 UTF-8 也不是 GB18030 编码，请另存为 UTF-8 的 CSV 后再导入。"})


def _csv_rows(path: Path, encoding: str) -> Iterator[Row | UnreadableRow]:
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding=encoding, newline="") as source:
        reader = csv.reader(source)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield UnreadableRow(line, "这一行不是规范的 CSV：引号没有配对，或单元格过长。")
                continue
            if any(cell.strip() for cell in cells):
                yield line, cells
