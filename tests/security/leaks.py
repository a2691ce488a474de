"""Looks for planted personal values wherever a hub writes: raw, half masked, URL-encoded, base64, escaped, GBK, UTF-16.

Half masked: any run of six characters of a value, or the whole of a shorter one. Figures are compared by whole runs, so
that row ids, times and digests that hold six of them by chance are no finding.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

RUN = 6
_LONG, _LONG_RUN = 17, 10
_NOISE = re.compile(rb"(?<=\d\d:\d\d:\d\d)\.\d+|(?<=\d)\.\d{6,}")  # parts of seconds, long decimals
_FIGURES = re.compile(rb"[A-Za-z0-9+/_=-]{6,}")
_DATABASE = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Planted:
    """A value and what it is called. `kept`: ordinary words, which the masked texts of lists and indexes may hold."""

    name: str
    value: str
    kept: bool = False

    @cached_property
    def runs(self) -> tuple[str, ...]:
        """Every run of six characters, or the whole."""
        last = max(1, len(self.value) - RUN + 1)
        return tuple(self.value[at : at + RUN] for at in range(last))

    @cached_property
    def patterns(self) -> tuple[bytes, ...]:
        """What a leak of this value looks like, figures left out (see `_by_figures`)."""
        found: set[bytes] = set()
        for text in {self.value} if self.is_figures else {self.value, *self.runs}:
            found |= {text.encode(), text.encode("gb18030"), text.encode("utf-16-le"), text.encode("utf-16-be"),
                      quote(text, safe="").encode(), quote(text, safe="", encoding="gb18030").encode(),
                      json.dumps(text).strip('"').encode(), repr(text.encode())[2:-1].encode()}  # fmt: skip
        for spelled in (self.value.encode(), self.value.encode("gb18030"), self.value.encode("utf-16-le")):
            found |= {part for part in _in_base64(spelled) if len(part) >= 10}
            found.add(spelled.hex().encode())
        return tuple(sorted(part for part in found if len(part) >= 4))

    @property
    def is_figures(self) -> bool:
        return sum(letter.isdigit() for letter in self.value) >= len(self.value) - 2 and self.value.isascii()


def _in_base64(data: bytes) -> Iterator[bytes]:
    """The part of a base64 text that only this value makes, wherever in it the value begins."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data)
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        yield text[first:last]
        yield base64.urlsafe_b64encode(b"\0" * before + data)[first:last]


@dataclass(frozen=True)
class Leak:
    """Where which value stood, and in which form."""

    name: str
    place: str
    form: bytes

    def __str__(self) -> str:
        return f"{self.name} in {self.place} as {self.form!r}"


def find(planted: Iterable[Planted], places: Iterable[tuple[str, bytes]], own: Iterable[str] = ()) -> list[Leak]:
    """Every value in every place, one finding each. `own`: numbers that the hub drew by lot and gave to cases, in which
    six figures of a value may stand by chance.
    """
    values, found, drawn = list(planted), [], {number.encode() for number in own}
    for place, data in places:
        runs = _figure_runs(data) - drawn
        for one in values:
            form = next((pattern for pattern in one.patterns if pattern in data), b"") or _by_figures(one, runs)
            if form:
                found.append(Leak(one.name, place, form))
    return found


def _figure_runs(data: bytes) -> set[bytes]:
    return {token for token in _FIGURES.findall(_NOISE.sub(b"", data)) if len(token) <= 40}


def _by_figures(one: Planted, runs: set[bytes]) -> bytes:
    """A run of figures, not much longer than the value, that holds six of its figures on end; ten where the run is as
    long as a row's id.
    """
    if not one.is_figures:
        return b""
    value = one.value.encode()
    for run in runs:
        length = RUN if len(run) < _LONG else _LONG_RUN
        if len(run) <= len(value) + 4 and any(
            value[at : at + length] in run for at in range(max(1, len(value) - length + 1))
        ):
            return run
    return b""


def files_of(folder: Path, *, without: tuple[str, ...] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file of a data folder; of a database also its rows, which in the file may be cut at the end of a page."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(without):
            data = path.read_bytes()
            yield name, data
            if data.startswith(_DATABASE):
                yield f"{name} (rows)", "\n".join(rows_of(path)).encode()


def rows_of(path: Path, table: str = "") -> list[str]:
    """The rows of a SQLite database (or of one table) as text."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [table] if table else [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]  # fmt: skip
        return [f"{name}: {row!r}" for name in names for row in connection.execute(f'SELECT * FROM "{name}"')]
