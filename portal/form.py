"""The petition form: what was typed, what it offers to choose from, and the draft it may be filled from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Party, Submission
from core.web.forms import ticked, typed, whole
from intake.forms import BODY, TITLE, PetitionForm
from organisations import catalogue
from organisations.models import Area, CatalogueRow
from portal.categories import category

HONEYPOT = "website"
LONGEST_BODY = 20_000
IDS = {"token": "title", "track": "disclosure", "occurred_at": "body"}
"""Where the summary's link goes for a fault whose field has no control of its own."""


@dataclass(frozen=True)
class Typed:
    """The fields of the form as text, as they were typed."""

    title: str = ""
    body: str = ""
    area: str = ""
    place: str = ""
    who: str = ""
    level1: str = ""
    disclosure: str = ""
    name: str = ""
    phone: str = ""
    behalf: bool = False
    behalf_of: str = ""
    behalf_phone: str = ""
    joint: str = ""
    consent: str = ""
    track: str = "hotline"

    def form(self, *, draft: bool = False) -> PetitionForm:
        """As intake takes it."""
        return PetitionForm(
            title=self.title, body=self.body, area_id=whole(self.area), place=self.place, who=self.who,
            disclosure=self.disclosure or ("named" if draft else ""), name=self.name, phone=self.phone,
            behalf_of=self.behalf_of if self.behalf else "", behalf_phone=self.behalf_phone if self.behalf else "",
            joint=tuple(line.strip() for line in self.joint.splitlines() if line.strip()),
            consent_publish={"yes": True, "no": False}.get(self.consent), level1=self.level1, track=self.track,
            draft=draft,
        )  # fmt: skip

    def fields(self) -> dict[str, str]:
        """As hidden fields carry it."""
        return {name: ("1" if value is True else value or "") for name, value in asdict(self).items()}


def from_request() -> Typed:
    """What was typed into the form in hand."""
    return Typed(
        title=typed("title", 200), body=typed("body", LONGEST_BODY), area=typed("area", 20), place=typed("place", 500),
        who=typed("who", 500), level1=typed("level1", 40), disclosure=typed("disclosure", 20), name=typed("name", 200),
        phone=typed("phone", 60), behalf=ticked("behalf"), behalf_of=typed("behalf_of", 200),
        behalf_phone=typed("behalf_phone", 60), joint=typed("joint", 5_000), consent=typed("consent", 5),
        track="petition" if typed("track", 10) == "petition" else "hotline",
    )  # fmt: skip


def from_address() -> Typed:
    """A fresh form: the words that were searched for come along, and the track that the guide led to."""
    args = flask.request.args
    track = "petition" if args.get("track") == "petition" else "hotline"
    return Typed(title=args.get("about", "").replace("\x00", "").strip()[: TITLE[1]], track=track)


def from_draft(session: Session, submission: Submission) -> Typed:
    """A draft as it was kept."""
    parties = list(session.scalars(select(Party).where(Party.submission_id == submission.id).order_by(Party.id)))
    first = {party.role: party for party in reversed(parties)}
    reporter, agent, unit = first.get("reporter"), first.get("agent"), first.get("unit_concerned")
    filler = agent or reporter
    return Typed(
        title=submission.title or "", body=submission.body or "", area=str(submission.area_id or ""),
        place=submission.place or "", who=(unit.name or "") if unit else "", level1=submission.claimed_level1 or "",
        disclosure=submission.disclosure, name=(filler.name or "") if filler else "",
        phone=(filler.phone or "") if filler else "", behalf=agent is not None,
        behalf_of=(reporter.name or "") if agent and reporter else "",
        behalf_phone=(reporter.phone or "") if agent and reporter else "",
        joint="\n".join(party.name or "" for party in parties if party.role == "joint"),
        consent={True: "yes", False: "no"}.get(submission.consent_publish, ""),  # type: ignore[arg-type]
        track=submission.track,
    )  # fmt: skip


def own_faults(given: Typed, *, draft: bool) -> dict[str, str]:
    """What intake does not look at: the trap for machines, and who it is on behalf of."""
    faults = {}
    if typed(HONEYPOT, 200):
        faults[HONEYPOT] = _("这一栏请留空，再提交一次。")
    if not draft and not given.disclosure:
        faults["disclosure"] = _("请选择实名、实名保密或匿名。")
    if not draft and given.behalf and given.disclosure != "anonymous" and not given.behalf_of:
        faults["behalf_of"] = _("请填写您代谁反映；如果是您自己的事，请去掉“我是替别人反映”。")
    return faults


ORDER = (
    HONEYPOT, "title", "body", "area", "place", "who", "level1", "files", "disclosure", "track", "name", "phone",
    "behalf_of", "behalf_phone", "joint", "consent", "token",
)  # fmt: skip


def ordered(faults: dict[str, str]) -> dict[str, str]:
    """The faults in the order of the page."""
    place = {name: index for index, name in enumerate(ORDER)}
    return dict(sorted(faults.items(), key=lambda item: place.get(item[0], len(ORDER))))


def choices(session: Session) -> dict[str, Any]:
    """What the form offers: areas by county with the townships below, and the categories in force."""
    query = select(Area).where(Area.active, Area.level.in_(["city", "county", "township"])).order_by(Area.code)
    areas = list(session.scalars(query))
    below: dict[int | None, list[Area]] = {}
    for area in areas:
        below.setdefault(area.parent_id, []).append(area)
    groups: list[Any] = []
    for area in areas:
        if area.level == "city":
            groups.append((str(area.id), _("%(place)s（说不清在哪里，或涉及全市）", place=area.name)))
        elif area.level == "county":
            options = [(str(area.id), _("%(place)s（不清楚哪个街道）", place=area.name))]
            options += [(str(one.id), one.name) for one in below.get(area.id, [])]
            groups.append((area.name, options))
    categories = [(name, category(name)) for name in _categories(session)]
    return {"areas": groups, "categories": categories, "title_most": TITLE[1], "body_least": BODY[0],
            "body_most": BODY[1]}  # fmt: skip


def _categories(session: Session) -> list[str]:
    version = catalogue.in_force(session)
    if version is None:
        return []
    query = select(CatalogueRow.level1).where(CatalogueRow.version_id == version.id).distinct()
    return list(session.scalars(query.order_by(CatalogueRow.level1)))
