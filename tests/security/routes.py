"""Every route of the hub and every field that its views read, found by looking: a new one needs no naming."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from core.database import Base, Database
from core.web.access import access_of

ROOT = Path(__file__).resolve().parent.parent.parent
_READ = re.compile(
    r"""(?:\btyped|\bticked|\bargs\.get|\barguments\.get|\bform\.get|\bform\.getlist|\bgetlist|\bvalues\.get|\bwhole\(\w+\.get)"""
    r"""\(\s*["']([a-z0-9_]+)["']"""
)
_INDEXED = re.compile(r"""\b(?:form|args|arguments)\[["']([a-z0-9_]+)["']\]""")
_NAMED = re.compile(r"""\bname="([a-z0-9_]+)\"""")


@dataclass(frozen=True)
class Route:
    """An address with its endpoint; `of` fills the changing parts in."""

    rule: str
    endpoint: str
    kind: str
    parts: tuple[tuple[str, str], ...]

    def of(self, values: Mapping[str, Any] | None = None, number: Any = 1, word: str = "x") -> str:
        """The address; parts that `values` does not name get `number` or `word`."""
        path = self.rule
        for name, converter in self.parts:
            default = number if converter == "int" else word
            path = re.sub(rf"<(?:\w+:)?{name}>", str((values or {}).get(name, default)), path)
        return path


def routes(app: flask.Flask, method: str, beginning: str = "/") -> list[Route]:
    """Every route that takes a method, except static files."""
    rules = [
        rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.rule.startswith(beginning)
    ]
    return sorted(
        (_route(app, rule) for rule in rules if not rule.endpoint.endswith("static")),
        key=lambda route: (route.rule, route.endpoint),
    )


def _route(app: flask.Flask, rule: Rule) -> Route:
    access = access_of(app, rule.endpoint)
    parts = tuple((name, "int" if type(converter).__name__ == "IntegerConverter" else "text")
                  for name, converter in rule._converters.items())  # fmt: skip
    return Route(rule.rule, rule.endpoint, access.kind if access else "", parts)


@lru_cache(maxsize=1)
def fields() -> tuple[str, ...]:
    """Every name that a view reads from a form or an address, or a template asks for."""
    found: set[str] = set()
    for room in ("core/web", "portal", "workbench", "callcenter"):
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".py", ".html"):
                text = path.read_text()
                found |= {*_READ.findall(text), *_INDEXED.findall(text)}
                found |= set(_NAMED.findall(text)) if path.suffix == ".html" else set()
    return tuple(sorted(found - {"csrf_token"}))


def counted(db: Database) -> dict[str, int]:
    """How many rows each table holds, without sessions and the record of who looked at what."""
    with db.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
            if name not in ("web_sessions", "audit_entries", "chain_heads", "sign_in_attempts", "code_attempts")
        }


def hostile() -> Iterator[tuple[str, str]]:
    """What nobody types by mistake, with a name for each."""
    yield from {
        "SQL": "' OR 1=1; DROP TABLE cases; --%_\\",
        "script": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}${7*7}",
        "null and controls": "a\x00b\x01\x08\x1b[31m\x7f\ufffe\uffff\r\nSet-Cookie: a=b",
        "bidirectional and emoji": "\u202e反\u2066转\u2069\u200f😀🏳️‍🌈👨‍👩‍👧‍👦",
        "negative": "-1",
        "too large for a row": str(2**63),
        "largest": str(2**63 - 1),
        "search words": 'title:(" AND ~5 ^2 [* TO *] /.*/',
        "long": "字" * 3000,
        "day": "9999-12-31",
    }.items()
