"""Accounts of staff: made, closed, given roles and passwords.

What hashes a password (`change_password`, `use_reset_link`) takes the Database: it hashes outside the write session.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, ids
from core.clock import Clock
from core.database import Database
from core.text.numbers import normal_phone
from organisations import passwords, sessions
from organisations.errors import (
    Forbidden,
    Invalid,
    LinkUnusable,
    NotFound,
    RolesApart,
    SignInRefused,
)
from organisations.models import Account, ResetLink, RoleGrant
from organisations.people import Actor
from organisations.roles import ROLES, joined_wrongly
from organisations.signing_in import SignedIn, started

RESET_VALID = timedelta(hours=24)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,58}[a-z0-9]")


def create_account(
    session: Session, actor: Actor, at: datetime, username: str, name: str, *, password_hash: str = ""
) -> Account:
    """A new account that must change its password; without one it waits for a reset link.

    Raises Invalid when the name is malformed or taken, Forbidden without admin.accounts.
    """
    actor.require("admin.accounts")
    username, name = username.strip().lower(), name.strip()
    if not _USERNAME.fullmatch(username):
        raise Invalid({"username": "用户名用 3 至 60 位小写字母、数字、点、横线。"})
    if not name:
        raise Invalid({"name": "请填写姓名。"})
    if session.scalar(select(Account.id).where(Account.username == username)):
        raise Invalid({"username": "这个用户名已被使用，请换一个。"})
    account = Account(username=username, name=name, password_hash=password_hash, created_at=at)
    session.add(account)
    session.flush()
    _audit(session, at, actor, "account_created", account.id)
    return account


def set_phone(session: Session, actor: Actor, at: datetime, account_id: int, phone: str) -> None:
    """Where somebody gets warnings by text message; empty takes it away. The number is in no record.

    Raises Invalid, NotFound, Forbidden without admin.accounts.
    """
    actor.require("admin.accounts")
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFound()
    number = normal_phone(phone) if phone.strip() else None
    if phone.strip() and number is None:
        raise Invalid({"phone": "请填写手机号，或带区号的固定电话。"})
    account.phone = number
    session.flush()
    _audit(session, at, actor, "phone_set" if number else "phone_removed", account.id)


def grant_role(
    session: Session,
    actor: Actor,
    at: datetime,
    account_id: int,
    role: str,
    *,
    organisation_id: int | None = None,
    area_id: int | None = None,
) -> RoleGrant:
    """Give a role, for the whole city or limited to an area; the same grant twice is one. Ends the account's sessions.

    Raises Invalid for an unknown role, RolesApart when administrator roles would be joined, Forbidden to oneself.
    """
    account = _administered(session, actor, account_id)
    if role not in ROLES:
        raise Invalid({"role": "没有这个角色。"})
    held = _grants(session, account.id)
    if joined_wrongly({grant.role for grant in held} | {role}):
        raise RolesApart(account_id=account.id, role=role)
    for grant in held:
        if (grant.role, grant.organisation_id, grant.area_id) == (role, organisation_id, area_id):
            return grant
    grant = RoleGrant(account_id=account.id, role=role, organisation_id=organisation_id, area_id=area_id,
                      granted_by_id=actor.account_id, granted_at=at)  # fmt: skip
    session.add(grant)
    _changed(session, account, at, "role_changed")
    _audit(session, at, actor, "role_granted", account.id, role=role, area_id=area_id, organisation_id=organisation_id)
    return grant


def revoke_role(session: Session, actor: Actor, at: datetime, grant_id: int) -> None:
    """Take a grant back; ends the account's sessions. Raises NotFound."""
    grant = session.get(RoleGrant, grant_id)
    if grant is None or grant.revoked_at is not None:
        raise NotFound()
    account = _administered(session, actor, grant.account_id)
    grant.revoked_at, grant.revoked_by_id = at, actor.account_id
    _changed(session, account, at, "role_changed")
    _audit(session, at, actor, "role_revoked", account.id, role=grant.role)


def disable_account(session: Session, actor: Actor, at: datetime, account_id: int) -> None:
    """Lock an account for good; ends its sessions."""
    account = _administered(session, actor, account_id)
    account.disabled_at = account.disabled_at or at
    _changed(session, account, at, "disabled")
    _audit(session, at, actor, "account_disabled", account.id)


def enable_account(session: Session, actor: Actor, at: datetime, account_id: int) -> None:
    """Open a disabled or locked-out account again."""
    account = _administered(session, actor, account_id)
    account.disabled_at = account.locked_until = None
    account.failed_count = account.lock_count = 0
    account.version += 1
    _audit(session, at, actor, "account_enabled", account.id)


