"""Who stands behind a browser's session, as the pages need it; and the city's name for their heads."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import Clock
from core.database import Database
from core.web.context import SignedInPerson
from organisations import sessions, totp
from organisations.errors import Forbidden
from organisations.models import Account, Area, Organisation
from organisations.people import Actor, actor_for
from organisations.roles import ROLES

PASSWORD = "password"  # noqa: S105
TOTP = "totp"


def resolve(db: Database, clock: Clock, token: str) -> SignedInPerson | None:
    """The person of a session token, with what holds now; None when the session has ended. Notes that it was used."""
    at = clock.now()
    with db.read() as session:
        row = sessions.resolve(session, token, at)
        if row is None:
            return None
        account = session.get_one(Account, row.account_id)
        actor = actor_for(session, account.id, at)
        owes = [PASSWORD] if account.must_change_password else []
        if totp.required(session, account.id) and not totp.enrolled(session, account.id):
            owes.append(TOTP)
        names = tuple(role.name for code, role in ROLES.items() if code in actor.roles)
        found = SignedInPerson(account.id, actor, account.name, names, tuple(owes), dict(account.settings or {}))
    if sessions.needs_touch(row, at):
        with db.write() as session:
            sessions.touch(session, row.id, at)
    return found


def save_settings(session: Session, actor: Actor, *, dark: bool, keys_off: bool) -> None:
    """Keep the acting person's own settings. Raises Forbidden for the machine and for citizens."""
    if actor.account_id is None:
        raise Forbidden()
    session.get_one(Account, actor.account_id).settings = {"dark": dark, "keys_off": keys_off}


def units_of(session: Session, organisation_ids: tuple[int, ...]) -> list[str]:
    """The names of organisations, for showing where somebody works."""
    query = select(Organisation.name).where(Organisation.id.in_(organisation_ids)).order_by(Organisation.code)
    return list(session.scalars(query))


def place_of(db: Database) -> str:
    """The name of the city: the root of the areas; "" before there is one."""
    with db.read() as session:
        return session.scalar(select(Area.name).where(Area.parent_id.is_(None)).order_by(Area.code).limit(1)) or ""
