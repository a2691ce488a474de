"""Second factors: which roles must have one, and taking one away when a phone was lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from organisations import sessions, totp
from organisations.errors import Forbidden, Invalid, NotFound
from organisations.models import Account, RolePolicy
from organisations.people import Actor
from organisations.roles import ROLES

PERMISSION = "admin.accounts"


def require_totp(session: Session, actor: Actor, at: datetime, role: str, required: bool) -> None:
    """Say whether holders of a role must have a second factor; asked for on their next page. Raises Invalid."""
    actor.require(PERMISSION)
    if role not in ROLES:
        raise Invalid({"role": "没有这个角色。"})
    row = session.scalar(select(RolePolicy).where(RolePolicy.role == role).with_for_update())
    if row is None:
        row = RolePolicy(role=role)
        session.add(row)
    row.totp_required = required
    session.flush()
    audit.record(session, at=at, actor_id=actor.account_id, action="totp_policy_changed", subject="role",
                 details={"role": role, "required": int(required)})  # fmt: skip


def roles_with_totp(session: Session) -> frozenset[str]:
    """The roles whose holders must have a second factor."""
    return frozenset(session.scalars(select(RolePolicy.role).where(RolePolicy.totp_required)))


def remove_totp(session: Session, actor: Actor, at: datetime, account_id: int) -> None:
    """Take somebody's second factor away and end their sessions. Raises Forbidden for one's own, NotFound."""
    actor.require(PERMISSION)
    if session.get(Account, account_id) is None:
        raise NotFound()
    if actor.account_id == account_id:
        raise Forbidden("不能更改自己的账号，请由另一位安全管理员操作。")
    totp.remove(session, account_id, at, actor.account_id)
    sessions.end_all(session, account_id, at, "totp_removed")
