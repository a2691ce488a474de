"""Accounts of staff: posts, roles granted, authenticators, sessions and links, each a row that can be revoked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base


class Account(Base):
    """One member of staff who signs in. `version` rises with every change of password, role or lock."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("username"),)

    username: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    must_change_password: Mapped[bool] = mapped_column(default=True)
    failed_count: Mapped[int] = mapped_column(default=0)
    lock_count: Mapped[int] = mapped_column(default=0)  # each lock in a row is longer
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    phone = sealed()  # for warnings by text message
    phone_sealed: Mapped[str | None] = mapped_column(String(400))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Post(Base):
    """A person's post in an organisation, dated (to_date excluded)."""

    __tablename__ = "posts"
    __table_args__ = (Index("ix_posts_account_organisation", "account_id", "organisation_id"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    title: Mapped[str] = mapped_column(String(60), default="")
    from_date: Mapped[date | None]
    to_date: Mapped[date | None]


class RoleGrant(Base):
    """A role given to an account; the area, where set, limits which cases the role's city-wide permissions reach."""

    __tablename__ = "role_grants"
    __table_args__ = (Index("ix_role_grants_account_revoked", "account_id", "revoked_at"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[str] = mapped_column(String(30), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    granted_at: Mapped[datetime]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    revoked_at: Mapped[datetime | None]


class Authenticator(Base):
    """A second factor. A code's step is kept so that the same code can't be used twice."""

    __tablename__ = "authenticators"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12), default="totp")
    secret = sealed()
    secret_sealed: Mapped[str | None] = mapped_column(String(400))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_used_step: Mapped[int | None]


class ExternalSubject(Base):
    """The same person in another system's directory (single sign-on later)."""

    __tablename__ = "external_subjects"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    issuer: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(200))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)


class WebSession(Base):
    """One signed-in browser: the cookie holds a token, the row only its digest."""

    __tablename__ = "web_sessions"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_web_sessions_account_ended", "account_id", "ended_at"))

    digest: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(30), default="")


class ResetLink(Base):
    """A one-time link to set a new password, issued by an administrator and handed over in person."""

    __tablename__ = "reset_links"
    __table_args__ = (UniqueConstraint("digest"),)

    digest: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """One try to sign in. The name tried and the caller's address are keyed digests."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_name_at", "name_digest", "at"),
        Index("ix_sign_in_attempts_address_at", "address_digest", "at"),
        Index("ix_sign_in_attempts_at", "at"),
    )

    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    name_digest: Mapped[str] = mapped_column(String(100))
    address_digest: Mapped[str] = mapped_column(String(100), default="")
    outcome: Mapped[str] = mapped_column(String(20))  # signed_in, wrong, locked, disabled, totp
