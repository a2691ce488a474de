"""The acting person, as every operation takes it: a plain value, read once a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from core.clock import to_local
from core.errors import Forbidden
from organisations.models import Account, Area, Organisation, Post, RoleGrant
from organisations.roles import CITY_WIDE, ROLES, permissions_of

_HANDLING = [code for code, role in ROLES.items() if "case.handle" in role.permissions]


@dataclass(frozen=True)
class Actor:
    """Who acts. `area_paths` limits city-wide permissions; empty: the whole city. `kind`: staff, system, citizen."""

    account_id: int | None
    organisation_ids: tuple[int, ...] = ()
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    area_paths: tuple[str, ...] = ()
    display_name: str = ""
    kind: str = "staff"

    def can(self, permission: str) -> bool:
        """Whether this person holds a permission; the machine itself is not asked this way."""
        return permission in self.permissions

    @property
    def is_system(self) -> bool:
        """The hub acting by rule."""
        return self.kind == "system"

    @property
    def is_citizen(self) -> bool:
        """A citizen acting on a submission of their own, shown by number and code or a verified channel."""
        return self.kind == "citizen"

    def require(self, permission: str) -> None:
        """Raise Forbidden without this permission."""
        if not (self.is_system or self.can(permission)):
            raise Forbidden(permission=permission)


SYSTEM = Actor(None, display_name="系统", kind="system")
CITIZEN = Actor(None, display_name="群众", kind="citizen")


def actor_for(session: Session, account_id: int, at: datetime | None = None) -> Actor:
    """The acting person of an account, with what holds now; a disabled or unknown account can do nothing.

    `at` decides which posts are current; without it, posts whose `to_date` is set don't count.
    """
    account = session.get(Account, account_id)
    if account is None or account.disabled_at is not None:
        return Actor(account_id, display_name=account.name if account else "")
    grants = list(
        session.scalars(select(RoleGrant).where(RoleGrant.account_id == account_id, RoleGrant.revoked_at.is_(None)))
    )
    roles = frozenset(grant.role for grant in grants)
    return Actor(
        account_id=account_id,
        organisation_ids=_organisations(session, account_id, grants, to_local(at).date() if at else None),
        roles=roles,
        permissions=permissions_of(roles),
        area_paths=_area_paths(session, grants),
        display_name=account.name,
    )


def _organisations(session: Session, account_id: int, grants: list[RoleGrant], day: date | None) -> tuple[int, ...]:
    """The organisations a person works in: current posts, and those named in a grant."""
    query = (
        select(Post.organisation_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(Post.account_id == account_id, Organisation.active, _current(day))
        .order_by(Post.id)
    )
    named = [grant.organisation_id for grant in grants if grant.organisation_id is not None]
    return tuple(dict.fromkeys([*session.scalars(query), *named]))


def _current(day: date | None) -> ColumnElement[bool]:
    """Whether a post is held on a day; without one, whether its end is open."""
    if day is None:
        return Post.to_date.is_(None)
    return and_(or_(Post.from_date.is_(None), Post.from_date <= day), or_(Post.to_date.is_(None), Post.to_date > day))


def is_staffed(session: Session, organisation_id: int, at: datetime) -> bool:
    """Whether somebody in one organisation can sign for work; see `staffed`."""
    return bool(staffed(session, at, organisation_id))


def staffed(session: Session, at: datetime, organisation_id: int | None = None) -> set[int]:
    """The organisations in which somebody can sign for work and handle it at a moment, as `actor_for` sees it.

    An account alone does not do: an auditor or a leader signs nothing. With an `organisation_id` only that one.
    """
    handlers = (
        select(RoleGrant.account_id)
        .join(Account, Account.id == RoleGrant.account_id)
        .where(Account.disabled_at.is_(None), RoleGrant.revoked_at.is_(None), RoleGrant.role.in_(_HANDLING))
    )
    posts = select(Post.organisation_id).where(Post.account_id.in_(handlers), _current(to_local(at).date()))
    grants = select(RoleGrant.organisation_id).where(
        RoleGrant.account_id.in_(handlers), RoleGrant.revoked_at.is_(None), RoleGrant.organisation_id.is_not(None)
    )
    if organisation_id is not None:
        posts = posts.where(Post.organisation_id == organisation_id)
        grants = grants.where(RoleGrant.organisation_id == organisation_id)
    return {one for one in session.scalars(posts.union(grants)) if one is not None}


def _area_paths(session: Session, grants: list[RoleGrant]) -> tuple[str, ...]:
    """Where the city-wide permissions reach: nothing when any grant of one has no area (the whole city)."""
    wide = [grant for grant in grants if permissions_of({grant.role}) & CITY_WIDE]
    areas = {grant.area_id for grant in wide if grant.area_id is not None}
    if not areas or any(grant.area_id is None for grant in wide):
        return ()
    return tuple(sorted(session.scalars(select(Area.path).where(Area.id.in_(areas)))))
