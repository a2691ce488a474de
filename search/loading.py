"""From rows to documents, and from found ids back to what may be shown.

Only masked text enters: a released reply of a case that is no accusation, and a case whose classification is stored and
which is no (possible) accusation. Whatever the index says, the row decides again when results are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, select
from sqlalchemy.orm import Session

from cases.models import Assignment, Case, PublishedReply, Submission, SubmissionCase
from core.database import Database
from organisations.models import Area, Organisation
from search.documents import CaseDocument, ReplyDocument

PAGE = 500
CITY, NO_AREA = "@city", "@noarea"


@dataclass(frozen=True)
class Reply:
    """A published reply as pages show it: masked texts, the answering organisation, the counts of helped yes and no."""

    public_id: str
    title: str
    question: str
    reply: str
    level1: str
    level2: str
    organisation_code: str
    organisation_name: str
    area_code: str
    area_name: str
    asked_at: datetime
    replied_at: datetime
    version: int
    helped_yes: int
    helped_no: int
    row_id: int
    case_id: int
    submission_id: int

    def document(self) -> ReplyDocument:
        """As it is indexed; its year and its place among the newest are those of the reply, not of the release."""
        return ReplyDocument(
            self.public_id, self.title, self.question, self.reply, self.level1, self.level2, self.organisation_code,
            self.organisation_name, self.area_code, self.replied_at, self.version,
        )  # fmt: skip


def showable() -> ColumnElement[bool]:
    """A condition on PublishedReply joined with its Case: released, and the case is no accusation (any more)."""
    return and_(PublishedReply.state == "released", Case.accusation == "no")


def _joined() -> Select[tuple[PublishedReply, str, str, str, str]]:
    return (
        select(PublishedReply, Organisation.code, Organisation.name, Area.code, Area.name)
        .join(Case, Case.id == PublishedReply.case_id)
        .outerjoin(Organisation, Organisation.id == PublishedReply.organisation_id)
        .outerjoin(Area, Area.id == PublishedReply.area_id)
    )


def _replies() -> Select[tuple[PublishedReply, str, str, str, str]]:
    return _joined().where(showable())


def _reply(row: Row[tuple[PublishedReply, str, str, str, str]]) -> Reply:
    published, organisation_code, organisation_name, area_code, area_name = row
    return Reply(
        published.public_id, published.title, published.question, published.reply, published.level1 or "",
        published.level2 or "", organisation_code or "", organisation_name or "", area_code or "", area_name or "",
        published.asked_at, published.replied_at, published.version, published.helped_yes, published.helped_no,
        published.id, published.case_id, published.submission_id,
    )  # fmt: skip


def replies_by_id(session: Session, public_ids: Sequence[str]) -> dict[str, Reply]:
    """The replies that may be shown of these public ids; withdrawn and unknown ones are absent."""
    if not public_ids:
        return {}
    # The state is compared here: as a condition it makes SQLite walk all released replies instead of these few ids.
    query = _joined().where(PublishedReply.public_id.in_(public_ids), Case.accusation == "no")
    found = [row for row in session.execute(query) if row[0].state == "released"]
    return {reply.public_id: reply for reply in map(_reply, found)}


def newest_replies(session: Session, limit: int, offset: int = 0) -> list[Reply]:
    """Replies that may be shown, the last released first."""
    query = _replies().order_by(PublishedReply.published_at.desc(), PublishedReply.id.desc())
    return [_reply(row) for row in session.execute(query.limit(limit).offset(offset)).all()]


def public_ids_of(session: Session, case_ids: Iterable[int]) -> list[str]:
    """The public ids of all replies ever proposed for these cases."""
    query = select(PublishedReply.public_id).where(PublishedReply.case_id.in_(list(case_ids)))
    return list(session.scalars(query))


def load_reply(db: Database, public_id: str) -> ReplyDocument | None:
    """The document of a reply; None where it is absent, withdrawn or not to be shown."""
    with db.read() as session:
        found = replies_by_id(session, [public_id]).get(public_id)
    return found.document() if found else None


def every_reply(db: Database) -> Iterator[ReplyDocument]:
    """All replies that may be shown, read page by page: no session stays open between pages."""
    after = 0
    while True:
        # As in replies_by_id: with the state as a condition SQLite would sort all released replies for every page.
        query = _joined().where(PublishedReply.id > after).order_by(PublishedReply.id).limit(PAGE)
        with db.read() as session:
            rows = session.execute(query.where(Case.accusation == "no")).all()
            page = [_reply(row) for row in rows if row[0].state == "released"]
        yield from (reply.document() for reply in page)
        if len(rows) < PAGE:
            return
        after = rows[-1][0].id


def reply_versions(db: Database) -> dict[str, int]:
    """Public id -> version of all replies that may be shown."""
    query = select(PublishedReply.public_id, PublishedReply.version).join(Case, Case.id == PublishedReply.case_id)
    with db.read() as session:
        return dict(session.execute(query.where(showable())).tuples().all())


# --- cases ------------------------------------------------------------------------------------------------------------


def indexable() -> ColumnElement[bool]:
    """A condition on Case rows: submitted, classified, and no (possible) accusation."""
    return and_(Case.accusation == "no", Case.stage != "draft")


def load_case(db: Database, case_id: str) -> CaseDocument | None:
    """The document of a case; None where it may not be indexed."""
    with db.read() as session:
        case = session.scalar(select(Case).where(Case.id == int(case_id), indexable()))
        return next(iter(_case_documents(session, [case])), None) if case else None


def every_case(db: Database) -> Iterator[CaseDocument]:
    """All cases that may be indexed, read page by page."""
    after = 0
    while True:
        query = select(Case).where(Case.id > after, indexable()).order_by(Case.id).limit(PAGE)
        with db.read() as session:
            page = list(session.scalars(query))
            documents = list(_case_documents(session, page))
        yield from documents
        if len(page) < PAGE:
            return
        after = page[-1].id


def case_versions(db: Database) -> dict[str, int]:
    """Case id -> version of all cases that may be indexed."""
    with db.read() as session:
        rows = session.execute(select(Case.id, Case.version).where(indexable())).tuples()
        return {str(case_id): version for case_id, version in rows}


def _case_documents(session: Session, cases: Sequence[Case]) -> Iterator[CaseDocument]:
    ids = [case.id for case in cases]
    texts = _texts(session, ids)
    involved = _involved(session, ids)
    within = {case.area_id for case in cases if case.area_id}
    areas = {row.id: row for row in session.execute(select(Area.id, Area.code, Area.path).where(Area.id.in_(within)))}
    for case in cases:
        area = areas.get(case.area_id) if case.area_id else None
        keys = (CITY, *(f"@area{part}" for part in area.path.split("/") if part)) if area else (CITY, NO_AREA)
        yield CaseDocument(
            str(case.id), case.number, case.title, "\n".join(texts.get(case.id, [])),
            (*keys, *sorted(involved.get(case.id, ()))), case.status, case.level1 or "", case.level2 or "",
            area.code if area else "", case.received_at, case.version,
        )  # fmt: skip


def _texts(session: Session, case_ids: Sequence[int]) -> dict[int, list[str]]:
    """The masked texts of each case's submissions."""
    query = (
        select(SubmissionCase.case_id, Submission.title_masked, Submission.body_masked)
        .join(Submission, Submission.id == SubmissionCase.submission_id)
        .where(SubmissionCase.case_id.in_(case_ids), SubmissionCase.until.is_(None))
        .order_by(SubmissionCase.since, Submission.id)
    )
    found: dict[int, list[str]] = {}
    for case_id, title, body in session.execute(query):
        found.setdefault(case_id, []).extend((title, body))
    return found


def _involved(session: Session, case_ids: Sequence[int]) -> dict[int, set[str]]:
    """Which organisations act or acted on each case, or asked another to: they see it (cases.visibility)."""
    query = select(Assignment.case_id, Assignment.organisation_id, Assignment.assigner_organisation_id)
    found: dict[int, set[str]] = {}
    for case_id, *organisations in session.execute(query.where(Assignment.case_id.in_(case_ids))):
        found.setdefault(case_id, set()).update(organisation_key(one) for one in organisations if one)
    return found


def organisation_key(organisation_id: int) -> str:
    """How an organisation that may see a case is written in the index."""
    return f"o{organisation_id}"
