"""A small made-up town for tests of operations: seven organisations, their people, and cases ready for diversion."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Case, CaseClock, Event
from cases.operations import closing, dispatch, handling, submissions
from cases.operations.base import refresh, submissions_of
from cases.operations.inputs import NewSubmission, Reporter
from cases.seed import seed_policies
from core.database import Database
from organisations.models import Account, Ground, Organisation, OrganisationAlias, OrganisationLink, Post, RoleGrant
from organisations.people import CITIZEN, Actor
from organisations.roles import permissions_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = datetime(2026, 11, 24, 10, tzinfo=SHANGHAI)  # in office hours

# code: name, short name, aliases, code of what stands above it
ORGANISATIONS = {
    "city": ("临川市诉求受理中心", "受理中心", (), None),
    "bureau": ("临川市城市管理局", "城管局", ("城管", "城管队员"), "city"),
    "county": ("东湖区城市管理局", "东湖城管", (), "bureau"),
    "street": ("东湖区柳林街道办事处", "柳林街道", ("柳林办事处",), "county"),
    "water": ("临川市水务集团", "水务集团", ("自来水公司",), "city"),
    "housing": ("临川市住房局", "住房局", (), "city"),
    "closed": ("临川市旧局", "旧局", (), "city"),
}
ROLES = ("diversion", "handler", "approver", "supervisor", "agent")
_keys = count(1)


def at(day: int, hour: int = 10, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    """A moment in Shanghai."""
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


@dataclass
class Town:
    """The database, the organisations' ids by code, and the people."""

    db: Database
    ids: dict[str, int] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        """A person: "<role>@<organisation>"."""
        return self.people[name]

    @property
    def officer(self) -> Actor:
        """The diversion officer of the city."""
        return self.actor("diversion@city")

    def case(
        self, title: str = "路灯坏了", body: str = "门前路灯不亮", when: datetime = TUESDAY, **facts: object
    ) -> int:
        """A case in the review queue, classified as no accusation unless `facts` say otherwise; its id."""
        with self.db.write() as session:
            new = NewSubmission(
                origin="web", origin_key=f"k{next(_keys)}", channel="web", title=title, body=body, title_masked=title,
                body_masked=body, received_at=when, reporter=Reporter(phone=f"139{next(_keys):08d}"),
                track=str(facts.pop("track", "hotline")), disclosure="named",
            )  # fmt: skip
            case = submissions.submit(session, CITIZEN, when, new).case
            for name, value in {"accusation": "no", "level1": "城乡建设", "nature": "投诉", **facts}.items():
                setattr(case, name, value)
            session.flush()
            refresh(session, case)
            return case.id

    def submission(self, case_id: int) -> int:
        """The id of a case's first submission."""
        with self.db.read() as session:
            return submissions_of(session, session.get_one(Case, case_id))[0].id

    def lead(self, case_id: int, code: str = "bureau", *, signed: bool = True, **more: object) -> int:
        """The case is assigned to an organisation and, unless told otherwise, signed by it; the assignment's id."""
        with self.db.write() as session:
            lead = dispatch.assign(session, self.officer, TUESDAY, case_id, self.ids[code], **more)
            if signed:
                handling.sign(session, self.actor(f"handler@{code}"), TUESDAY, lead.id)
            return lead.id

    def fed_back(self, case_id: int, code: str = "bureau", when: datetime = TUESDAY) -> int:
        """The case is assigned, signed and fed back; the lead's assignment's id."""
        lead_id = self.lead(case_id, code)
        with self.db.write() as session:
            handling.feed_back(
                session,
                self.actor(f"handler@{code}"),
                when,
                lead_id,
                report="已修好，到现场看过无误",
                answer="您好，路灯已修好，请放心。",
            )
        return lead_id

    def asking(self, case_id: int, when: datetime = TUESDAY) -> int:
        """The case is confirmed and its citizen asked; the lead's assignment's id."""
        lead_id = self.fed_back(case_id, when=when)
        with self.db.write() as session:
            closing.confirm(session, self.officer, when, lead_id)
        return lead_id

    def rows(self, model: type, **where: object) -> list:
        """The stored rows of a table, oldest first."""
        with self.db.read() as session:
            query = select(model).order_by(model.id).filter_by(**where)
            return list(session.scalars(query))

    def kinds(self, case_id: int) -> list[str]:
        """The kinds of a case's events in order."""
        with self.db.read() as session:
            return list(session.scalars(select(Event.kind).where(Event.case_id == case_id).order_by(Event.seq)))

    def clock(self, kind: str, **where: object) -> CaseClock:
        """The newest clock of a kind."""
        return max(self.rows(CaseClock, kind=kind, **where), key=lambda row: (row.started_at, row.id))

    def get(self, model: type, row_id: int) -> object:
        """A row as it is stored now."""
        with self.db.read() as session:
            return session.get_one(model, row_id)


def make_town(db: Database, active: str = "zhengzhou") -> Town:
    """The town in a database with every table and no row; `active` is the deadline policy in force."""
    town = Town(db)
    with town.db.write() as session:
        seed_policies(session, TUESDAY, active)
        _organisations(session, town)
        _people(session, town)
        for track in ("hotline", "petition"):
            for operation in ("refuse", "guide"):
                session.add(
                    Ground(track=track, operation=operation, code=f"{operation}-1", text="依法应由法院受理。",
                           article=f"{track} 第一条")
                )  # fmt: skip
    return town


def _people(session: Session, town: Town) -> None:
    for code in ORGANISATIONS:
        for role in ROLES:
            name = f"{role}@{code}"
            row = Account(username=name, name=name, created_at=TUESDAY)
            session.add(row)
            session.flush()
            session.add(Post(account_id=row.id, organisation_id=town.ids[code], title=role))
            session.add(RoleGrant(account_id=row.id, role=role, granted_at=TUESDAY))
            town.people[name] = Actor(
                row.id, (town.ids[code],), frozenset({role}), permissions_of({role}), display_name=name
            )


def _organisations(session: Session, town: Town) -> None:
    for code, (name, short_name, aliases, above) in ORGANISATIONS.items():
        row = Organisation(
            code=code, name=name, short_name=short_name, kind="政府部门", level="city", active=code != "closed"
        )
        session.add(row)
        town.ids[code] = row.id
        session.flush()
        for alias in aliases:
            kind = "staff_title" if alias.endswith("队员") else "alias"
            session.add(OrganisationAlias(organisation_id=row.id, kind=kind, name=alias))
        if above is not None:
            session.add(OrganisationLink(child_id=row.id, parent_id=town.ids[above], kind="territorial"))


def at_once(work: list) -> list:
    """Run functions in threads that start together; what each returned, or the error it raised."""
    gate, results = threading.Barrier(len(work)), [None] * len(work)

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = work[place]()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
