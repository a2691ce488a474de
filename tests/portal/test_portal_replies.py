"""/replies and the pages around it: what is found, what is shown when nothing is, and what must not be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from cases.models import PublishedReply
from cases.operations import publishing
from core.clock import FixedClock
from search.service import SearchService
from tests.portal.conftest import Petitions, text_of
from tests.portal.test_portal_submit import rows


@pytest.fixture
def published(petitions: Petitions, search: SearchService) -> list[str]:
    """Twelve replies: eleven about street lamps, one about a lift."""
    found = []
    for n in range(12):
        given = petitions.submit()
        petitions.answer(given)
        title = f"学府路第{n}盏路灯不亮" if n else "三号楼电梯停运"
        reply = f"路灯已修好，编号{n}。" if n else "电梯已恢复运行。"
        found.append(petitions.publish(given, title, f"请尽快处理。{title}", reply))
    search.rebuild("reply")
    return found


def test_what_is_typed_is_found_marked_and_counted(client: FlaskClient, published: list[str]) -> None:
    answer = client.get("/replies?q=路灯")
    page = answer.get_data(as_text=True)
    assert "找到 11 条答复" in text_of(answer)
    assert "<mark>路灯</mark>" in page
    assert page.count('<li><h3><a href="/replies/') == 10
    assert 'rel="next"' in page
    second = client.get("/replies?q=路灯&page=2").get_data(as_text=True)
    assert second.count('<li><h3><a href="/replies/') == 1
    assert "城乡建设" in text_of(answer)
    assert "棠川市城市管理局" in text_of(answer)


def test_filters_narrow_and_can_be_taken_off(client: FlaskClient, published: list[str]) -> None:
    answer = client.get("/replies?q=路灯&category=城乡建设&organisation=TC-CGJ&year=2026")
    assert "找到 11 条答复" in text_of(answer)
    none = client.get("/replies?q=路灯&year=1999")
    assert "去掉一个条件" in text_of(none)
    assert "2026" in text_of(none)


def test_nothing_found_leads_on(client: FlaskClient, published: list[str]) -> None:
    answer = client.get("/replies?q=量子计算机")
    assert "没有找到" in text_of(answer)
    assert "/submit?about=" in answer.get_data(as_text=True)


STRANGE = (
    "' OR 1=1 --", '"; DROP TABLE cases; --', "<script>alert(1)</script>", "\x00\u202e", "😀" * 60, "*" * 500,
    "?:()[]{}^~\\",
)  # fmt: skip


@pytest.mark.parametrize("typed", STRANGE, ids=range(len(STRANGE)))
def test_anything_may_be_typed(client: FlaskClient, published: list[str], typed: str) -> None:
    answer = client.get("/replies", query_string={"q": typed, "page": "99999999999", "category": typed, "year": typed})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("public_id", ["%00", "..%2F..%2Fetc", "2611240000001", "' OR 1=1", "x" * 5000])
def test_an_id_that_is_none_is_not_found(client: FlaskClient, public_id: str) -> None:
    assert client.get(f"/replies/{public_id}").status_code == 404


def test_search_down_is_said_and_the_newest_are_shown(client: FlaskClient, petitions: Petitions) -> None:
    given = petitions.submit()
    petitions.answer(given)
    petitions.publish(given, "路灯不亮", "路灯不亮，请修。", "已修好。")
    answer = client.get("/replies?q=路灯")
    assert answer.status_code == 503
    assert "检索暂时不能用" in text_of(answer)
    assert "已修好。" in text_of(answer)
    assert client.get("/").status_code == 200
    assert client.get("/submit").status_code == 200


def test_a_reply_has_its_page_until_it_is_withdrawn(
    client: FlaskClient, published: list[str], petitions: Petitions, city: Any, clock: FixedClock, search: SearchService
) -> None:
    answer = client.get(f"/replies/{published[3]}")
    assert "路灯已修好，编号3。" in text_of(answer)
    [row] = [row for row in rows(city, PublishedReply) if row.public_id == published[3]]
    with city.db.write() as session:
        publishing.withdraw(session, city.actor("zhuang.xiaoli"), clock.now() + timedelta(minutes=1), row.id)
    assert client.get(f"/replies/{published[3]}").status_code == 404
    # Even before the index knows.
    assert published[3] not in client.get("/replies?q=路灯").get_data(as_text=True)


def test_a_proposed_reply_is_nobodys_to_read(client: FlaskClient, petitions: Petitions, city: Any) -> None:
    given = petitions.submit()
    petitions.answer(given)
    with city.db.write() as session:
        row = publishing.propose(
            session, petitions.officer, petitions.clock.now(), given.case_id, title="题", question="问", reply="答"
        )
    assert client.get(f"/replies/{row.public_id}").status_code == 404


def test_helped_is_counted_once_a_browser(client: FlaskClient, published: list[str], city: Any) -> None:
    for _n in range(2):
        client.post(f"/replies/{published[1]}/helped", data={"useful": "1"})
    client.post(f"/replies/{published[2]}/helped", data={"useful": "0"})
    counts = {row.public_id: (row.helped_yes, row.helped_no, row.version) for row in rows(city, PublishedReply)}
    assert counts[published[1]][:2] == (1, 0)
    assert counts[published[2]][:2] == (0, 1)


def test_home_shows_the_newest_and_true_figures(client: FlaskClient, published: list[str]) -> None:
    page = text_of(client.get("/"))
    assert "第11盏路灯不亮" in page
    assert "12 件" in page
    assert "城乡建设" in page


def test_figures_say_a_dash_where_nothing_was_counted(client: FlaskClient) -> None:
    page = text_of(client.get("/figures"))
    assert "—" in page
    assert "0 件" in page


def test_figures_count_promises_and_ratings(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    for score, resolved in (("5", "yes"), ("1", "no")):
        given = petitions.submit()
        petitions.answer(given)
        opened(given)
        data = {"number": given.number, "score": score, "resolved": resolved, "comment": "还差一点"}
        assert client.post("/progress/rate", data=data).status_code == 303
    petitions.submit(draft=True)
    page = text_of(client.get("/figures"))
    assert "2 件 其中今天 2 件" in page
    assert "2 件答复中，2 件在承诺日期前" in page
    assert "50.0% 按 2 份评价计算" in page
    assert "1 人说解决了，1 人说没有" in page


def test_the_guides_limits_come_from_the_policies(client: FlaskClient) -> None:
    page = text_of(client.get("/guide"))
    for words in ("4 个工作小时", "7 个工作日", "60 天", "15 天", "110", "119", "120", "复查"):
        assert words in page


def test_english_pages_answer(client: FlaskClient) -> None:
    for path in ("/", "/submit", "/progress", "/figures", "/guide"):
        assert client.get(f"{path}?lang=en").status_code == 200


def test_categories_are_english_on_an_english_page(
    client: FlaskClient, petitions: Petitions, search: SearchService, opened: Any
) -> None:
    given = petitions.submit()
    petitions.answer(given)
    public_id = petitions.publish(given, "路灯不亮", "路灯不亮，晚上不安全。", "十四盏路灯已经全部修好。")
    search.ensure()
    for path in ("/?lang=en", "/replies", f"/replies/{public_id}", "/submit", "/replies?category=城乡建设"):
        page = text_of(client.get(path))
        assert "Building and housing" in page, path
        assert "城乡建设" not in page.replace("城乡建设 ›", ""), path
    assert "on the web" in text_of(opened(given).get("/progress"))
    assert "城乡建设" in text_of(client.get("/replies?lang=zh"))
