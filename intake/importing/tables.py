"""Rows of a .csv (UTF-8, UTF-16 or GB18030) or .xlsx file, one after another, in constant memory."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from flask_babel import gettext as _

from core import sheets
from core.errors import Invalid

_LONGEST_CELL = 200_000
_LONGEST_LINE = 2_000_000


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
        raise Invalid({"file": _("没有找到文件 %(name)s，请核对路径。", name=path.name)})
    if path.suffix.lower() == ".csv":
        return _csv_lines(path)
    if path.suffix.lower() == ".xlsx":
        return (Line(number, cells) for number, cells in enumerate(sheets.read_rows(path), start=1) if any(cells))
    raise Invalid({"file": "只能导入 .csv 或 .xlsx 文件。"})


def count(path: Path) -> int:
    """How many rows follow the header: reading them costs little beside taking them in. Raises Invalid like `lines`."""
    return max(sum(1 for _line in lines(path)) - 1, 0)


class _Source:
    """The lines of a text file, of which some may be given back to be read once more."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._waiting = file, deque[str]()
        self.taken: list[str] = []  # since the last row
        self.number = 0  # of the last line taken

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._file.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.taken.append(line)
        self.number += 1
        if len(line) == _LONGEST_LINE:
            while (rest := self._file.readline(_LONGEST_LINE)) and not rest.endswith("\n"):
                pass
            raise csv.Error("line too long")
        return line.replace("\x00", "")

    def give_back(self) -> str:
        """All but the first of the lines taken since the last row are read again; gives that first one."""
        first, *rest = self.taken
        self._waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        return first


def _csv_lines(path: Path) -> Iterator[Line]:
    encoding = sheets.encoding_of(path, path.name)
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        source = _Source(file)
        reader = csv.reader(source, strict=True)
        while True:
            number, source.taken = source.number + 1, []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                # A quote that was not closed takes the rows below with it: they are read again, on their own.
                broken = source.give_back().rstrip("\r\n")[:_LONGEST_CELL]
                yield Line(number, [broken], "这一行不是规范的 CSV：引号没有配对，或内容过长。")
                continue
            if any("\ufffd" in cell for cell in cells):
                yield Line(number, cells, "这一行有读不出的字，请核对文件的编码。")
            elif any(cell.strip() for cell in cells):
                yield Line(number, cells)
