"""Every page opens for those whose it is, and says what is stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cases.operations import dispatch
from core.ids import grouped
from organisations.lines import superiors
from organisations.models import Post, RoleGrant
from organisations.people import Actor
from tests.workbench.conftest import TITLE, Desk

SignIn = Callable[[FlaskClient, str], Actor]


@pytest.mark.parametrize(
    "username",
    ["pei.zhengyu", "huo.yan", "miao.qingshan", "dou.jianping", "yu.chengzhi", "fang.yating", "zhuang.xiaoli",
     "admin.system", "admin.security", "admin.audit"],
)  # fmt: skip
def test_home_opens_for_every_role(wb: Desk, client: FlaskClient, sign_in: SignIn, username: str) -> None:
    wb.waiting()
    wb.in_hand(title="二环路井盖松动", body="二环路口井盖松动，车过就响，夜里吵人。")
    sign_in(client, username)
    page = client.get("/work/")
    assert page.status_code == 200
    assert wb.city.actor(username).display_name in page.text


def test_home_shows_what_waits_for_a_handler_by_due_time(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    signed = wb.in_hand(title="二环路井盖松动", body="二环路口井盖松动，车过就响，夜里吵人。")
    unsigned = wb.sent()
    sign_in(client, "huo.yan")
    page = client.get("/work/").text
    assert page.index(grouped(wb.case(unsigned).number)) < page.index(grouped(wb.case(signed).number))
    assert f"/work/cases/{unsigned}/do/sign" in page


def test_home_asks_to_acknowledge_a_danger(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.submit("三栋闻到燃气味", "三栋楼道燃气味很重，有老人头晕。", danger="gas")
    sign_in(client, "niu.guoqiang")
    page = client.get("/work/").text
    assert "燃气泄漏" in page and grouped(wb.case(case_id).number) in page
    with wb.db.read() as session:
        from cases.operations.alerts import open_alerts

        [alert] = open_alerts(session, wb.city.actor("niu.guoqiang"))
    client.post(f"/work/alerts/{alert.id}")
    assert "我已看到" not in client.get("/work/").text


def test_case_list_filters(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    waiting = wb.case(wb.waiting())
    done = wb.case(wb.answered(title="二环路井盖松动", body="二环路口井盖松动，车过就响，夜里吵人。"))
    sign_in(client, "pei.zhengyu")
    everything = client.get("/work/cases?status=all").text
    assert grouped(waiting.number) in everything and grouped(done.number) in everything
    pending = client.get("/work/cases?status=pending").text
    assert grouped(waiting.number) in pending and grouped(done.number) not in pending
    office = wb.city.organisation("TC-CGJ")
    of_office = client.get(f"/work/cases?status=all&organisation={office}").text
    assert grouped(done.number) in of_office and grouped(waiting.number) not in of_office
    assert grouped(waiting.number) not in client.get("/work/cases?level1=农村农业&status=all").text
    area = wb.city.area("TC")
    assert grouped(waiting.number) in client.get(f"/work/cases?area={area}").text
    assert client.get("/work/cases?organisation=x&area=-1&due=zzz&page=999999&since=nie").status_code == 200


def test_a_number_leads_to_its_case(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    answer = client.get("/work/cases", query_string={"q": grouped(wb.case(case_id).number)})
    assert answer.status_code == 302 and answer.location.endswith(f"/work/cases/{case_id}")


def test_case_file_shows_the_masked_original_and_its_story(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.fed_back()
    sign_in(client, "pei.zhengyu")
    page = client.get(f"/work/cases/{case_id}").text
    assert TITLE in page and "13812345678" not in page and "徐晓梅" not in page
    assert "已责令工地停止夜间施工" in page and "市城管局" in page
    assert "认定并答复群众" in page and "反馈" in page
    from core.web.filters import checksum

    assert checksum(wb.submission(case_id).digest) in page


def test_case_file_of_every_state_opens(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "shangguan.min")
    for n, make in enumerate((wb.waiting, wb.sent, wb.in_hand, wb.fed_back, wb.answered)):
        case_id = make(title=f"第 {n} 件事项的标题", body=f"这是第 {n} 件事项，说的是路灯第 {n} 次不亮。")
        page = client.get(f"/work/cases/{case_id}")
        assert page.status_code == 200, page.text
        for step in ("assign", "correct", "confirm", "refuse", "merge", "reopen", "propose", "ask_citizen", "nonsense"):
            assert client.get(f"/work/cases/{case_id}?do={step}").status_code == 200


def test_reading_a_case_is_on_the_audit_record(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    from sqlalchemy import select

    from core.audit import AuditEntry

    case_id = wb.in_hand()
    who = sign_in(client, "huo.yan")
    client.get(f"/work/cases/{case_id}")
    with wb.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "case_read")).one()
    assert (entry.actor_id, entry.subject, entry.subject_id) == (who.account_id, "case", case_id)


def test_requests_late_replies_accusations_open(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    wb.proposed()
    sign_in(client, "niu.guoqiang")
    assert client.get("/work/requests").status_code == 200
    assert client.get("/work/late").status_code == 200
    sign_in(client, "zhuang.xiaoli")
    assert TITLE in client.get("/work/replies").text
    assert client.get("/work/accusations").status_code == 200


def test_every_event_has_a_chinese_name() -> None:
    import re
    from pathlib import Path

    from cases import workflow
    from workbench.queries.story import title_of

    kinds = {transition.event for transition in workflow.TRANSITIONS if transition.event}
    for file in Path("cases").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        kinds |= set(re.findall(r'history\.append\(\s*session, \w+, "(\w+)"', text))
        kinds |= set(re.findall(r'_append\(session, actor, at, case, (?:\w+, )?"(\w+)"', text))
    kinds |= {"carded", "reminded"}
    assert len(kinds) > 40
    assert [kind for kind in sorted(kinds) if title_of(kind) == kind] == []


def test_reporting_up_is_done_only_where_an_office_asked_the_level_above(
    wb: Desk, client: FlaskClient, sign_in: SignIn
) -> None:
    case_id = wb.in_hand()
    sign_in(client, "pei.zhengyu")

    def node() -> str:
        page = client.get(f"/work/cases/{case_id}").text
        return next(part for part in page.split('<li class="lx-node ')[1:] if "<b>上报" in part)

    assert node().startswith("lx-node--todo") and "没有上报" in node()
    with wb.db.write() as session:
        upper = min(superiors(session, wb.city.organisation("TC-CGJ"), wb.clock.now().date()))
        dispatch.report_up(session, wb.handler(), wb.clock.now(), wb.assignment(case_id).id, upper)
    assert node().startswith("lx-node--done") and "没有上报" not in node()


@pytest.mark.parametrize(
    ("username", "gone", "said"),
    [
        ("huo.yan", Post, "您还没有岗位"),
        ("huo.yan", RoleGrant, "您的账号还没有角色"),
        ("admin.audit", None, "您的角色不办件"),
    ],
)
def test_home_says_what_to_do_where_no_work_can_come(
    wb: Desk, client: FlaskClient, sign_in: SignIn, username: str, gone: type[Post | RoleGrant] | None, said: str
) -> None:
    wb.sent()
    if gone is not None:
        account_id = wb.city.actor(username).account_id
        with wb.db.write() as session:
            for row in session.scalars(select(gone).where(gone.account_id == account_id)):
                session.delete(row)
    sign_in(client, username)
    page = client.get("/work/").text
    assert said in page
    assert ("请联系安全管理员" in page) == (gone is not None)
    assert "交办给您单位的" not in page
