"""What came of a case: classifications, answers, ratings, cards, clocks, files, who reads it and who must not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import (
    Answer,
    Attachment,
    Card,
    Case,
    CaseClock,
    CaseExclusion,
    CaseReader,
    Classification,
    Rating,
)  # fmt: skip
from cases.operations import attachments
from core.web.filters import stamp
from organisations.calendar import load_calendar
from organisations.people import Actor
from workbench.queries import lefts, names


def classifications(session: Session, case: Case) -> list[dict[str, Any]]:
    """Each classification of the case, newest first."""
    words = {"suggested": _("系统建议"), "diverted": _("分流"), "corrected": _("更正"), "closing": _("办结时")}
    rows = list(
        session.scalars(
            select(Classification).where(Classification.case_id == case.id).order_by(Classification.at.desc())
        )
    )
    people = names.accounts(session, (row.by_id for row in rows))
    offices = names.organisations(session, (row.organisation_id for row in rows))
    return [
        {
            "at": row.at, "kind": words.get(row.kind, row.kind),
            "who": _("模型 %(v)s", v=row.model_version) if row.model_version else people.get(row.by_id or 0, ""),
            "path": names.category(row.level1, row.level2, row.level3), "nature": row.nature or "",
            "confidence": None if row.confidence is None else row.confidence * 100,
            "office": offices.get(row.organisation_id or 0, ""), "automatic": row.automatic,
        }
        for row in rows
    ]  # fmt: skip


def answers(session: Session, case: Case, offices: dict[int, str]) -> list[dict[str, Any]]:
    """The reports and answers of every round, newest first."""
    kinds = {"report": _("办理情况"), "citizen": _("给群众的答复"), "public": _("公开答复")}
    states = {"written": _("待认定"), "approved": _("已认定"), "served": _("已送达"), "sent_back": _("被退回")}
    rows = list(
        session.scalars(select(Answer).where(Answer.case_id == case.id).order_by(Answer.written_at.desc(), Answer.id))
    )
    people = names.accounts(session, [n for row in rows for n in (row.author_id, row.approver_id)])
    return [
        {
            "row": row, "kind": kinds.get(row.kind, row.kind), "state": states.get(row.state, row.state),
            "text": row.text or "", "office": offices.get(row.author_organisation_id or 0, ""),
            "author": people.get(row.author_id or 0, ""), "approver": people.get(row.approver_id or 0, ""),
        }
        for row in rows
    ]  # fmt: skip


def rating(row: Rating) -> dict[str, Any]:
    """One judgement of a citizen, in words."""
    return {
        "round": row.round, "at": row.at, "contacted": names.yes_no(row.contacted),
        "resolved": names.yes_no(row.resolved), "satisfaction": names.satisfaction(row.satisfaction),
        "comment": row.comment or "", "way": row.way,
    }  # fmt: skip


def cards(session: Session, case: Case) -> list[dict[str, Any]]:
    """The cards of the case with their rule, newest first."""
    query = (
        select(Card, CaseClock)
        .join(CaseClock, CaseClock.id == Card.clock_id)
        .where(Card.case_id == case.id, Card.level.in_(("yellow", "red")))
        .order_by(Card.at.desc())
    )
    found = session.execute(query).all()
    offices = names.organisations(session, (card.organisation_id for card, _clock in found))
    return [
        {
            "level": card.level, "at": card.at, "office": offices.get(card.organisation_id or 0, ""),
            "rule": card_rule(clock), "withdrawn_at": card.withdrawn_at,
        }
        for card, clock in found
    ]  # fmt: skip


def card_rule(clock: CaseClock) -> str:
    """Why a card was given, in a sentence."""
    return str(
        _("%(kind)s应在 %(due)s 前完成，到期没有完成", kind=names.clock_kind(clock.kind), due=stamp(clock.due_at))
    )


def clocks(
    session: Session, at: datetime, clocks: Sequence[CaseClock], offices: dict[int, str], mine: set[int | None]
) -> list[dict[str, Any]]:
    """The clocks of the case, its lead and the reader's own offices; those of others stand in the tree."""
    units = {
        "working_minutes": _("%(n)s 工作分钟"),
        "working_days": _("%(n)s 个工作日"),
        "calendar_days": _("%(n)s 天"),
        "elapsed_minutes": _("%(n)s 分钟"),
    }
    found = []
    for clock in clocks:
        if clock.kind == "return" and (clock.ended_at is not None or clock.due_at <= at):
            continue
        if clock.organisation_id is not None and clock.organisation_id not in mine:
            continue
        due = lefts.of_clock(load_calendar(session, clock.organisation_id), at, clock)
        limit = units.get(clock.unit, "%(n)s") % {"n": clock.amount}
        office = offices.get(clock.organisation_id or 0, "")
        name = " ".join(part for part in (names.clock_kind(clock.kind), limit) if part)
        tone = {"late": "bad", "done": "ok", "near": "warn"}.get(due.get("kind", ""), "")
        found.append({"name": name, "office": office, "due": due, "tone": tone, "used": due.pop("used", None),
                      "due_at": clock.due_at, "open": clock.ended_at is None})  # fmt: skip
    return sorted(found, key=lambda one: not one["open"])


def files(session: Session, actor: Actor, case: Case) -> list[dict[str, Any]]:
    """Every file of the case; of one that could tell who wrote, to whom that is not told, not even its name."""
    rows: list[Attachment] = attachments.of_case(session, case.id)
    people = names.accounts(session, (row.by_id for row in rows))
    return [
        {"id": row.id, "open": attachments.may_open(session, actor, row), "name": row.name or _("附件"),
         "kind": row.kind, "size": row.size, "at": row.at, "who": people.get(row.by_id or 0, "") or _("群众")}
        for row in rows
    ]  # fmt: skip


def readers(session: Session, case: Case) -> list[str]:
    """Who was named to read the case."""
    ids = list(session.scalars(select(CaseReader.account_id).where(CaseReader.case_id == case.id)))
    return sorted(names.accounts(session, ids).values())


def exclusions(session: Session, case: Case) -> list[str]:
    """Who is kept away from the case."""
    rows = list(
        session.scalars(select(CaseExclusion).where(CaseExclusion.case_id == case.id, CaseExclusion.until.is_(None)))
    )
    offices = names.organisations(session, (row.organisation_id for row in rows))
    people = names.accounts(session, (row.account_id for row in rows))
    return [offices.get(row.organisation_id or 0, "") or people.get(row.account_id or 0, "") for row in rows]
