"""The area that a text names: the longest names, the most specific area, the one whose superiors are named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from organisations import places
from organisations.models import Area, AreaAlias
from organisations.places import PlaceIndex
from tests.conftest import AT, City


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("望棠区书院里小区路灯不亮", "TC010101"),
        ("书院巷口积水", "TC010101"),
        ("高新区软件园附近修路", "TC0501"),
        ("望棠区有几条路坑洼", "TC01"),
        ("全市的公交什么时候恢复", "TC"),
        ("没有写地点", None),
        ("", None),
    ],
)
def test_by_names_and_aliases(city: City, text: str, code: str | None) -> None:
    with city.db.read() as session:
        found = places.find_area(session, text)
        assert session.scalar(select(Area.code).where(Area.id == found)) == code


def test_named_superiors_decide_between_namesakes() -> None:
    index = PlaceIndex(
        [(1, "/1/"), (2, "/1/2/"), (3, "/1/3/"), (4, "/1/2/4/"), (5, "/1/3/5/")],
        [("东城", 2), ("西城", 3), ("和平路", 4), ("和平路", 5)],
    )
    assert index.find("西城和平路") == 5
    assert index.find("东城和平路") == 4


def test_the_longest_name_is_read() -> None:
    index = PlaceIndex([(1, "/1/"), (2, "/1/2/"), (3, "/1/3/")], [("新村", 2), ("新村东里", 3)])
    assert index.find("新村东里漏水") == 3


def test_no_names_find_nothing() -> None:
    assert PlaceIndex([], []).find("任何地方") is None


def test_a_kept_index_is_read_again_after_half_a_minute(city: City) -> None:
    with city.db.read() as session:
        assert places.index_of(session, AT).find("云端小镇有噪声") is None
    with city.db.write() as session:
        session.add(AreaAlias(area_id=city.area("TC0101"), name="云端小镇"))
    with city.db.write() as session:
        assert places.index_of(session, AT + timedelta(seconds=29)).find("云端小镇有噪声") is None
        assert places.index_of(session, AT + timedelta(seconds=31)).find("云端小镇有噪声") == city.area("TC0101")
