"""The routing catalogue's editions: a draft copies what is in force, is edited by row, published by another person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from classifier import taxonomy
from core import audit
from organisations.catalogue import in_force
from organisations.errors import Conflict, Invalid, NotFound, SamePerson
from organisations.models import Area, CatalogueCoHandler, CatalogueRow, CatalogueVersion, Organisation
from organisations.people import Actor

PERMISSION = "admin.catalogue"
TRACKS = {"hotline": "热线", "petition": "信访"}
_MOST_DAYS = 365
_MOST_CO = 5

Key = tuple[str, str, str, int | None]


@dataclass(frozen=True)
class RowGiven:
    """A row as typed. `handle_days` in working days, `sign_hours` in working hours; None: not filled in."""

    level1: str
    level2: str = ""
    level3: str = ""
    area_id: int | None = None
    lead_id: int | None = None
    co_ids: tuple[int, ...] = ()
    legal_basis: str = ""
    sign_hours: int | None = None
    handle_days: int | None = None
    track: str = "hotline"
    note: str = ""


def draft_of(session: Session) -> CatalogueVersion | None:
    """The edition being written, if there is one."""
    return session.scalar(select(CatalogueVersion).where(CatalogueVersion.state == "draft"))


def open_draft(session: Session, actor: Actor, at: datetime) -> CatalogueVersion:
    """A draft with the rows in force; the one that is open when there is one. Raises Forbidden."""
    actor.require(PERMISSION)
    draft = draft_of(session)
    if draft is not None:
        return draft
    number = (session.scalar(select(func.max(CatalogueVersion.number))) or 0) + 1
    draft = CatalogueVersion(number=number, created_by_id=actor.account_id, created_at=at)
    session.add(draft)
    session.flush()
    published = in_force(session)
    if published is not None:
        _copy_rows(session, published.id, draft.id)
    _note(session, actor, at, "catalogue_drafted", draft.id)
    return draft


def save_row(
    session: Session, actor: Actor, at: datetime, version_id: int, row_id: int | None, given: RowGiven, version: int
) -> CatalogueRow:
    """Change a row of a draft, or add one (row_id None). `version` is the draft's as the person saw it.

    Raises Conflict when somebody changed the draft since, Invalid by field, NotFound, Forbidden.
    """
    draft = _locked_draft(session, actor, version_id, version)
    _check(session, draft.id, row_id, given)
    row = _row(session, draft.id, row_id) if row_id is not None else CatalogueRow(version_id=draft.id)
    for name in ("level1", "level2", "level3", "area_id", "lead_id", "legal_basis", "sign_hours", "handle_days",
                 "track", "note"):  # fmt: skip
        setattr(row, name, getattr(given, name))
    session.add(row)
    session.flush()
    session.execute(delete(CatalogueCoHandler).where(CatalogueCoHandler.row_id == row.id))
    _add_co_handlers(session, row.id, given.co_ids)
    _edited(session, actor, at, draft, "catalogue_row_saved", row.id)
    return row


def remove_row(session: Session, actor: Actor, at: datetime, version_id: int, row_id: int, version: int) -> None:
    """Take a row out of a draft. Raises Conflict, NotFound, Forbidden."""
    draft = _locked_draft(session, actor, version_id, version)
    row = _row(session, draft.id, row_id)
    session.execute(delete(CatalogueCoHandler).where(CatalogueCoHandler.row_id == row.id))
    session.delete(row)
    session.flush()
    _edited(session, actor, at, draft, "catalogue_row_removed", row_id)


def restore_row(session: Session, actor: Actor, at: datetime, version_id: int, row_id: int, version: int) -> None:
    """Bring a row of the edition in force back into a draft that left it out. Raises Invalid when it is there."""
    draft = _locked_draft(session, actor, version_id, version)
    published = in_force(session)
    row = _row(session, published.id if published else 0, row_id)
    if _taken(session, draft.id, None, key_of(row)):
        raise Invalid({"level1": "草稿里已有同一分类、同一地区的条目，不用恢复。"})
    _copy_row(session, row, draft.id)
    _edited(session, actor, at, draft, "catalogue_row_restored", row_id)


def discard_draft(session: Session, actor: Actor, at: datetime, version_id: int, version: int) -> None:
    """Give a draft up; its number is kept and not used again."""
    draft = _locked_draft(session, actor, version_id, version)
    draft.state, draft.retired_at = "retired", at
    draft.version += 1
    _note(session, actor, at, "catalogue_discarded", draft.id)


def writers(draft: CatalogueVersion) -> set[int]:
    """Everybody who wrote at a draft: who made it and all who changed a row; none of them may publish it."""
    made = {draft.created_by_id, draft.edited_by_id, *draft.editor_ids}
    return {one for one in made if one is not None}


def publish(session: Session, actor: Actor, at: datetime, version_id: int, version: int) -> CatalogueVersion:
    """Put a draft in force in place of the edition before. Raises SamePerson for its writers, Invalid when empty.

    New cases follow it from now on; a case keeps the edition it was sent by.
    """
    draft = _locked_draft(session, actor, version_id, version)
    if actor.account_id in writers(draft):
        raise SamePerson()
    if not session.scalar(select(func.count()).where(CatalogueRow.version_id == draft.id)):
        raise Invalid({"rows": "草稿里一条也没有，不能发布。"})
    before = in_force(session)
    if before is not None:
        before.state, before.retired_at = "retired", at
        session.flush()
    draft.state, draft.published_by_id, draft.published_at = "published", actor.account_id, at
    draft.version += 1
    _note(session, actor, at, "catalogue_published", draft.id)
    return draft


def key_of(row: CatalogueRow | RowGiven) -> Key:
    """What makes a row the same row in two editions."""
    return row.level1, row.level2, row.level3, row.area_id


def _locked_draft(session: Session, actor: Actor, version_id: int, version: int) -> CatalogueVersion:
    actor.require(PERMISSION)
    query = select(CatalogueVersion).where(CatalogueVersion.id == version_id).with_for_update()
    draft = session.scalar(query.execution_options(populate_existing=True))
    if draft is None:
        raise NotFound()
    if draft.state != "draft" or draft.version != version:
        raise Conflict("草稿刚被别人改过或已发布，请刷新后再改；您填写的内容已保留。")
    return draft


def _row(session: Session, version_id: int, row_id: int) -> CatalogueRow:
    row = session.get(CatalogueRow, row_id)
    if row is None or row.version_id != version_id:
        raise NotFound()
    return row


def _check(session: Session, version_id: int, row_id: int | None, given: RowGiven) -> None:
    wrong: dict[str, str] = {}
    if not given.level1 or len(given.level1) > 40:
        wrong["level1"] = "请填写一级分类，最多 40 个字。"
    if given.level3 and not given.level2:
        wrong["level2"] = "填了三级分类，也要填二级分类。"
    if max(len(given.level2), len(given.level3)) > 60:
        wrong["level2"] = "二级、三级分类最多各 60 个字。"
    if not wrong and not taxonomy.shipped().has(given.level1, given.level2, given.level3):
        wrong["level1"] = "没有这个内容分类，请照信访内容分类填写。"
    if given.area_id is not None and session.get(Area, given.area_id) is None:
        wrong["area_id"] = "没有这个地区，请重新选择。"
    if given.handle_days is None or not 1 <= given.handle_days <= _MOST_DAYS:
        wrong["handle_days"] = f"请填办理期限，1 至 {_MOST_DAYS} 个工作日。"
    if given.sign_hours is None or not 1 <= given.sign_hours <= 80:
        wrong["sign_hours"] = "请填签收时限，1 至 80 个工作小时。"
    if given.track not in TRACKS:
        wrong["track"] = "请选择热线或信访。"
    wrong.update(_wrong_units(session, given))
    if not wrong and _taken(session, version_id, row_id, key_of(given)):
        wrong["level1"] = "草稿里已有同一分类、同一地区的条目，请改那一条。"
    if wrong:
        raise Invalid(wrong)


def _wrong_units(session: Session, given: RowGiven) -> dict[str, str]:
    asked = {given.lead_id, *given.co_ids} - {None}
    known = set(session.scalars(select(Organisation.id).where(Organisation.id.in_(asked), Organisation.active)))
    wrong = {}
    if given.lead_id not in known:
        wrong["lead_id"] = "请选择主办单位；已撤销的单位不能选。"
    if len(given.co_ids) > _MOST_CO or set(given.co_ids) - known or given.lead_id in given.co_ids:
        wrong["co_ids"] = f"协办单位最多 {_MOST_CO} 个，不能与主办相同，也不能是已撤销的单位。"
    return wrong


def _taken(session: Session, version_id: int, row_id: int | None, key: Key) -> bool:
    level1, level2, level3, area_id = key
    query = select(CatalogueRow.id).where(
        CatalogueRow.version_id == version_id,
        CatalogueRow.level1 == level1,
        CatalogueRow.level2 == level2,
        CatalogueRow.level3 == level3,
        CatalogueRow.area_id.is_(None) if area_id is None else CatalogueRow.area_id == area_id,
    )
    return any(found != row_id for found in session.scalars(query))


def _copy_rows(session: Session, from_id: int, to_id: int) -> None:
    for row in session.scalars(select(CatalogueRow).where(CatalogueRow.version_id == from_id)):
        _copy_row(session, row, to_id)


def _copy_row(session: Session, row: CatalogueRow, version_id: int) -> None:
    copy = CatalogueRow(
        version_id=version_id, level1=row.level1, level2=row.level2, level3=row.level3, area_id=row.area_id,
        lead_id=row.lead_id, legal_basis=row.legal_basis, sign_hours=row.sign_hours, handle_days=row.handle_days,
        track=row.track, note=row.note,
    )  # fmt: skip
    session.add(copy)
    session.flush()
    query = select(CatalogueCoHandler.organisation_id).where(CatalogueCoHandler.row_id == row.id)
    _add_co_handlers(session, copy.id, session.scalars(query.order_by(CatalogueCoHandler.position)).all())


def _add_co_handlers(session: Session, row_id: int, organisation_ids: Iterable[int]) -> None:
    for position, organisation_id in enumerate(organisation_ids):
        session.add(CatalogueCoHandler(row_id=row_id, organisation_id=organisation_id, position=position))
    session.flush()


def _edited(session: Session, actor: Actor, at: datetime, draft: CatalogueVersion, action: str, row_id: int) -> None:
    draft.edited_by_id = actor.account_id
    if actor.account_id is not None:
        draft.editor_ids = sorted({*draft.editor_ids, actor.account_id})
    draft.version += 1
    _note(session, actor, at, action, draft.id, row_id=row_id)


def _note(
    session: Session, actor: Actor, at: datetime, action: str, version_id: int, **details: str | int | None
) -> None:
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject="catalogue", subject_id=version_id,
                 details=details)  # fmt: skip
