"""Who stands above and below an organisation, by territory and by line; and the names people call them by."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from organisations.models import Organisation, OrganisationAlias, OrganisationLink

_DEEPEST = 8  # city, county, township, village and their lines; a loop in the rows ends here


def superiors(session: Session, organisation_id: int, day: date, kind: str | None = None) -> set[int]:
    """Every organisation above one on a day, at any distance; by one kind of link or by all."""
    return _walk(session, organisation_id, day, kind, OrganisationLink.child_id, OrganisationLink.parent_id)


def subordinates(session: Session, organisation_id: int, day: date, kind: str | None = None) -> set[int]:
    """Every organisation below one on a day, at any distance; by one kind of link or by all."""
    return _walk(session, organisation_id, day, kind, OrganisationLink.parent_id, OrganisationLink.child_id)


def names_of(session: Session, organisation_ids: Collection[int]) -> set[str]:
    """What these organisations and their staff are called: names, short names, aliases, staff titles."""
    names: set[str] = set()
    query = select(Organisation.name, Organisation.short_name).where(Organisation.id.in_(organisation_ids))
    for name, short_name in session.execute(query):
        names |= {name, short_name}
    aliases = select(OrganisationAlias.name).where(OrganisationAlias.organisation_id.in_(organisation_ids))
    return {name for name in names | set(session.scalars(aliases)) if name}


def longer_names(session: Session, names: Collection[str]) -> set[str]:
    """The names of any organisation that hold one of these within a longer one: 东湖城管 beside 城管."""
    every = {*session.scalars(select(Organisation.name)), *session.scalars(select(Organisation.short_name))}
    every |= set(session.scalars(select(OrganisationAlias.name)))
    return {one for one in every.difference(names) if one and any(name in one for name in names)}


def _walk(
    session: Session,
    organisation_id: int,
    day: date,
    kind: str | None,
    from_: InstrumentedAttribute[int],
    to: InstrumentedAttribute[int],
) -> set[int]:
    found: set[int] = set()
    edge = {organisation_id}
    for _ in range(_DEEPEST):
        query = select(to).where(from_.in_(edge), *_current(day))
        if kind is not None:
            query = query.where(OrganisationLink.kind == kind)
        edge = set(session.scalars(query)) - found - {organisation_id}
        if not edge:
            break
        found |= edge
    return found


def _current(day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    link = OrganisationLink
    return or_(link.from_date.is_(None), link.from_date <= day), or_(link.to_date.is_(None), link.to_date > day)
