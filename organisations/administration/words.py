"""The dictionaries that staff choose from, and the grounds for refusing or guiding elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from organisations.errors import Invalid, NotFound
from organisations.models import Ground, Term
from organisations.people import Actor

PERMISSION = "admin.policies"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,38}")
# What the dictionaries that the hub reads are called; a city's own show their code.
KINDS = {
    "contact_kind": "来电标记",
    "extension_reason": "延期理由",
    "reopen_reason": "重办理由",
    "return_reason": "退办理由",
    "send_back_reason": "退回补办理由",
    "suspension_reason": "中止理由",
    "take_back_reason": "收回理由",
}
TRACKS = {"hotline": "热线", "petition": "信访"}
OPERATIONS = {"refuse": "不予受理", "guide": "告知其他途径"}


@dataclass(frozen=True)
class GroundGiven:
    """A ground as typed: its sentence, the rule and article it stands on."""

    track: str
    operation: str
    code: str
    text: str
    basis: str = ""
    article: str = ""
    position: int = 0
    active: bool = True


def kinds(session: Session) -> list[str]:
    """The dictionaries there are: those that the hub reads, and a city's own."""
    return sorted({*KINDS, *session.scalars(select(Term.kind).distinct())})


def save_term(
    session: Session, actor: Actor, at: datetime, term_id: int | None, *, kind: str, code: str, name: str,
    position: int = 0, active: bool = True,
) -> Term:  # fmt: skip
    """Change a word, or add one (id None); kind and code of an existing one stay, since cases refer to them.

    Raises Invalid by field, NotFound, Forbidden.
    """
    actor.require(PERMISSION)
    name = name.strip()
    if not name or len(name) > 200:
        raise Invalid({"name": "请填写名称，最多 200 个字。"})
    if term_id is not None:
        row = session.get(Term, term_id)
        if row is None:
            raise NotFound()
    else:
        if kind not in kinds(session):
            raise Invalid({"kind": "请选择词条属于哪一类。"})
        _check_code(code, "code")
        if session.scalar(select(Term.id).where(Term.kind == kind, Term.code == code)):
            raise Invalid({"code": "这个代码已经有了，请换一个。"})
        row = Term(kind=kind, code=code)
        session.add(row)
    row.name, row.position, row.active = name, position, active
    session.flush()
    _note(session, actor, at, "term_saved", "term", row.id, active=int(active))
    return row


def save_ground(session: Session, actor: Actor, at: datetime, ground_id: int | None, given: GroundGiven) -> Ground:
    """Change a ground, or add one (id None); track and code of an existing one stay. Raises Invalid, NotFound."""
    actor.require(PERMISSION)
    if not given.text.strip():
        raise Invalid({"text": "请写明理由，群众会看到这句话。"})
    if not given.article.strip() or len(given.article) > 200:
        raise Invalid({"article": "请写明依据的条款，最多 200 个字。"})
    if ground_id is not None:
        row = session.get(Ground, ground_id)
        if row is None:
            raise NotFound()
    else:
        row = _new_ground(session, given)
    row.text, row.basis, row.article = given.text.strip(), given.basis.strip(), given.article.strip()
    row.position, row.active = given.position, given.active
    session.flush()
    _note(session, actor, at, "ground_saved", "ground", row.id, active=int(given.active))
    return row


def _new_ground(session: Session, given: GroundGiven) -> Ground:
    _check_code(given.code, "code")
    if given.track not in TRACKS:
        raise Invalid({"track": "请选择热线或信访。"})
    if given.operation not in OPERATIONS:
        raise Invalid({"operation": "请选择用于不予受理还是告知。"})
    if session.scalar(select(Ground.id).where(Ground.track == given.track, Ground.code == given.code)):
        raise Invalid({"code": "这个代码已经有了，请换一个。"})
    row = Ground(track=given.track, operation=given.operation, code=given.code)
    session.add(row)
    return row


def _check_code(code: str, field: str) -> None:
    if not _CODE.fullmatch(code):
        raise Invalid({field: "代码用小写字母开头，只含小写字母、数字、下划线，最多 39 位。"})


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
