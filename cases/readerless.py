"""Possible accusations that nobody could read when they came: named readers as soon as there are some."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cases import history
from cases.models import Case, CaseReader
from cases.operations import base, first_readers, merged
from core import jobs
from core.database import Database
from organisations.models import Account

NAME_READERS = "cases.name_readers"


def without_reader(session: Session, limit: int = 100) -> list[int]:
    """The possible accusations that nobody with an account in use is named to read, oldest first; their ids."""
    reader = exists().where(
        CaseReader.case_id == Case.id, Account.id == CaseReader.account_id, Account.disabled_at.is_(None)
    )
    query = select(Case.id).where(
        Case.accusation == "possible", Case.merged_into_id.is_(None), ~reader.correlate(Case)
    )  # what was merged away goes with its lead
    return list(session.scalars(query.order_by(Case.id).limit(limit)))


def name_missing(session: Session, at: datetime, case_id: int) -> int:
    """Name the first readers of a case that has none, now that there may be some; gives how many."""
    case = base.lock_case(session, case_id)
    if case.accusation != "possible" or case_id not in without_reader(session):
        return 0
    readers = first_readers.name_them(session, at, case)
    if readers:
        merged.follow(session, at, case)
        history.append(session, case, "accusation_suspected", at, data={"readers": readers})
    return readers


def name_readers(db: Database, at: datetime) -> int:
    """Name the first readers of possible accusations that nobody could read when they came; gives how many cases."""
    with db.read() as session:
        waiting = without_reader(session)
    named = 0
    for case_id in waiting:
        with db.write() as session:
            named += name_missing(session, at, case_id) > 0
    return named


def register(registry: jobs.Registry) -> None:
    """Add the hourly job."""
    registry.add(NAME_READERS, _run)


def _run(work: jobs.Work) -> None:
    name_readers(work.db, work.clock.now())
