"""What staff choose from: organisations (by name or pinyin initials), categories, grounds, dictionaries."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pypinyin import Style, lazy_pinyin
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

import classifier
from organisations import people
from organisations.models import Account, Ground, Organisation, OrganisationAlias, Post, RoleGrant

_TAXONOMY = Path(classifier.__file__).parent / "taxonomy.csv"


@dataclass(frozen=True)
class Office:
    """An organisation to choose, with the pinyin initials it is found by; `staffed`: somebody there has an account."""

    id: int
    name: str
    short_name: str
    level: str
    initials: str
    staffed: bool


@lru_cache(maxsize=4096)
def initials(name: str) -> str:
    """The pinyin initials of a name: 市城管局 → scgj."""
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors=lambda rest: rest)).lower()


def offices(session: Session, at: datetime) -> list[Office]:
    """Every organisation in service, in the order of their codes."""
    staffed = people.staffed(session, at)
    query = select(Organisation.id, Organisation.name, Organisation.short_name, Organisation.level).where(
        Organisation.active
    )
    return [
        Office(row[0], row[1], row[2], row[3], f"{initials(row[2])} {initials(row[1])}", row[0] in staffed)
        for row in session.execute(query.order_by(Organisation.code))
    ]


def offices_to_handle(session: Session, at: datetime) -> list[Office]:
    """The same for sending a case on: those where nobody has an account come last."""
    return sorted(offices(session, at), key=lambda office: not office.staffed)


def find_offices(session: Session, at: datetime, typed: str, limit: int = 12) -> list[Office]:
    """Organisations whose name, alias or pinyin initials hold what was typed, the ones that begin with it first, of
    equally good ones those where somebody has an account.
    """
    words = typed.strip().lower()
    if not words:
        return []
    query = select(OrganisationAlias.organisation_id).where(
        OrganisationAlias.kind == "alias", OrganisationAlias.name.contains(words, autoescape=True)
    )
    called = set(session.scalars(query.limit(200)))
    known = offices_to_handle(session, at)
    ranked = [(rank, office) for office in known if (rank := _rank(office, words, called)) is not None]
    return [office for _rank_, office in sorted(ranked, key=lambda pair: pair[0])[:limit]]


def _rank(office: Office, words: str, called: set[int]) -> int | None:
    if office.short_name.lower().startswith(words) or office.initials.startswith(words):
        return 0
    if any(part.startswith(words) for part in office.initials.split()):
        return 1
    if words in office.name.lower() or words in office.short_name.lower() or office.id in called:
        return 2
    return 3 if words in office.initials else None


@lru_cache(maxsize=1)
def taxonomy() -> tuple[tuple[str, str, str], ...]:
    """The classification of petition subjects: (level1, level2, level3)."""
    with _TAXONOMY.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple((row["level1"], row["level2"], row["level3"]) for row in rows)


def level1_options() -> list[str]:
    """The first-level categories in order."""
    return list(dict.fromkeys(row[0] for row in taxonomy()))


@lru_cache(maxsize=1)
def category_options() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Every category by first level, each as ("一级|二级|三级", what is shown)."""
    groups: dict[str, dict[str, str]] = {}
    for level1, level2, level3 in taxonomy():
        options = groups.setdefault(level1, {f"{level1}||": level1})
        options.setdefault(f"{level1}|{level2}|", f"{level1} › {level2}")
        if level3:
            options[f"{level1}|{level2}|{level3}"] = f"{level1} › {level2} › {level3}"
    return tuple((level1, tuple(options.items())) for level1, options in groups.items())


def grounds(session: Session, track: str, operation: str) -> list[tuple[str, str]]:
    """The grounds for refusing or guiding on a track, as (code, sentence with its article)."""
    query = select(Ground).where(Ground.track == track, Ground.operation == operation, Ground.active)
    return [
        (row.code, f"{row.text}（{row.article}）" if row.article else row.text)
        for row in session.scalars(query.order_by(Ground.position, Ground.id))
    ]


def colleagues(session: Session, organisation_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Who could be named a reader: those who hold the reader's role, and the colleagues of one's own offices."""
    by_role = select(RoleGrant.account_id).where(RoleGrant.role == "accusation_reader", RoleGrant.revoked_at.is_(None))
    by_post = select(Post.account_id).where(Post.organisation_id.in_(organisation_ids), Post.to_date.is_(None))
    query = select(Account.id, Account.name).where(
        Account.disabled_at.is_(None), or_(Account.id.in_(by_role), Account.id.in_(by_post))
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(Account.name))]