def sign_out_everywhere(session: Session, actor: Actor, at: datetime) -> None:
    """End every session of the acting person."""
    if actor.account_id is None:
        raise Forbidden()
    sessions.end_all(session, actor.account_id, at, "everywhere")
    _audit(session, at, actor, "signed_out_everywhere", actor.account_id)


# --- passwords --------------------------------------------------------------------------------------------------------


def issue_reset_link(session: Session, actor: Actor, at: datetime, account_id: int) -> str:
    """A token for one new password within 24 hours, to be handed over in person; earlier ones end."""
    account = _administered(session, actor, account_id)
    for link in session.scalars(
        select(ResetLink).where(ResetLink.account_id == account.id, ResetLink.used_at.is_(None))
    ):
        link.used_at = at
    token = ids.token()
    session.add(
        ResetLink(digest=sessions.digest_of(token), account_id=account.id, issued_by_id=actor.account_id,
                  issued_at=at, expires_at=at + RESET_VALID)
    )  # fmt: skip
    _audit(session, at, actor, "reset_issued", account.id)
    return token


def link_usable(session: Session, token: str, at: datetime) -> bool:
    """Whether a reset link can still be used."""
    try:
        return bool(_usable_link(session, token, at))
    except LinkUnusable:
        return False


def use_reset_link(db: Database, clock: Clock, token: str, password: str) -> int:
    """Set a new password by a reset link; ends the account's sessions and lock. Gives the account's id.

    Raises LinkUnusable, or Invalid for a password that is not good enough (the link stays usable).
    """
    with db.read() as session:
        account = session.get(Account, _usable_link(session, token, clock.now()).account_id)
        passwords.check_new(password, account.username if account else "")
    hashed = passwords.hash_password(password)
    with db.write() as session:
        at = clock.now()
        link = _usable_link(session, token, at, lock=True)
        link.used_at = at
        account = session.get_one(Account, link.account_id)
        _set_hash(session, account, hashed, at)
        account.locked_until, account.failed_count, account.lock_count = None, 0, 0
        audit.record(session, at=at, actor_id=account.id, action="password_reset", subject="account",
                     subject_id=account.id)  # fmt: skip
        return account.id


def change_password(db: Database, clock: Clock, account_id: int, old: str, new: str) -> SignedIn:
    """Change one's own password; every session ends and a new one begins.

    Raises Invalid with the field that is wrong ("old" or "password").
    """
    with db.read() as session:
        account = session.get_one(Account, account_id)
        stored, version = account.password_hash, account.version
    if not passwords.matches(stored, old):
        raise Invalid({"old": "原密码不正确。"})
    passwords.check_new(new, account.username)
    if new == old:
        raise Invalid({"password": "新密码不能与原密码相同。"})
    hashed = passwords.hash_password(new)
    with db.write() as session:
        at = clock.now()
        account = session.get_one(Account, account_id, with_for_update=True)
        if account.version != version or account.disabled_at is not None:
            raise SignInRefused()
        _set_hash(session, account, hashed, at)
        audit.record(session, at=at, actor_id=account_id, action="password_changed", subject="account",
                     subject_id=account_id)  # fmt: skip
        return started(session, account, at)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _administered(session: Session, actor: Actor, account_id: int) -> Account:
    """The account under lock, for an administrator who is not its owner."""
    actor.require("admin.accounts")
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFound()
    if actor.account_id == account_id:
        raise Forbidden("不能更改自己的账号，请由另一位安全管理员操作。")
    return account


def _grants(session: Session, account_id: int) -> list[RoleGrant]:
    return list(
        session.scalars(select(RoleGrant).where(RoleGrant.account_id == account_id, RoleGrant.revoked_at.is_(None)))
    )


def _changed(session: Session, account: Account, at: datetime, reason: str) -> None:
    account.version += 1
    sessions.end_all(session, account.id, at, reason)


def _set_hash(session: Session, account: Account, hashed: str, at: datetime) -> None:
    account.password_hash, account.must_change_password = hashed, False
    _changed(session, account, at, "password_reset")


def _usable_link(session: Session, token: str, at: datetime, lock: bool = False) -> ResetLink:
    query = select(ResetLink).where(ResetLink.digest == sessions.digest_of(token), ResetLink.used_at.is_(None))
    link = session.scalar(query.with_for_update() if lock else query)
    if link is None or at >= link.expires_at:
        raise LinkUnusable()
    return link


def _audit(
    session: Session, at: datetime, actor: Actor, action: str, account_id: int, **details: str | int | None
) -> None:
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject="account", subject_id=account_id,
                 details=details)  # fmt: skip
