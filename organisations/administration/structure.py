"""Organisations and posts: names, superiors, who is on duty, who works where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.clock import to_local
from organisations.errors import Invalid, NotFound
from organisations.models import Account, Area, Organisation, OrganisationLink, Post
from organisations.models.places import AREA_LEVELS, ORGANISATION_KINDS, TERRITORIAL
from organisations.people import Actor

PERMISSION = "admin.organisations"


@dataclass(frozen=True)
class OrganisationGiven:
    """An organisation as typed; `parent_id` is its superior by territory (属地)."""

    code: str
    name: str
    short_name: str
    kind: str
    level: str
    area_id: int | None = None
    parent_id: int | None = None
    outside: bool = False
    active: bool = True
    duty_account_id: int | None = None
    duty_note: str = ""


def save_organisation(
    session: Session, actor: Actor, at: datetime, organisation_id: int | None, given: OrganisationGiven
) -> Organisation:
    """Change an organisation, or add one (id None). Raises Invalid by field, NotFound, Forbidden."""
    actor.require(PERMISSION)
    row = session.get(Organisation, organisation_id, with_for_update=True) if organisation_id is not None else None
    if organisation_id is not None and row is None:
        raise NotFound()
    _check(session, organisation_id, given)
    day = to_local(at).date()
    if row is None:
        row = Organisation(started=day)
        session.add(row)
    was_active = row.active if organisation_id is not None else True
    for name in ("code", "name", "short_name", "kind", "level", "area_id", "outside", "active", "duty_account_id",
                 "duty_note"):  # fmt: skip
        setattr(row, name, getattr(given, name))
    if was_active != given.active:
        row.ended = None if given.active else day
    session.flush()
    _set_parent(session, row.id, given.parent_id, day)
    action = "organisation_changed" if organisation_id is not None else "organisation_added"
    _note(session, actor, at, action, "organisation", row.id, active=int(given.active), parent_id=given.parent_id)
    return row


def parent_of(session: Session, organisation_id: int) -> int | None:
    """The superior by territory that holds now."""
    link = _open_link(session, organisation_id)
    return link.parent_id if link else None


def add_post(
    session: Session, actor: Actor, at: datetime, account_id: int, organisation_id: int, title: str = ""
) -> Post:
    """Give somebody a post from today; the same post twice is one. Raises Invalid."""
    actor.require(PERMISSION)
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or not organisation.active:
        raise Invalid({"organisation_id": "请选择单位；已撤销的单位不能选。"})
    if session.get(Account, account_id) is None:
        raise Invalid({"account_id": "没有这个账号，请重新选择。"})
    query = select(Post).where(
        Post.account_id == account_id, Post.organisation_id == organisation_id, Post.to_date.is_(None)
    )
    held = session.scalar(query)
    if held is not None:
        held.title = title.strip()[:60] or held.title
        return held
    post = Post(account_id=account_id, organisation_id=organisation_id, title=title.strip()[:60],
                from_date=to_local(at).date())  # fmt: skip
    session.add(post)
    session.flush()
    _note(session, actor, at, "post_given", "account", account_id, organisation_id=organisation_id)
    return post


def end_post(session: Session, actor: Actor, at: datetime, post_id: int) -> None:
    """End a post today; what its holder did stays. Raises NotFound."""
    actor.require(PERMISSION)
    post = session.get(Post, post_id)
    if post is None or post.to_date is not None:
        raise NotFound()
    post.to_date = to_local(at).date()
    _note(session, actor, at, "post_ended", "account", post.account_id, organisation_id=post.organisation_id)


def _check(session: Session, organisation_id: int | None, given: OrganisationGiven) -> None:
    wrong: dict[str, str] = {}
    if not given.code or len(given.code) > 40:
        wrong["code"] = "请填写单位代码，最多 40 个字符。"
    elif session.scalar(select(Organisation.id).where(Organisation.code == given.code)) not in (None, organisation_id):
        wrong["code"] = "这个代码已被别的单位使用，请换一个。"
    if not given.name or len(given.name) > 120:
        wrong["name"] = "请填写单位全称，最多 120 个字。"
    if not given.short_name or len(given.short_name) > 60:
        wrong["short_name"] = "请填写单位简称，最多 60 个字。"
    if given.kind not in ORGANISATION_KINDS:
        wrong["kind"] = "请选择单位类别。"
    if given.level not in AREA_LEVELS:
        wrong["level"] = "请选择层级。"
    if given.area_id is not None and session.get(Area, given.area_id) is None:
        wrong["area_id"] = "没有这个地区，请重新选择。"
    if given.duty_account_id is not None and session.get(Account, given.duty_account_id) is None:
        wrong["duty_account_id"] = "没有这个账号，请重新选择值班人。"
    if given.parent_id is not None and not _may_be_parent(session, organisation_id, given.parent_id):
        wrong["parent_id"] = "上级不能是本单位或它的下级，也不能是不存在的单位。"
    if wrong:
        raise Invalid(wrong)


def _may_be_parent(session: Session, child_id: int | None, parent_id: int) -> bool:
    """Whether going up from the parent never comes to the child."""
    seen: set[int] = set()
    at: int | None = parent_id
    if session.get(Organisation, parent_id) is None:
        return False
    while at is not None and at not in seen:
        if at == child_id:
            return False
        seen.add(at)
        at = parent_of(session, at)
    return True


def _open_link(session: Session, organisation_id: int) -> OrganisationLink | None:
    return session.scalar(
        select(OrganisationLink).where(
            OrganisationLink.child_id == organisation_id,
            OrganisationLink.kind == TERRITORIAL,
            OrganisationLink.to_date.is_(None),
        )
    )


def _set_parent(session: Session, organisation_id: int, parent_id: int | None, day: date) -> None:
    link = _open_link(session, organisation_id)
    if link is not None and link.parent_id == parent_id:
        return
    if link is not None:
        link.to_date = day
    if parent_id is not None:
        session.add(OrganisationLink(child_id=organisation_id, parent_id=parent_id, kind=TERRITORIAL, from_date=day))
    session.flush()


def _note(
    session: Session,
    actor: Actor,
    at: datetime,
    action: str,
    subject: str,
    subject_id: int,
    **details: str | int | None,
) -> None:
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject=subject, subject_id=subject_id,
                 details=details)  # fmt: skip
