"""The review queue: evidence, the best departments, sending on and taking back, other departments by pinyin."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from cases.operations.classification import Suggestion
from core.ids import grouped
from organisations.models import Post, RoleGrant
from organisations.people import Actor
from tests.workbench.conftest import Desk
from workbench.queries import choices

SignIn = Callable[[FlaskClient, str], Actor]


def test_queue_shows_evidence_confidence_and_departments(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    page = client.get("/work/review").text
    assert f"/work/review/{case_id}/assign" in page
    assert "<mark>打桩</mark>" in page and "lx-ev--weak" in page
    assert "62%" in page and "把握不够自动派单" in page
    assert "望棠区城管局" in page or "城管局" in page
    assert "13812345678" not in page


def test_dispatch_as_suggested_goes_to_the_next_and_can_be_undone(
    wb: Desk, client: FlaskClient, sign_in: SignIn
) -> None:
    first = wb.waiting()
    second = wb.waiting("二环路井盖松动", "二环路口井盖松动，车过就响，夜里吵人。")
    sign_in(client, "pei.zhengyu")
    lead = wb.city.organisation("TC-CGJ")
    sent = client.post(f"/work/review/{first}/assign", data={**wb.seen(first), "lead": lead, "next": second})
    assert sent.location.endswith(f"case={second}")
    assert wb.case(first).stage == "assigned" and wb.assignment(first).organisation_id == lead
    page = client.get(sent.location).text
    assert f"/work/review/{first}/undo" in page
    client.post(f"/work/review/{first}/undo")
    assert wb.case(first).stage == "review" and wb.assignment(first).state == "taken_back"


def test_undo_is_too_late_after_ten_seconds_or_once_signed(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.sent()
    sign_in(client, "pei.zhengyu")
    wb.later(seconds=60)
    answer = client.post(f"/work/review/{case_id}/undo")
    assert answer.status_code == 409 and "不能撤销" in answer.text
    assert wb.case(case_id).stage == "assigned"


def test_departments_are_found_by_pinyin_initials_and_by_name(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    lead = wb.city.organisation("TC-STJ")
    for typed in ("ssthjj", "环保局", "生态环境"):
        page = client.get("/work/review", query_string={"case": case_id, "do": "assign", "find": typed}).text
        assert f'value="{lead}"' in page.split('id="lead"')[1].split("</fieldset>")[0], typed


def test_mending_the_category_stays_on_the_case(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    done = client.post(
        f"/work/review/{case_id}/correct",
        data={**wb.seen(case_id), "category": "环境保护|环境污染|", "nature": "投诉", "urgent": "1"},
    )
    assert done.location.endswith(f"case={case_id}")
    assert (wb.case(case_id).level1, wb.case(case_id).urgent) == ("环境保护", True)


def test_ask_citizen_needs_words(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    refused = client.post(f"/work/review/{case_id}/ask_citizen", data={**wb.seen(case_id), "text": " "})
    assert refused.status_code == 400 and "请写下要群众补充什么" in refused.text
    client.post(f"/work/review/{case_id}/ask_citizen", data={**wb.seen(case_id), "text": "请补充工地名称"})
    assert "请补充工地名称" in client.get(f"/work/review?case={case_id}").text


def test_merging_the_ticked_one(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    kept = wb.waiting("梧桐里工地半夜打桩", "梧桐里旁边工地半夜打桩，声音很大。")
    copy = wb.waiting()
    sign_in(client, "pei.zhengyu")
    several = client.post(f"/work/review/{copy}/merge", data={**wb.seen(copy), "into": [kept, 5]})
    assert several.status_code == 400 and "只勾选一件" in several.text
    client.post(f"/work/review/{copy}/merge", data={**wb.seen(copy), "into": kept})
    assert wb.case(copy).merged_into_id == kept and wb.case(copy).outcome == "merged"


def test_overtaken_in_the_queue(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    opened = wb.seen(case_id)
    client.post(f"/work/review/{case_id}/accept", data=opened)
    late = client.post(f"/work/review/{case_id}/ask_citizen", data={**opened, "text": "请补充工地名称"})
    assert late.status_code == 409 and "请补充工地名称" in late.text and "受理" in late.text


def test_without_a_suggestion_the_officer_chooses(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    wb.waiting("说不清的事", "这件事说不清楚，就是不舒服。", suggestion=Suggestion(nature="咨询", confidence=0.1))
    sign_in(client, "pei.zhengyu")
    assert "选单位派单" in client.get("/work/review").text


def test_possible_accusations_are_not_in_the_queue(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    hidden = wb.accusation(decided=False)
    wb.submit("还没有分类的事", "刚刚提交，还没有分类。")
    sign_in(client, "pei.zhengyu")
    page = client.get("/work/review").text
    assert grouped(wb.case(hidden).number) not in page and "刚刚提交" not in page
    assert client.get(f"/work/review?case={hidden}").status_code == 404
    assert client.post(f"/work/review/{hidden}/accept", data=wb.seen(hidden)).status_code == 404


def test_a_handler_has_no_queue(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "huo.yan")
    assert client.get("/work/review").status_code == 403


def test_what_is_late_is_not_counted_as_soon_due(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    late = wb.waiting()
    wb.later(minutes=75)
    soon = wb.waiting("二环路井盖松动", "二环路口井盖松动，车过就响，夜里吵人。")
    wb.later(minutes=135)
    sign_in(client, "pei.zhengyu")
    for tab, here, absent in (("late", late, soon), ("near", soon, late)):
        page = client.get("/work/review", query_string={"tab": tab}).text
        listed = page.split('class="lx-cases"')[1].split("</ol>")[0]
        assert f"case={here}" in listed and f"case={absent}" not in listed, tab
        assert f"tab={tab}" in page


def test_a_case_whose_office_has_no_account_says_so(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    given = Suggestion(level1="城乡建设", level2="城市建设和市政管理", confidence=0.9, reasons=("unstaffed",))
    case_id = wb.waiting(suggestion=given)
    sign_in(client, "pei.zhengyu")
    assert "没有自动派单：承办单位尚未开通账号" in client.get(f"/work/review?case={case_id}").text


def test_an_office_where_nobody_has_an_account_says_so_and_comes_last(
    wb: Desk, client: FlaskClient, sign_in: SignIn
) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    with wb.db.read() as session:
        found = choices.offices_to_handle(session, wb.clock.now())
        staffed = {office.id for office in found if office.staffed}
        handlers = select(RoleGrant.account_id).where(RoleGrant.role == "handler")
        taken = set(session.scalars(select(Post.organisation_id).where(Post.account_id.in_(handlers))))
    assert taken == staffed and [office.staffed for office in found] == sorted(
        (office.staffed for office in found), reverse=True
    )
    empty = next(office for office in found if not office.staffed)
    for office, said in ((empty, True), (next(iter(found)), False)):
        page = client.get("/work/review", query_string={"case": case_id, "do": "assign", "find": office.name}).text
        label = page.split(f'name="lead" value="{office.id}"', 1)[1].split("</label>")[0]
        assert ("（暂无承办人账号）" in label) is said
