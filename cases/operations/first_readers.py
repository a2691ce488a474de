"""Who reads a possible accusation first: the holders of the role, without those whose own office the text accuses."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import conduct
from cases.models import Case, CaseReader, Message, Party, Rating
from cases.operations import base
from core.clock import to_local
from core.logging import get_logger
from organisations import lines
from organisations.models import Account, Organisation, RoleGrant
from organisations.people import actor_for

log = get_logger(__name__)

READER_ROLE = "accusation_reader"
DISCIPLINE = "纪检"
_ACCUSED = ("accused", "responsible_unit")  # roles of parties


def choose(session: Session, at: datetime, case: Case) -> list[int]:
    """The accounts that read a case first, by id; none when everybody who could is accused.

    Left out are the holders of the role in an office that the text accuses, and those above and below it. When nobody
    is left, those above it read after all: they are the accused's superiors.
    """
    holders = _holders(session, at)
    meant = _Meant(session, to_local(at).date(), case)
    free = [account for account, offices in holders if not any(map(meant.concerns, offices))]
    if free:
        return free
    return [account for account, offices in holders if not any(map(meant.is_or_stands_below, offices))]


def name_them(session: Session, at: datetime, case: Case) -> int:
    """Name the first readers of a case under lock; gives how many there are."""
    readers = choose(session, at, case)
    if not readers:
        log.warning("accusation_without_reader", case_id=case.id)
    for account_id in readers:
        name(session, at, case, account_id, None)
    return len(readers)


def name(session: Session, at: datetime, case: Case, account_id: int, by_id: int | None) -> CaseReader:
    """Name one reader of a case, by somebody or by rule; who was named before stays as they were."""
    query = select(CaseReader).where(CaseReader.case_id == case.id, CaseReader.account_id == account_id)
    reader = session.scalar(query)
    if reader is None:
        reader = CaseReader(case_id=case.id, account_id=account_id, named_by_id=by_id, since=at)
        session.add(reader)
        session.flush()
    return reader


class _Meant:
    """Whom the words of a case accuse, asked office by office."""

    def __init__(self, session: Session, day: date, case: Case) -> None:
        self._session, self._day = session, day
        self._text, self._named = _words_of(session, case)
        self._above: dict[int, bool] = {}
        self._any: dict[int, bool] = {}

    def is_or_stands_below(self, office: int) -> bool:
        """Whether an office is accused, or one above it. For a discipline body only discipline bodies count."""
        if office not in self._above:
            above = lines.superiors(self._session, office, self._day)
            if self._discipline(office):
                bodies = select(Organisation.id).where(Organisation.kind == DISCIPLINE, Organisation.id.in_(above))
                above = set(self._session.scalars(bodies))
            self._above[office] = self._accuses({office, *above}, self._discipline(office))
        return self._above[office]

    def concerns(self, office: int) -> bool:
        """Whether an office is accused, or one above or below it; accusations of those below are a discipline body's
        work."""
        if office not in self._any:
            below = set() if self._discipline(office) else lines.subordinates(self._session, office, self._day)
            self._any[office] = self.is_or_stands_below(office) or self._accuses(below, False)
        return self._any[office]

    def _discipline(self, office: int) -> bool:
        return self._session.get_one(Organisation, office).kind == DISCIPLINE

    def _accuses(self, offices: Collection[int], discipline: bool) -> bool:
        if self._named & set(offices):
            return True
        names = lines.names_of(self._session, offices)
        if not any(name in self._text for name in names):
            return False
        text = self._text
        for longer in sorted(lines.longer_names(self._session, names), key=len, reverse=True):
            text = text.replace(longer, "○")  # somebody else of the same kind
        return conduct.accuses(text, names, in_sentence=discipline)


def _holders(session: Session, at: datetime) -> list[tuple[int, tuple[int, ...]]]:
    """The accounts in use that hold the role, each with its organisations."""
    query = (
        select(RoleGrant.account_id)
        .join(Account, Account.id == RoleGrant.account_id)
        .where(RoleGrant.role == READER_ROLE, RoleGrant.revoked_at.is_(None), Account.disabled_at.is_(None))
        .distinct()
        .order_by(RoleGrant.account_id)
    )
    return [(one, actor_for(session, one, at).organisation_ids) for one in session.scalars(query)]


def _words_of(session: Session, case: Case) -> tuple[str, set[int]]:
    """All that the citizens of a case wrote so far, and the organisations that they named as accused."""
    submissions = base.submissions_of(session, case)
    ids = [one.id for one in submissions]
    parts: list[str | None] = [text for one in submissions for text in (one.title_masked, one.body_masked)]
    messages = select(Message.text_masked).where(Message.submission_id.in_(ids), Message.direction == "in")
    parts += session.scalars(messages.order_by(Message.id))
    # Whole rows: a comment is sealed, and no column by itself.
    parts += [row.comment for row in session.scalars(select(Rating).where(Rating.case_id == case.id))]
    named = select(Party.organisation_id).where(Party.submission_id.in_(ids), Party.role.in_(_ACCUSED))
    return "\n".join(part for part in parts if part), {one for one in session.scalars(named) if one is not None}
