"""A case that was merged away is seen, and kept from, exactly as its lead: the case its submissions belong to now.

What makes a lead a possible accusation, names its readers or keeps somebody away, is written to those as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cases import history
from cases.models import Case, CaseExclusion, CaseReader
from cases.operations.base import lock_case

_Kept = tuple[str, int | None, int | None]


def lock(session: Session, case_id: int, version: int | None = None) -> tuple[Case, Case]:
    """A case and its lead (often itself) under lock, the lead first: two sessions never wait for each other.

    Raises NotFound, and Conflict where somebody changed the case since `version`.
    """
    lead_id = _lead_id(session, case_id)
    if lead_id != case_id:
        lock_case(session, lead_id)
    case = lock_case(session, case_id, version)
    return case, lead_of(session, case)


def lead_of(session: Session, case: Case) -> Case:
    """The case that this one was merged into in the end, under lock; the case itself when it was not."""
    return case if case.merged_into_id is None else lock_case(session, _lead_id(session, case.id))


def into_it(session: Session, lead: Case) -> list[Case]:
    """All cases that were merged into this one, straight or by way of another, under lock."""
    found: list[int] = []
    step = [lead.id]
    while step:
        step = list(session.scalars(select(Case.id).where(Case.merged_into_id.in_(step)).order_by(Case.id)))
        found += step
    return [lock_case(session, case_id) for case_id in found]


def follow(
    session: Session, at: datetime, lead: Case, event: str = "", data: Mapping[str, Any] | None = None
) -> list[Case]:
    """Make those that were merged into a case (under lock) what it is: as an accusation, in readers, in who is kept
    away. Gives them; each tells of it with `event`, so that the index hears of it too."""
    session.flush()
    others = into_it(session, lead)
    if not others:
        return []
    readers = {row.account_id: row for row in session.scalars(_readers(lead))}
    kept = {_key(row): row for row in session.scalars(_kept(lead))}
    for case in others:
        case.accusation, case.petition_kind = lead.accusation, lead.petition_kind
        case.accusation_decided_at = lead.accusation_decided_at
        case.accusation_decided_by_id = lead.accusation_decided_by_id
        _same_readers(session, case, readers)
        _same_kept(session, at, case, kept)
        session.flush()
        if event:
            history.append(session, case, event, at, data={**(data or {}), "with": lead.id})
    return others


def share_kept(session: Session, case: Case, into: Case, at: datetime) -> None:
    """Keep away from a case whoever is kept away from the one that is merged into it."""
    known = {_key(row) for row in session.scalars(_kept(into))}
    for row in session.scalars(_kept(case)).all():
        if _key(row) not in known:
            session.add(_copy(row, into, at))
    session.flush()


def _lead_id(session: Session, case_id: int) -> int:
    into = session.scalar(select(Case.merged_into_id).where(Case.id == case_id))
    while into is not None:
        case_id = into
        into = session.scalar(select(Case.merged_into_id).where(Case.id == case_id))
    return case_id


def _same_readers(session: Session, case: Case, readers: Mapping[int, CaseReader]) -> None:
    session.execute(
        delete(CaseReader).where(CaseReader.case_id == case.id, CaseReader.account_id.not_in(list(readers)))
    )
    known = set(session.scalars(select(CaseReader.account_id).where(CaseReader.case_id == case.id)))
    for account_id, row in readers.items():
        if account_id not in known:
            session.add(
                CaseReader(case_id=case.id, account_id=account_id, named_by_id=row.named_by_id, since=row.since)
            )


def _same_kept(session: Session, at: datetime, case: Case, kept: Mapping[_Kept, CaseExclusion]) -> None:
    known = {_key(row): row for row in session.scalars(_kept(case))}
    for key, row in known.items():
        if key not in kept:
            row.until = at
    for key, row in kept.items():
        if key not in known:
            session.add(_copy(row, case, at))


def _copy(row: CaseExclusion, case: Case, at: datetime) -> CaseExclusion:
    return CaseExclusion(
        case_id=case.id, kind=row.kind, organisation_id=row.organisation_id, account_id=row.account_id,
        by_id=row.by_id, since=at,
    )  # fmt: skip


def _readers(case: Case) -> Any:
    return select(CaseReader).where(CaseReader.case_id == case.id).order_by(CaseReader.id)


def _kept(case: Case) -> Any:
    query = select(CaseExclusion).where(CaseExclusion.case_id == case.id, CaseExclusion.until.is_(None))
    return query.order_by(CaseExclusion.id)


def _key(row: CaseExclusion) -> _Kept:
    return row.kind, row.organisation_id, row.account_id
