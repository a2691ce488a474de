"""/progress: number and code open one submission for half an hour, in this browser; what its citizen can do there."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from cases.models import Alert, Attachment, Case, Message, Rating, Submission
from cases.operations import alerts, codes, dispatch, handling, merging, messages
from core.clock import FixedClock
from intake.answers import danger_advice
from search.service import SearchService
from tests.portal.conftest import BODY, Given, Petitions, field, text_of
from tests.portal.test_portal_submit import picture, rows


def act(client: FlaskClient, given: Given, name: str, **data: Any) -> Any:
    values = {"number": given.number, "form_token": f"token-of-this-form-{name}-0001", **data}
    return client.post(f"/progress/{name}", data=values, content_type="multipart/form-data")


def test_a_wrong_code_and_an_unknown_number_answer_alike(client: FlaskClient, petitions: Petitions) -> None:
    given = petitions.submit()
    wrong = client.post("/progress", data={"number": given.number, "query_code": "00000000"})
    unknown = client.post("/progress", data={"number": "2611240000000", "query_code": given.code})
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert "编号和查询码对不上" in text_of(wrong)
    assert "编号和查询码对不上" in text_of(unknown)
    assert BODY not in text_of(client.get("/progress"))


def test_too_many_tries_say_how_long_to_wait(client: FlaskClient, petitions: Petitions) -> None:
    given = petitions.submit()
    for n in range(7):
        answer = client.post("/progress", data={"number": given.number, "query_code": f"0000000{n}"})
    assert answer.status_code == 429
    assert "分钟后再试" in text_of(answer)
    right = client.post("/progress", data={"number": given.number, "query_code": given.code})
    assert right.status_code == 429


def test_number_and_code_are_in_no_address_and_no_readable_cookie(client: FlaskClient, petitions: Petitions) -> None:
    given = petitions.submit()
    answer = client.post("/progress", data={"number": given.number, "query_code": given.code})
    assert given.code not in answer.headers["Location"]
    assert given.number not in answer.headers["Location"]
    assert given.code not in str(answer.headers.getlist("Set-Cookie"))
    assert client.get("/progress").headers["Cache-Control"] == "no-store"


def test_it_closes_after_half_an_hour_and_by_leaving(
    client: FlaskClient, petitions: Petitions, opened: Any, clock: FixedClock
) -> None:
    given = petitions.submit()
    opened(given)
    clock.advance(timedelta(minutes=29))
    assert BODY in text_of(client.get("/progress"))
    clock.advance(timedelta(minutes=31))
    assert BODY not in text_of(client.get("/progress"))
    late = act(client, given, "add", text="来晚了的补充内容")
    assert late.status_code == 403
    assert "来晚了的补充内容" in text_of(late)
    opened(given)
    client.post("/progress/leave")
    assert BODY not in text_of(client.get("/progress"))


def test_a_new_code_ends_what_was_open(
    client: FlaskClient, petitions: Petitions, opened: Any, clock: FixedClock
) -> None:
    given = petitions.submit()
    opened(given)
    with petitions.db.write() as session:
        codes.issue(session, clock.now(), session.get_one(Submission, given.id))
    assert BODY not in text_of(client.get("/progress"))


def test_received_until_it_is_accepted(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    page = text_of(opened(petitions.submit()).get("/progress"))
    assert "已收到" in page
    assert "受理" not in page.replace("已受理", "受理").split("办理经过")[0]


def test_another_submission_is_not_touched_from_a_page_left_open(
    client: FlaskClient, petitions: Petitions, opened: Any, city: Any
) -> None:
    mine, other = petitions.submit(), petitions.submit(title="别人的诉求", body="别人家的事情写在这里，与我无关。")
    opened(mine)
    answer = act(client, other, "add", text="不该写到别人那里")
    assert answer.status_code == 403
    assert not rows(city, Message)


def test_adding_words_and_a_file_once(client: FlaskClient, petitions: Petitions, opened: Any, city: Any) -> None:
    given = petitions.submit()
    opened(given)
    for _n in range(2):
        files = [(io.BytesIO(picture()), "夜里.jpg")]
        assert act(client, given, "add", text="昨晚又不亮了。", files=files).status_code == 303
    [message] = rows(city, Message)
    assert (message.kind, message.text, message.submission_id) == ("addition", "昨晚又不亮了。", given.id)
    [file] = rows(city, Attachment)
    page = client.get("/progress")
    assert "昨晚又不亮了。" in text_of(page)
    shown = client.get(f"/progress/files/{file.id}")
    assert shown.mimetype == "image/jpeg"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    client.post("/progress/leave")
    assert client.get(f"/progress/files/{file.id}").status_code == 404


@pytest.mark.parametrize("name", ["add", "answer", "urge"])
def test_danger_in_what_is_added_raises_the_alert_and_says_whom_to_call(
    client: FlaskClient, petitions: Petitions, opened: Any, city: Any, name: str
) -> None:
    given = petitions.submit()
    opened(given)
    assert act(client, given, name, text="现在楼里着火了，浓烟很大").status_code == 303
    [alert] = rows(city, Alert)
    assert (alert.kind, alert.case_id) == ("fire", given.case_id)
    assert "立即拨打 110" in text_of(client.get("/progress"))


def test_danger_in_what_can_not_be_kept_still_says_whom_to_call(
    client: FlaskClient, petitions: Petitions, opened: Any
) -> None:
    given = petitions.submit()
    opened(given)
    assert act(client, given, "object", text="现在楼里着火了，浓烟很大").status_code == 303
    assert "立即拨打 110" in text_of(client.get("/progress"))


def test_a_file_of_somebody_else_is_not_given(
    client: FlaskClient, petitions: Petitions, opened: Any, city: Any
) -> None:
    other, mine = petitions.submit(), petitions.submit()
    opened(other)
    act(client, other, "add", text="照片", files=[(io.BytesIO(picture()), "a.jpg")])
    [file] = rows(city, Attachment)
    opened(mine)
    assert client.get(f"/progress/files/{file.id}").status_code == 404


def test_nothing_to_add_is_said_beside_the_field(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    given = petitions.submit()
    answer = act(opened(given), given, "add", text=" ")
    assert answer.status_code == 400
    assert 'href="#add-text"' in answer.get_data(as_text=True)


def test_urging_and_answering_our_question(client: FlaskClient, petitions: Petitions, opened: Any, city: Any) -> None:
    given = petitions.submit()
    opened(given)
    assert act(client, given, "urge").status_code == 303
    petitions.classify(given)
    with petitions.db.write() as session:
        messages.ask_citizen(session, petitions.officer, petitions.clock.now(), given.case_id, "是哪一盏灯？")
    page = text_of(client.get("/progress"))
    assert "现在轮到您" in page
    assert "是哪一盏灯？" in page
    petitions.clock.advance(timedelta(minutes=1))
    assert act(client, given, "answer", text="校门口第三盏。").status_code == 303
    kinds = sorted(message.kind for message in rows(city, Message))
    assert kinds == ["answer", "question", "urge"]
    assert "现在轮到您" not in text_of(client.get("/progress"))


def test_an_answer_is_shown_and_the_report_is_not(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    given = petitions.submit()
    petitions.answer(given)
    petitions.clock.advance(timedelta(hours=7))
    page = text_of(opened(given).get("/progress"))
    assert "十四盏路灯已经全部修好。" in page
    assert "内部报告" not in page
    assert "等您确认" in page
    assert "checked" not in client.get("/progress").get_data(as_text=True)
    assert "复查" not in page
    assert "怎样提出信访" in page


def test_rating_closes_and_is_kept_once(client: FlaskClient, petitions: Petitions, opened: Any, city: Any) -> None:
    given = petitions.submit()
    petitions.answer(given)
    opened(given)
    faulty = act(client, given, "rate")
    assert faulty.status_code == 400
    assert not rows(city, Rating)
    assert act(client, given, "rate", resolved="yes", contacted="no", score="4", comment="很快").status_code == 303
    act(client, given, "rate", resolved="no", score="1", comment="改主意")
    [rating] = rows(city, Rating)
    assert (rating.resolved, rating.contacted, rating.satisfaction, rating.comment) == (True, False, 4, "很快")
    assert rows(city, Case)[0].stage == "closed"
    assert "您的评价" in text_of(client.get("/progress"))


def test_a_danger_in_a_comment_raises_the_alert_and_says_whom_to_call(
    client: FlaskClient, petitions: Petitions, opened: Any, city: Any
) -> None:
    given = petitions.submit()
    petitions.answer(given)
    act(opened(given), given, "rate", resolved="yes", score="4", comment="路灯修好了，可是现在楼道里漏燃气了")
    assert [row.kind for row in rows(city, Alert)] == ["gas"]
    case = rows(city, Case)[0]
    assert (case.stage, case.danger, case.priority) == ("closed", "gas", 0)
    assert danger_advice("gas") in text_of(client.get("/progress"))


def test_what_was_not_said_stays_unknown(client: FlaskClient, petitions: Petitions, opened: Any, city: Any) -> None:
    given = petitions.submit()
    petitions.answer(given)
    act(opened(given), given, "rate", resolved="yes", score="3")
    assert rows(city, Rating)[0].contacted is None


def test_unresolved_needs_words_and_stays_open(
    client: FlaskClient, petitions: Petitions, opened: Any, city: Any
) -> None:
    given = petitions.submit()
    petitions.answer(given)
    opened(given)
    empty = act(client, given, "rate", resolved="no", score="2")
    assert empty.status_code == 400
    assert "请写明还差什么" in text_of(empty)
    assert re.search(r'value="2" checked', empty.get_data(as_text=True))
    assert act(client, given, "rate", resolved="no", score="2", comment="还有两盏不亮").status_code == 303
    assert rows(city, Case)[0].stage == "asking"


def test_withdrawing_asks_once_more(client: FlaskClient, petitions: Petitions, opened: Any, city: Any) -> None:
    given = petitions.submit()
    opened(given)
    assert act(client, given, "withdraw").status_code == 400
    assert act(client, given, "withdraw", sure="1", reason="solved").status_code == 303
    assert rows(city, Submission)[0].withdrawn_at is not None
    page = client.get("/progress")
    assert "已撤回" in text_of(page)
    assert 'action="/progress/add"' not in page.get_data(as_text=True)


def test_review_is_offered_on_the_petition_track_only_after_an_answer(
    client: FlaskClient, petitions: Petitions, opened: Any
) -> None:
    given = petitions.submit(track="petition")
    assert "复查" not in text_of(opened(given).get("/progress"))
    petitions.answer(given)
    page = text_of(client.get("/progress"))
    assert "12 月 24 日" in page
    assert "复查" in page


def test_every_link_of_the_page_works(
    client: FlaskClient, petitions: Petitions, opened: Any, search: SearchService
) -> None:
    search.ensure()
    given = petitions.submit()
    petitions.answer(given)
    page = opened(given).get("/progress").get_data(as_text=True)
    links = {link for link in re.findall(r'href="(/[^"#]*)', page) if not link.startswith("/static")}
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    ids = re.findall(r' id="([^"]+)"', page)
    assert anchors <= set(ids)
    assert len(ids) == len(set(ids))
    for link in links:
        assert client.get(link.replace("&amp;", "&"), follow_redirects=True).status_code == 200, link


def test_a_form_token_is_asked_for(app: flask.Flask, petitions: Petitions) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    given = petitions.submit()
    browser = app.test_client()
    assert browser.post("/progress", data={"number": given.number, "query_code": given.code}).status_code == 400
    page = browser.get("/progress")
    data = {"number": given.number, "query_code": given.code, "csrf_token": field(page, "csrf_token")[0]}
    assert browser.post("/progress", data=data).status_code == 303


def test_a_merged_neighbours_words_are_not_shown(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    mine, other = petitions.submit(), petitions.submit(title="邻居也说路灯", body="邻居写的这段话不该给别人看到。")
    petitions.classify(mine)
    petitions.classify(other)
    opened(other)
    act(client, other, "add", text="邻居补充的话")
    with petitions.db.write() as session:
        merging.merge(session, petitions.officer, petitions.clock.now(), other.case_id, mine.case_id)
    page = text_of(opened(mine).get("/progress"))
    assert BODY in page
    assert "邻居" not in page
    assert "邻居写的这段话" in text_of(opened(other).get("/progress"))


def test_a_refusal_says_why_and_the_way_on(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    given = petitions.submit()
    petitions.classify(given)
    at = petitions.clock.now()
    with petitions.db.write() as session:
        dispatch.guide(
            session, petitions.officer, at, given.case_id, ground="hotline-litigation", text="请向法院起诉。"
        )
    page = client.get("/progress") if opened(given) else None
    assert page is not None
    assert "请向法院起诉。" in text_of(page)
    assert "告知其他途径" in text_of(page)
    assert 'action="/progress/add"' not in page.get_data(as_text=True)


def answered_directly(petitions: Petitions) -> Given:
    given = petitions.submit()
    petitions.classify(given)
    with petitions.db.write() as session:
        dispatch.direct_answer(
            session, petitions.officer, petitions.clock.now(), given.case_id, "明天上午九点恢复正常供水。"
        )
    return given


def test_a_direct_answer_needs_no_department(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    given = answered_directly(petitions)
    page = text_of(opened(given).get("/progress"))
    assert "明天上午九点恢复正常供水。" in page
    assert "签收" not in page
    assert "您的评价" not in page
    assert 'action="/progress/rate"' in client.get("/progress").get_data(as_text=True)


def test_accepted_and_late_are_said(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    given = petitions.submit()
    petitions.classify(given)
    at = petitions.clock.now()
    with petitions.db.write() as session:
        dispatch.accept(session, petitions.officer, at, given.case_id)
        lead = dispatch.assign(session, petitions.officer, at, given.case_id, petitions.city.organisation("TC-CGJ"))
    with petitions.db.write() as session:
        handling.sign(session, petitions.handler, at, lead.id)
    page = text_of(opened(given).get("/progress"))
    assert "已受理" in page
    assert "棠川市城市管理局正在办理" in page
    petitions.clock.advance(timedelta(days=30))
    late = text_of(opened(given).get("/progress"))
    assert "已超期" in late
    assert "您可以催办" in late


def test_an_accusation_shows_its_citizen_no_more_than_that_it_was_received(
    client: FlaskClient, petitions: Petitions, opened: Any
) -> None:
    given = petitions.submit()
    petitions.classify(given, accusation=True)
    page = text_of(opened(given).get("/progress"))
    assert "已收到" in page
    assert "检举" not in page


@pytest.mark.parametrize("stage", ["review", "assigned", "fed_back"])
def test_of_an_accusation_every_word_says_that_appointed_persons_alone_read_it(
    client: FlaskClient, petitions: Petitions, opened: Any, stage: str
) -> None:
    given = petitions.submit()
    petitions.classify(given)
    with petitions.db.write() as session:
        dispatch.assign(
            session, petitions.officer, petitions.clock.now(), given.case_id, petitions.city.organisation("TC-CGJ")
        )
    with petitions.db.write() as session:
        case = session.get_one(Case, given.case_id)
        case.accusation, case.stage = "possible", stage
    citizen = opened(given)
    page = text_of(citizen.get("/progress"))
    assert "只有指定人员能看到" in page
    told = [text_of(act(citizen, given, "add", text="他叫王大伟")), text_of(citizen.get("/progress"))]
    told += [text_of(act(citizen, given, "urge")), text_of(citizen.get("/progress"))]
    assert "已补充，只有指定人员能看到" in told[1] and "已催办，只有指定人员能看到" in told[3]
    for text in (page, told[1], told[3]):
        assert not re.search(
            "部门|城市管理局|城管|承办|分派|签收|办理人员", re.sub(r"您的原文.*", "", text, flags=re.DOTALL)
        ), text


def test_every_id_on_the_forms_pages_is_unique(client: FlaskClient) -> None:
    for path in ("/", "/submit", "/submit/draft", "/progress", "/guide", "/figures"):
        ids = re.findall(r' id="([^"]+)"', client.get(path).get_data(as_text=True))
        assert len(ids) == len(set(ids)), path


def test_danger_nobody_has_seen_promises_no_ordinary_day(
    client: FlaskClient, petitions: Petitions, opened: Any, city: Any
) -> None:
    given = petitions.submit(danger="gas")
    page = text_of(opened(given).get("/progress"))
    assert "立即拨打 110" in page
    assert "值班人员马上处置险情" in page
    assert "险情已提醒值班人员" in page
    assert not re.search(r"最迟|工作日", page)
    with petitions.db.write() as session:
        alerts.acknowledge(session, petitions.officer, petitions.clock.now(), rows(city, Alert)[0].id)
    seen = text_of(client.get("/progress"))
    assert "值班人员已看到险情提醒" in seen
    assert "最迟" in seen
    assert "立即拨打 110" not in seen


@pytest.mark.parametrize("how", ["rate", "object"])
def test_what_is_not_resolved_says_what_follows_and_by_when(
    client: FlaskClient, petitions: Petitions, opened: Any, how: str
) -> None:
    given = petitions.submit()
    petitions.answer(given)
    petitions.clock.advance(timedelta(hours=7))
    opened(given)
    if how == "rate":
        act(client, given, "rate", resolved="no", score="2", comment="还有两盏不亮")
    else:
        act(client, given, "object", text="还有两盏不亮")
    page = text_of(client.get("/progress"))
    assert "您说还没有解决。工作人员正在核对，最迟 11 月 25 日" in page
    assert "决定重新办理还是办结" in page
    assert "现在轮到您" not in page
    assert "请您确认" not in page.split("办理经过")[0]
    assert how == "object" or "报编号，要求重办" not in page


def test_a_direct_answer_is_closed_and_asks_for_no_confirmation(
    client: FlaskClient, petitions: Petitions, opened: Any
) -> None:
    given = answered_directly(petitions)
    page = text_of(opened(given).get("/progress"))
    assert "已经办结。您还可以评价这次办理。" in page
    assert "确认" not in page
    assert "报编号，要求重办" in page
    said = text_of(act(client, given, "rate", resolved="no", score="1", comment="没有恢复") and client.get("/progress"))
    assert "这件事已经办结，要求重新办理请拨打 12345 报编号" in said


def test_the_petition_track_speaks_of_review_and_never_of_doing_it_again(
    client: FlaskClient, petitions: Petitions, opened: Any
) -> None:
    given = petitions.submit(track="petition")
    petitions.answer(given)
    asked = text_of(opened(given).get("/progress"))
    act(client, given, "rate", resolved="no", score="2", comment="还有两盏不亮")
    for page in (asked, text_of(client.get("/progress"))):
        assert "复查" in page
        assert not re.search("重办|重新办理", page)
    form = text_of(client.get("/submit?track=petition"))
    assert "申请复查" in form
    assert "重办" not in form
