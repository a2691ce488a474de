"""Filling a database with the demonstration city: areas, organisations, staff, catalogue, grounds, terms, office hours.

Every part adds what is missing by its code and leaves what is there as it is, so a second run changes nothing.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from organisations import passwords as hashing
from organisations.calendar import DEFAULT_HOURS
from organisations.models import (
    Account,
    Area,
    AreaAlias,
    CatalogueCoHandler,
    CatalogueRow,
    CatalogueVersion,
    Ground,
    OfficeHours,
    Organisation,
    OrganisationAlias,
    OrganisationLink,
    Post,
    RoleGrant,
    Term,
)
from organisations.models.places import LINE, TERRITORIAL
from organisations.roles import CITY_WIDE, permissions_of

Row = Mapping[str, str]


def seed_city(session: Session, at: datetime, passwords: Mapping[str, str] | None = None) -> None:
    """Add the demonstration city's rows that are missing.

    `passwords` gives the plain password by user name to accounts made here; they need not be changed at first sign-in,
    because they are this installation's own. An account without one waits for a reset link.
    """
    areas = _areas(session)
    organisations = _organisations(session, areas)
    _staff(session, at, organisations, areas, passwords or {})
    _catalogue(session, at, organisations, areas)
    seed_base(session)


def seed_base(session: Session) -> None:
    """Add what is missing of the rows that a hub without the demonstration needs too: grounds, terms, office hours."""
    _grounds(session)
    _terms(session)
    if session.scalar(select(OfficeHours.id).limit(1)) is None:
        session.add_all(OfficeHours(starts=starts, ends=ends) for starts, ends in DEFAULT_HOURS)
    session.flush()


def give_passwords(session: Session, passwords: Mapping[str, str]) -> None:
    """Give accounts, by user name, the plain passwords named here, unless they have just these."""
    for account in session.scalars(select(Account).where(Account.username.in_(passwords))):
        if not hashing.matches(account.password_hash, passwords[account.username]):
            account.password_hash = hashing.hash_password(passwords[account.username])
            account.must_change_password = False
    session.flush()


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of one CSV file of the demonstration city, by its columns' names."""
    text = (files("organisations") / "demo" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def shipped_departments() -> dict[tuple[str, str, str], str]:
    """The department of each category in the shipped catalogue, lower levels "" where a row ends; needs no database."""
    names = {row["code"]: row["name"] for row in rows_of("organisations")}
    return {
        (row["level1"], row["level2"], row["level3"]): names[row["lead_code"]]
        for row in rows_of("catalogue")
        if not row["area_code"]
    }


def _split(cell: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in cell.split(";") if part.strip()))


def _areas(session: Session) -> dict[str, Area]:
    """Every area by code; a parent stands before its children in the file."""
    known = {area.code: area for area in session.scalars(select(Area))}
    for row in rows_of("areas"):
        if row["code"] in known:
            continue
        parent = known.get(row["parent_code"])
        area = Area(code=row["code"], name=row["name"], level=row["level"], parent_id=parent.id if parent else None,
                    active=True)  # fmt: skip
        area.path = f"{parent.path if parent else '/'}{area.id}/"
        session.add(area)
        session.flush()
        session.add_all(AreaAlias(area_id=area.id, name=name) for name in _split(row["aliases"]))
        known[area.code] = area
    session.flush()
    return known


def _organisations(session: Session, areas: Mapping[str, Area]) -> dict[str, Organisation]:
    known = {one.code: one for one in session.scalars(select(Organisation))}
    new = [row for row in rows_of("organisations") if row["code"] not in known]
    for row in new:
        area = areas.get(row["area_code"])
        known[row["code"]] = Organisation(
            code=row["code"], name=row["name"], short_name=row["short_name"], kind=row["kind"], level=row["level"],
            area_id=area.id if area else None, outside=row["outside"] == "1", active=True,
        )  # fmt: skip
    session.add_all(known[row["code"]] for row in new)
    session.flush()
    for row in new:
        session.add_all(_around(known, row))
    session.flush()
    return known


