"""The demonstration city as rows: whole, only once, with the roles that the files say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from core.database import Base, Database
from organisations import passwords
from organisations.models import (
    Account,
    Area,
    CatalogueRow,
    CatalogueVersion,
    Ground,
    OfficeHours,
    Organisation,
    OrganisationLink,
    Post,
    RoleGrant,
    Term,
)
from organisations.seed import rows_of, seed_city
from tests.conftest import AT, City

SEEDED: tuple[type[Base], ...] = (
    Area, Organisation, OrganisationLink, Account, Post, RoleGrant, CatalogueVersion, CatalogueRow, Ground, Term,
    OfficeHours,
)  # fmt: skip


def counts(db: Database) -> dict[str, int]:
    with db.read() as session:
        return {model.__tablename__: session.scalar(select(func.count()).select_from(model)) or 0 for model in SEEDED}


def test_every_row_of_the_files_is_there(city: City) -> None:
    found = counts(city.db)
    assert found["areas"] == len(rows_of("areas"))
    assert found["organisations"] == len(rows_of("organisations")) >= 60
    assert found["accounts"] == found["posts"] == len(rows_of("staff")) + len(rows_of("handlers"))
    assert found["catalogue_rows"] == len(rows_of("catalogue"))
    assert found["terms"] == len(rows_of("terms"))
    assert found["grounds"] > 0
    assert found["office_hours"] == 2


def test_a_second_run_changes_nothing(city: City) -> None:
    before = counts(city.db)
    with city.db.write() as session:
        account = session.scalars(select(Account).where(Account.username == "fang.yating")).one()
        account.name = "改过的名字"
    with city.db.write() as session:
        seed_city(session, AT)
    assert counts(city.db) == before
    with city.db.read() as session:
        assert session.scalar(select(Account.name).where(Account.username == "fang.yating")) == "改过的名字"


def test_an_area_lies_below_its_parent(city: City) -> None:
    with city.db.read() as session:
        areas = {area.code: area for area in session.scalars(select(Area))}
    village, township, county, root = (areas[code] for code in ("TC010101", "TC0101", "TC01", "TC"))
    assert village.path == f"/{root.id}/{county.id}/{township.id}/{village.id}/"
    assert village.parent_id == township.id


def test_superiors_by_territory_and_by_line(city: City) -> None:
    child = city.organisation("TC-RX")
    with city.db.read() as session:
        query = select(OrganisationLink.kind, OrganisationLink.parent_id).where(OrganisationLink.child_id == child)
        links = dict(session.execute(query).tuples().all())
    assert links == {"territorial": city.organisation("TC-ZF"), "line": city.organisation("TC-XFJ")}


def test_diversion_in_a_county_reaches_that_county_only(city: City) -> None:
    assert city.actor("pei.zhengyu").area_paths == ()
    with city.db.read() as session:
        county = session.scalars(select(Area).where(Area.code == "TC01")).one()
    assert city.actor("mu.qing").area_paths == (county.path,)


def test_the_duty_officer_is_named(city: City) -> None:
    with city.db.read() as session:
        duty = session.scalar(select(Organisation.duty_account_id).where(Organisation.code == "TC-RX"))
        name = session.scalar(select(Account.username).where(Account.id == duty))
    assert name == "niu.guoqiang"


def test_passwords_only_where_given(db: Database) -> None:
    with db.write() as session:
        seed_city(session, AT, {"fang.yating": "a-long-password-1"})
    with db.read() as session:
        rows = {row.username: row for row in session.scalars(select(Account))}
    given, other = rows["fang.yating"], rows["qiao.man"]
    assert passwords.matches(given.password_hash, "a-long-password-1")
    assert not given.must_change_password
    assert other.password_hash == ""
    assert other.must_change_password


def test_the_catalogue_is_in_force_once(city: City) -> None:
    with city.db.read() as session:
        versions = session.scalars(select(CatalogueVersion)).all()
    assert [(one.number, one.state, one.published_at) for one in versions] == [(1, "published", _utc(AT))]


def _utc(at: datetime) -> Any:
    from datetime import UTC

    return at.astimezone(UTC)
