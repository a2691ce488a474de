"""Searching a file of petitions through the hub's own query path, in a throw-away index (`./hub search-corpus`)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from core.clock import from_local
from search.documents import ReplyDocument
from search.engine import IndexedDocument, Page, Reader
from search.query import search_replies
from search.tantivy_engine import TantivyEngine

FIRST = 20
_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)


def search_corpus(corpus_path: Path, queries: TextIO, out: TextIO, err: TextIO, engine: str = "embedded") -> int:
    """Index `corpus_path` and answer each query line with its best 20 ids; gives the number of bad lines.

    Corpus lines are {"id","time","title","body","reply","reply_time"}, query lines {"qid","query"}; a bad line is told
    on `err` with its number and passed over. Raises ValueError for an engine that is not there, OSError for the file.
    """
    if engine != "embedded":
        raise ValueError(f"unknown search engine {engine!r}: this hub has embedded only")
    bad: list[int] = []
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="search-corpus-") as folder:
        index = TantivyEngine(Path(folder)).replies
        with corpus_path.open(encoding="utf-8-sig", errors="replace") as lines:
            index.rebuild(_documents(lines, names, err, bad))
        reader = index.open_reader()
        for _, row in _rows(queries, "query", ("qid", "query"), err, bad):
            _answer(reader, row, names, out)
    return len(bad)


def _answer(reader: Reader, row: dict[str, Any], names: dict[str, Any], out: TextIO) -> None:
    typed = str(row["query"])
    page = Page(size=FIRST)
    results = search_replies(reader, typed, page=page)
    ids = [hit.id for hit in results.items]
    if len(ids) < FIRST:
        more = search_replies(reader, typed, page=Page(size=2 * FIRST), at_least=0.0)
        ids += [hit.id for hit in more.items if hit.id not in set(ids)][: FIRST - len(ids)]
    json.dump({"qid": row["qid"], "ids": [names.get(id, id) for id in ids], "answered": results.answered}, out)
    out.write("\n")
    out.flush()


def _rows(
    lines: TextIO, what: str, needed: tuple[str, ...], err: TextIO, bad: list[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or any(row.get(name) is None for name in needed):
                raise ValueError("needs " + ", ".join(needed))
        except ValueError as error:
            bad.append(number)
            err.write(f"{what} line {number}: {error}\n")
            continue
        yield number, row


def _documents(lines: TextIO, names: dict[str, Any], err: TextIO, bad: list[int]) -> Iterator[IndexedDocument]:
    """`names` is filled with each id as the file wrote it: a number stays a number."""
    for number, row in _rows(lines, "corpus", ("id",), err, bad):
        id = str(row["id"]).encode("utf-8", "replace").decode()
        if id in names:
            bad.append(number)
            err.write(f"corpus line {number}: id seen before\n")
            continue
        names[id] = row["id"]
        title, question, reply = (str(row.get(name) or "") for name in ("title", "body", "reply"))
        at = _time(row.get("reply_time") or row.get("time"))
        yield ReplyDocument(id, title, question, reply, published_at=at).indexed()


def _time(value: object) -> datetime:
    """An ISO or "2019/7/8 9:05:00" time; without a zone it is Asia/Shanghai's; 1970 where it can't be read."""
    text = str(value or "").strip()
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d", "%Y/%m/%d", "%Y/%m/%d %H:%M"):
        try:
            return from_local(datetime.strptime(text, form))  # noqa: DTZ007
        except ValueError:
            continue
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _NO_DATE
    return at.astimezone(UTC) if at.tzinfo else from_local(at)