def _around(known: Mapping[str, Organisation], row: Row) -> list[OrganisationAlias | OrganisationLink]:
    """An organisation's other names and its superiors by territory and by line."""
    own = known[row["code"]].id
    found: list[OrganisationAlias | OrganisationLink] = [
        OrganisationAlias(organisation_id=own, kind=kind, name=name)
        for kind, cell in (("alias", row["aliases"]), ("staff_title", row["staff_titles"]))
        for name in _split(cell)
    ]
    for kind, code in ((TERRITORIAL, row["parent_code"]), (LINE, row["line_superior_code"])):
        if code:
            found.append(OrganisationLink(child_id=own, parent_id=known[code].id, kind=kind))
    return found


def _staff(
    session: Session,
    at: datetime,
    organisations: Mapping[str, Organisation],
    areas: Mapping[str, Area],
    passwords: Mapping[str, str],
) -> None:
    """The people of staff.csv, who get the passwords, and of handlers.csv, so that every office of the catalogue has
    somebody who signs."""
    known = set(session.scalars(select(Account.username)))
    levels = {area.id: area.level for area in areas.values()}
    new = [row for row in (*rows_of("staff"), *rows_of("handlers")) if row["username"] not in known]
    accounts = {row["username"]: _account(row, at, passwords) for row in new}
    session.add_all(accounts.values())
    session.flush()
    for row in new:
        account, office = accounts[row["username"]], organisations[row["organisation_code"]]
        session.add(Post(account_id=account.id, organisation_id=office.id, title=row["post"]))
        for role in _split(row["roles"]):
            # Below the city, what reaches every case reaches those of the own area.
            local = levels.get(office.area_id or 0) != "city" and bool(permissions_of({role}) & CITY_WIDE)
            grant = RoleGrant(account_id=account.id, role=role, granted_at=at)
            grant.area_id = office.area_id if local else None
            session.add(grant)
        if row["duty"] == "1" and office.duty_account_id is None:
            office.duty_account_id = account.id
    session.flush()


def _account(row: Row, at: datetime, passwords: Mapping[str, str]) -> Account:
    password = passwords.get(row["username"], "")
    return Account(
        username=row["username"], name=row["name"], created_at=at, must_change_password=not password,
        password_hash=hashing.hash_password(password) if password else "",
    )  # fmt: skip


def _catalogue(
    session: Session, at: datetime, organisations: Mapping[str, Organisation], areas: Mapping[str, Area]
) -> None:
    """Version 1, in force, unless there is a version already."""
    if session.scalar(select(CatalogueVersion.id).limit(1)) is not None:
        return
    version = CatalogueVersion(number=1, state="published", note="演示城市的派单目录", created_at=at, published_at=at)
    session.add(version)
    session.flush()
    for row in rows_of("catalogue"):
        area = areas.get(row["area_code"])
        entry = CatalogueRow(
            version_id=version.id, level1=row["level1"], level2=row["level2"], level3=row["level3"],
            area_id=area.id if area else None, lead_id=organisations[row["lead_code"]].id,
            legal_basis=row["legal_basis"], sign_hours=int(row["sign_hours"]),
            handle_days=int(row["handle_working_days"]), track=row["track"], note=row["note"],
        )  # fmt: skip
        session.add(entry)
        session.flush()
        for position, code in enumerate(_split(row["co_codes"])):
            helper = CatalogueCoHandler(row_id=entry.id, organisation_id=organisations[code].id, position=position)
            session.add(helper)
    session.flush()


def _grounds(session: Session) -> None:
    known = set(session.execute(select(Ground.track, Ground.code)).tuples())
    shipped: dict[str, Any] = json.loads((files("organisations") / "demo" / "guides.json").read_text(encoding="utf-8"))
    for position, row in enumerate(shipped["grounds"]):
        if (row["track"], row["code"]) not in known:
            session.add(Ground(**row, position=position, active=True))


def _terms(session: Session) -> None:
    known = set(session.execute(select(Term.kind, Term.code)).tuples())
    for position, row in enumerate(rows_of("terms")):
        if (row["kind"], row["code"]) not in known:
            session.add(Term(**row, position=position, active=True))
