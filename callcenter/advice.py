"""What helps the agent while typing: danger, category and departments, a title, similar and searched replies.

Nobody is held up by it: without a classifier or a search engine the call is registered all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from callcenter import names
from callcenter.call import Call
from cases import conduct
from cases.errors import Invalid
from classifier import words
from core.database import Database
from core.logging import get_logger
from core.web.forms import whole
from intake import diversion, forms
from intake.answers import danger_advice
from intake.brain import Brain, Suggested
from intake.text import PreparedText, prepare, title_of
from organisations import catalogue, places
from organisations.models import Organisation
from search.engine import Page, SearchUnavailable
from search.loading import replies_by_id
from search.service import SearchService, Shown

LEAST = 6  # characters from which on a text tells something
READ_OUT = 3  # replies that have a key
_log = get_logger(__name__)


@dataclass(frozen=True)
class Lead:
    """A department that could have the call; `value` is what the form sends, "" for the suggestion itself."""

    value: str
    name: str


@dataclass(frozen=True)
class Advice:
    """What is suggested for the words typed. `waits`: why an officer would look first; empty: it goes by itself."""

    path: tuple[str, ...]
    nature: str
    percent: int
    evidence: tuple[str, ...]
    leads: tuple[Lead, ...]
    waits: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """Everything shown while typing. `down`: the suggestion can't be made now."""

    danger: str = ""
    title: str = ""
    area: str = ""
    advice: Advice | None = None
    down: bool = False


def tell(db: Database, brain: Brain, at: datetime, call: Call) -> Told:
    """What the words typed so far lead to; writes nothing and keeps nothing."""
    text = prepare(call.title, call.body, call.place)
    danger = words.danger(text.all_normal)
    advised = danger_advice(danger) if danger else ""
    if len(text.body_normal) < LEAST:
        return Told(advised)
    title = title_of(call.body)
    with db.read() as session:
        area_id = whole(call.area, 1) or forms.find_area(places.index_of(session, at), text)
    area = str(area_id or "")
    try:
        said, fit = diversion.preview(db, brain, text.title_masked or title, text.body_masked, area_id)
    except Exception as error:  # a model that can't be loaded holds no call up
        _log.error("suggestion_failed", exc_info=error)
        return Told(advised, title, area, None, True)
    with db.read() as session:
        return Told(advised, title, area, _advice(session, at, call, text, said, fit, area_id, bool(danger)))


def _advice(
    session: Session,
    at: datetime,
    call: Call,
    text: PreparedText,
    said: Suggested,
    fit: diversion.Fit | None,
    area_id: int | None,
    danger: bool,
) -> Advice:
    facts = diversion.CaseFacts(
        stage="review", track=call.track, round=1, danger=danger, urgent=False, sensitive=False,
        accuses=conduct.accuses_office(f"{text.title_normal}\n{text.body_normal}"),
        refusals=diversion.unstaffed(session, at, fit),
    )  # fmt: skip
    reasons = diversion.decide(said, fit, facts).reasons
    return Advice(
        path=tuple(level for level in said.category if level),
        nature=said.nature,
        percent=round(100 * said.confidence),
        evidence=_evidence(text, said),
        leads=_leads(session, call, said, fit, area_id),
        waits=tuple(_(diversion.REASONS[code]) for code in reasons if code in diversion.REASONS),
    )


def _evidence(text: PreparedText, said: Suggested, most: int = 6) -> tuple[str, ...]:
    """The words that speak for the suggestion, the heaviest first."""
    fields = {"title": text.title_masked, "body": text.body_masked}
    ranked = sorted((one for one in said.evidence if one[3] > 0), key=lambda one: -one[3])
    found = [fields[name][start:end] for name, start, end, _weight in ranked if name in fields]
    return tuple(dict.fromkeys(word for word in found if word.strip()))[:most]


def _leads(
    session: Session, call: Call, said: Suggested, fit: diversion.Fit | None, area_id: int | None
) -> tuple[Lead, ...]:
    """The suggested department, those of the next likely categories, and the one already chosen."""
    others: list[int] = []
    for level1, level2, _chance in said.alternatives:
        row = catalogue.find(session, level1, level2, "", area_id)
        if row is not None and (fit is None or row.lead_id != fit.lead_id):
            others.append(row.lead_id)
    if call.lead_id is not None and session.get(Organisation, call.lead_id) is not None:
        others.append(call.lead_id)
    known = names.offices(session, [*others, *([fit.lead_id] if fit else [])])
    first = [Lead("", known[fit.lead_id])] if fit and fit.lead_id in known else [Lead("", _("由分流员决定"))]
    rest = [one for one in dict.fromkeys(others) if fit is None or one != fit.lead_id]
    return (*first, *(Lead(str(one), known[one]) for one in rest if one in known))


# --- the knowledge base: published replies ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Knowledge:
    """Replies to read out. `down`: search does not answer; `searched`: for words of the agent's own."""

    items: Sequence[Shown] = ()
    searched: bool = False
    down: bool = False


def knowledge(service: SearchService, call: Call) -> Knowledge:
    """Published replies for the agent's own words, else those on the matter being typed."""
    searched = bool(call.words)
    try:
        if searched:
            found = service.search(call.words, page=Page(size=READ_OUT))
            return Knowledge(found.items if found.answered else (), True)
        if len(call.body) < LEAST:
            return Knowledge()
        text = prepare(call.title or title_of(call.body), call.body)
        return Knowledge(service.similar(text.title_masked, text.body_masked, limit=READ_OUT))
    except SearchUnavailable:
        return Knowledge((), searched, True)


def read_replies(session: Session, public_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The title and the text of the replies that were read out, as far as they are still published."""
    rows = replies_by_id(session, list(public_ids)) if public_ids else {}
    return [
        {"id": one, "title": rows[one].title, "text": rows[one].reply} for one in public_ids if one in rows
    ]  # fmt: skip


def require_lead(session: Session, call: Call) -> None:
    """Raise Invalid for a department that is not there, or no longer in service."""
    if call.lead and (call.lead_id is None or session.get(Organisation, call.lead_id) is None):
        raise Invalid({"lead": _("没有这个单位，请重新选择。")})
