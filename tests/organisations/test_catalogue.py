"""Whose a category is: the closer category before the closer area, inherited up both trees."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.database import Database
from organisations import catalogue
from organisations.models import CatalogueRow, CatalogueVersion, Organisation
from tests.conftest import AT, City

URBAN = ("城乡建设", "城市建设和市政管理")


@pytest.mark.parametrize(
    ("levels", "area", "lead"),
    [
        ((*URBAN, "城管执法"), None, "TC-CGJ"),
        ((*URBAN, "城管执法"), "TC010101", "TC01-CGJ"),  # a village inherits from its county
        ((*URBAN, "城管执法"), "TC03", "TC-CGJ"),  # no row for that county: the city's
        ((*URBAN, "燃气供应"), "TC01", "TC-RQ"),  # a closer category before a closer area
        ((*URBAN, "没有这一类"), "TC01", "TC-CGJ"),  # level 3 inherits from level 2
        (("城乡建设", "住房保障与房地产", "物业服务"), "TC02", "TC02-ZJJ"),
    ],
)
def test_the_row_that_fits_best(city: City, levels: tuple[str, str, str], area: str | None, lead: str) -> None:
    area_id = city.area(area) if area else None
    with city.db.read() as session:
        row = catalogue.find(session, *levels, area_id)
        assert row is not None
        assert session.get_one(Organisation, row.lead_id).code == lead


def test_the_closer_category_goes_before_the_closer_area(city: City) -> None:
    with city.db.write() as session:
        version = catalogue.in_force(session)
        assert version is not None
        district = city.organisation("TC01-ZF")
        session.add(CatalogueRow(version_id=version.id, level1=URBAN[0], area_id=city.area("TC01"), lead_id=district))
    with city.db.read() as session:
        row = catalogue.find(session, *URBAN, "燃气供应", city.area("TC01"))
        assert row is not None and row.lead_id == city.organisation("TC-RQ")


def test_nobody_for_an_unknown_category(city: City) -> None:
    with city.db.read() as session:
        assert catalogue.find(session, "没有这一类", "也没有") is None


def test_nothing_before_the_first_edition(db: Database) -> None:
    with db.read() as session:
        assert catalogue.in_force(session) is None
        assert catalogue.find(session, "城乡建设") is None


def test_a_draft_is_not_asked(city: City) -> None:
    with city.db.write() as session:
        draft = CatalogueVersion(number=2, state="draft", note="", created_at=AT)
        session.add(draft)
        session.flush()
        session.add(CatalogueRow(version_id=draft.id, level1="没有这一类", lead_id=city.organisation("TC-CGJ")))
    with city.db.read() as session:
        assert catalogue.find(session, "没有这一类") is None
        row = catalogue.find(session, "没有这一类", version_id=draft.id)
        assert row is not None and row.lead_id == city.organisation("TC-CGJ")


def test_co_handlers_in_their_order(city: City) -> None:
    with city.db.read() as session:
        row = catalogue.find(session, *URBAN, "燃气供应")
        assert row is not None
        assert catalogue.co_ids(session, row.id) == (city.organisation("TC-CGJ"),)
        assert session.scalar(select(CatalogueRow.id).where(CatalogueRow.id == row.id)) == row.id


def test_departments_are_those_of_the_edition_in_force(city: City, db: Database) -> None:
    with city.db.read() as session:
        found = catalogue.departments(session)
        assert found[(*URBAN, "")] == session.get_one(Organisation, city.organisation("TC-CGJ")).name
    with city.db.write() as session:
        session.scalars(select(CatalogueVersion).where(CatalogueVersion.state == "published")).one().state = "retired"
    with city.db.read() as session:
        assert catalogue.departments(session) == {}
