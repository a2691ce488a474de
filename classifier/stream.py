"""Classifying lines of JSON, in constant memory: what `./hub classify` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from classifier.model import BATCH, Classifier, Suggestion

LONGEST_LINE = 1_000_000
Catalogue = Mapping[tuple[str, str, str], str]


@dataclass(slots=True)
class Counts:
    """How many lines were answered and how many could not be read."""

    done: int = 0
    bad: int = 0


def classify_lines(
    inp: IO[bytes] | IO[str],
    out: IO[str],
    err: IO[str],
    *,
    among: Iterable[str] | None = None,
    catalogue: Catalogue | None = None,
    batch: int = BATCH,
    classifier: Classifier | None = None,
) -> Counts:
    """Read {"id", "title", "body"} a line, write a suggestion a line; a bad line is told on `err` and the run goes on.

    `among` limits the first level; `auto` then says only that the class is certain, while without it a possible
    accusation, an urgent or a sensitive matter is never `auto`, nor is one without a department. `catalogue` maps
    (level1, level2, level3), the lower ones "" where it ends, to a department. Raises UnknownCategory, DamagedModel.
    """
    model = classifier or Classifier.load()
    names = model.check_among(among) if among is not None else None
    counts = Counts()
    good = _good_lines(_lines(inp), _reporter(err, counts))
    while part := list(islice(good, batch)):
        pairs = [(title, body) for _, title, body in part]
        for (key, _, _), suggestion in zip(part, model.suggest_many(pairs, names, batch), strict=True):
            row = as_row(key, suggestion, catalogue or {}, narrowed=names is not None)
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            counts.done += 1
        out.flush()
    return counts


def as_row(key: Any, said: Suggestion, catalogue: Catalogue, *, narrowed: bool) -> dict[str, Any]:
    """A suggestion as the row that `./hub classify` writes."""
    department = find_department(catalogue, said.category)
    marks = {"accusation": said.accusation, "urgent": said.urgent, "sensitive": said.sensitive}
    reasons = [name for name, held in marks.items() if held]
    if not said.confident:
        reasons.append("confidence")
    if not department:
        reasons.append("department")
    return {
        "id": key,
        "category": list(said.category),
        "department": department,
        "nature": said.nature,
        "urgent": said.urgent,
        "confidence": said.confidence,
        "auto": said.confident if narrowed else not reasons,
        "evidence": [list(piece) for piece in said.evidence],
        "reasons": reasons,
        "danger": said.danger,
        "alternatives": [list(other) for other in said.alternatives],
    }


def find_department(catalogue: Catalogue, category: tuple[str, str, str]) -> str:
    """The department of the closest row above a category, or ""."""
    level1, level2, level3 = category
    for key in ((level1, level2, level3), (level1, level2, ""), (level1, "", "")):
        if key in catalogue:
            return catalogue[key]
    return ""


def catalogue_of(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str, str], str]:
    """The mapping out of a catalogue's rows (level1, level2, level3, area_code, lead_code): those for everywhere."""
    return {
        (row["level1"], row.get("level2") or "", row.get("level3") or ""): row["lead_code"]
        for row in rows
        if not row.get("area_code")
    }


def _lines(inp: IO[bytes] | IO[str]) -> Iterator[tuple[int, bytes | None]]:
    """(line number, bytes), or None for a line that is longer than a line may be; never more than one in memory."""
    source: Any = getattr(inp, "buffer", inp)
    number = 0
    while line := source.readline(LONGEST_LINE):
        number += 1
        raw = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        whole = raw.endswith(b"\n") or len(line) < LONGEST_LINE
        if not whole:
            while (rest := source.readline(LONGEST_LINE)) and not rest.endswith(b"\n" if rest[:0] == b"" else "\n"):
                pass
        yield number, raw if whole else None


def _good_lines(
    lines: Iterator[tuple[int, bytes | None]], report: Callable[[int, str], None]
) -> Iterator[tuple[Any, str, str]]:
    for number, raw in lines:
        if raw is None:
            report(number, f"超过 {LONGEST_LINE} 字节，已跳过")
        elif raw.strip():
            row = _read(raw)
            if isinstance(row, str):
                report(number, row)
            else:
                yield row


def _read(raw: bytes) -> tuple[Any, str, str] | str:
    """(id, title, body) of a line, or what is wrong with it."""
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "不是 UTF-8 编码"
    except (ValueError, RecursionError):
        return "不是一行 JSON"
    if not isinstance(row, dict):
        return "不是 JSON 对象"
    title, body = row.get("title", ""), row.get("body")
    if not isinstance(row.get("id"), str | int):
        return "缺少 id"
    if not isinstance(body, str):
        return "缺少 body"
    if not isinstance(title, str):
        return "title 不是文字"
    return row["id"], title, body


def _reporter(err: IO[str], counts: Counts) -> Callable[[int, str], None]:
    def report(number: int, what: str) -> None:
        counts.bad += 1
        err.write(f"第 {number} 行：{what}。\n")

    return report
