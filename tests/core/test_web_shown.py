"""How times, numbers and evidence are shown; pages of a list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.clock import FixedClock
from core.web import filters
from core.web.filters import Piece
from core.web.forms import day_of, time_of, token_of, whole
from core.web.paging import Page
from tests.core.web_room import WebRoom

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[WebRoom]:
    made = WebRoom(tmp_path, FixedClock(datetime(2026, 11, 24, 2, tzinfo=UTC)))
    with made.app.test_request_context("/seen?q=水&page=2"):
        yield made


def test_times_are_those_of_shanghai(room: WebRoom) -> None:
    assert filters.day(AT) == "11 月 20 日"
    assert filters.moment(AT) == "11 月 20 日 18 时 30 分"
    assert filters.stamp(AT) == "11-20 18:30"
    assert filters.weekday(AT) == "周五"
    assert filters.day(datetime(2026, 11, 20, 17, tzinfo=UTC)) == "11 月 21 日"
    assert filters.day(date(2027, 1, 4)) == "2027 年 1 月 4 日"
    assert [shown(None) for shown in (filters.day, filters.moment, filters.stamp, filters.count)] == ["—"] * 4


def test_numbers_sizes_and_phones(room: WebRoom) -> None:
    assert filters.count(12480) == "12,480"
    assert [filters.file_size(size) for size in (0, 1, 1500, 20_000_000)] == ["0 kB", "1 kB", "2 kB", "20.0 MB"]
    assert filters.phone("13812342607") == "138****2607"


def test_evidence_is_cut_into_pieces_and_never_joined_wrongly() -> None:
    assert filters.evidence("工地夜间施工\n很吵", [(2, 4), (3, 6, True), (90, 95)]) == [
        [Piece("工地"), Piece("夜间", "strong"), Piece("施工", "weak")],
        [Piece("很吵")],
    ]
    assert filters.evidence("") == [[]]


def test_pages_know_their_window_and_keep_the_question(room: WebRoom) -> None:
    page = Page(list(range(30)), 5, 290)
    assert page.window() == [1, None, 3, 4, 5, 6, 7, None, 10]
    assert (page.first, page.last, page.pages) == (121, 150, 10)
    assert page.url(3) == "/seen?q=%E6%B0%B4&page=3"
    assert page.url(1) == "/seen?q=%E6%B0%B4"


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "x", "1" * 30, "² "])
def test_what_is_no_whole_number(text: str | None) -> None:
    assert whole(text) is None


def test_what_is_typed_is_read() -> None:
    assert whole(" １２ ") == 12
    assert day_of("2026-02-30") is None and day_of("2026-11-24") == date(2026, 11, 24)
    assert time_of("25:00") is None
    assert token_of({"form_token": "a" * 30}) == "a" * 30
    assert token_of({"form_token": "<script>"}) != "<script>"
