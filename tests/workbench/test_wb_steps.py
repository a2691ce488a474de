"""Steps from the pages: what is stored after each, who is refused, two people at once, nothing typed lost."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cases.models import Answer, AssignmentRequest, Attachment, Case, Event, HandlingNote, UnitEvaluation
from organisations.people import Actor
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]


def do(client: FlaskClient, wb: Desk, case_id: int, operation: str, **form: object):  # type: ignore[no-untyped-def]
    """Send a step's form as it was opened now."""
    data = {**wb.seen(case_id), **{name: value for name, value in form.items() if value is not None}}
    return client.post(f"/work/cases/{case_id}/do/{operation}", data=data)


def test_sign_and_claim(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.sent()
    who = sign_in(client, "huo.yan")
    assert do(client, wb, case_id, "sign", assignment=wb.assignment(case_id).id).status_code == 302
    assert wb.assignment(case_id).state == "doing"
    do(client, wb, case_id, "claim", assignment=wb.assignment(case_id).id)
    assert wb.assignment(case_id).claimed_by_id == who.account_id


def test_feed_back_with_evidence(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    answer = do(client, wb, case_id, "feed_back", assignment=wb.assignment(case_id).id, report="已责令工地夜间停工整改",
                answer="工地已停工，感谢您的反映。", files=(io.BytesIO("现场记录".encode()), "记录.txt"))  # fmt: skip
    assert answer.status_code == 302, answer.text
    with wb.db.read() as session:
        texts = {row.kind: row.text for row in session.scalars(select(Answer).where(Answer.case_id == case_id))}
        [file] = session.scalars(select(Attachment).where(Attachment.case_id == case_id))
    assert texts == {"report": "已责令工地夜间停工整改", "citizen": "工地已停工，感谢您的反映。"}
    assert file.name == "记录.txt" and file.answer_id is not None
    assert wb.assignment(case_id).state == "fed_back"


def test_a_bad_file_loses_nothing_typed(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    answer = do(client, wb, case_id, "feed_back", assignment=wb.assignment(case_id).id, report="写了很久的办理情况说明",
                files=(io.BytesIO(b"MZ" + b"0" * 200), "run.exe"))  # fmt: skip
    assert answer.status_code == 400 and "写了很久的办理情况说明" in answer.text
    assert wb.assignment(case_id).state == "doing"


def test_lead_states_the_opinion_of_each_co_handler(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    lead, co = wb.city.organisation("TC-CGJ"), wb.city.organisation("TC-STJ")
    do(client, wb, case_id, "assign", lead=lead, co=co, instruction="请夜间到现场")
    with wb.db.read() as session:
        from cases.models import Assignment

        rows = {row.role: row for row in session.scalars(select(Assignment).where(Assignment.case_id == case_id))}
    assert rows["lead"].instruction == "请夜间到现场" and rows["co"].organisation_id == co
    sign_in(client, "huo.yan")
    do(client, wb, case_id, "sign", assignment=rows["lead"].id)
    page = client.get(f"/work/cases/{case_id}?do=feed_back&a={rows['lead'].id}").text
    assert f'name="opinion-{rows["co"].id}"' in page
    refused = do(client, wb, case_id, "feed_back", assignment=rows["lead"].id, report="已按要求办理并到现场看过")
    assert (
        refused.status_code == 400 and "协办单位的意见" in refused.text and "已按要求办理并到现场看过" in refused.text
    )
    done = do(client, wb, case_id, "feed_back", assignment=rows["lead"].id, report="已按要求办理并到现场看过",
              **{f"opinion-{rows['co'].id}": "噪声已监测，超标"})  # fmt: skip
    assert done.status_code == 302


def test_requests_are_asked_and_decided(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    do(client, wb, case_id, "ask_extension", assignment=wb.assignment(case_id).id, days="3", reason="要等检测报告")
    before = wb.assignment(case_id).due_at
    with wb.db.read() as session:
        [row] = session.scalars(select(AssignmentRequest).where(AssignmentRequest.case_id == case_id))
    assert (row.kind, row.days, row.state) == ("extension", 3, "asked")
    sign_in(client, "pei.zhengyu")
    assert "要等检测报告" in client.get("/work/requests").text
    client.post(f"/work/requests/{row.id}", data={**wb.seen(case_id), "do": "grant"})
    assert before and wb.assignment(case_id).due_at > before  # type: ignore[operator]
    assert "要等检测报告" not in client.get("/work/requests").text


def test_suspend_and_resume(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    do(client, wb, case_id, "ask_suspension", assignment=wb.assignment(case_id).id, reason_code="等待群众补充材料")
    with wb.db.read() as session:
        [row] = session.scalars(select(AssignmentRequest).where(AssignmentRequest.case_id == case_id))
    sign_in(client, "pei.zhengyu")
    client.post(f"/work/requests/{row.id}", data={**wb.seen(case_id), "do": "grant"})
    assert wb.assignment(case_id).state == "held" and wb.case(case_id).status == "held"
    sign_in(client, "huo.yan")
    assert "恢复办理" in client.get(f"/work/cases/{case_id}").text
    do(client, wb, case_id, "resume", assignment=wb.assignment(case_id).id)
    assert wb.assignment(case_id).state == "doing"


def test_note_first_contact_and_return(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    row = wb.assignment(case_id).id
    do(client, wb, case_id, "note", assignment=row, text="到现场看过")
    do(client, wb, case_id, "first_contact", assignment=row, text="已电话联系")
    with wb.db.read() as session:
        notes = {one.kind: one.text for one in session.scalars(select(HandlingNote))}
    assert notes == {"note": "到现场看过", "contact": "已电话联系"}
    assert "到现场看过" in client.get(f"/work/cases/{case_id}").text
    refused = do(client, wb, case_id, "return", assignment=row)
    assert refused.status_code == 400 and "请选择或填写理由" in refused.text
    do(client, wb, case_id, "return", assignment=row, reason_code="不属于本单位职责",
       suggested=wb.city.organisation("TC-ZJJ"))  # fmt: skip
    assert wb.case(case_id).stage == "review"


def test_confirm_serves_the_answer_and_close(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.fed_back()
    sign_in(client, "pei.zhengyu")
    row = wb.assignment(case_id).id
    page = client.get(f"/work/cases/{case_id}?do=confirm&a={row}").text
    assert "工地已停止夜间施工，感谢您的反映。" in page
    do(client, wb, case_id, "confirm", assignment=row, answer="工地已经停工，欢迎继续监督。")
    assert wb.case(case_id).stage == "asking" and wb.submission(case_id).served_at == wb.clock.now()
    do(client, wb, case_id, "evaluate", assignment=row, quality="4")
    with wb.db.read() as session:
        assert session.scalars(select(UnitEvaluation.quality)).one() == 4


def test_send_back(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.fed_back()
    sign_in(client, "pei.zhengyu")
    do(client, wb, case_id, "send_back", assignment=wb.assignment(case_id).id, reason="没有说清处理结果")
    assert wb.assignment(case_id).state == "doing"
    assert "没有说清处理结果" in client.get(f"/work/cases/{case_id}").text


@pytest.mark.parametrize(
    ("operation", "form", "outcome"),
    [("direct_answer", {"answer": "夜间施工许可到 22 时为止"}, "direct"), ("refuse", {"ground": "?"}, "refused"),
     ("guide", {"ground": "?"}, "guided")],
)  # fmt: skip
def test_ending_from_the_queue(
    wb: Desk, client: FlaskClient, sign_in: SignIn, operation: str, form: dict[str, str], outcome: str
) -> None:
    from workbench.queries.choices import grounds

    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    if form.get("ground") == "?":
        with wb.db.read() as session:
            form = {"ground": grounds(session, "hotline", operation)[0][0]}
    do(client, wb, case_id, operation, **form)
    assert (wb.case(case_id).stage, wb.case(case_id).outcome) == ("closed", outcome)


def test_reopen(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.answered()
    sign_in(client, "pei.zhengyu")
    do(client, wb, case_id, "reopen", reason="群众反映又开始施工")
    assert (wb.case(case_id).round, wb.case(case_id).stage) == (2, "review")


def test_the_second_is_told_what_changed_and_loses_nothing(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    opened, row = wb.seen(case_id), wb.assignment(case_id).id
    do(client, wb, case_id, "note", assignment=row, text="同事先记了一笔")
    late = client.post(f"/work/cases/{case_id}/do/feed_back",
                       data={**opened, "assignment": row, "report": "我写了半小时的反馈"})  # fmt: skip
    assert late.status_code == 409
    assert "我写了半小时的反馈" in late.text and "同事先记了一笔" in late.text and "记录办理情况" in late.text
    assert wb.assignment(case_id).state == "doing"
    assert f'name="version" value="{wb.case(case_id).version}"' in late.text


@pytest.mark.parametrize("operation", ["sign", "feed_back", "confirm", "assign", "refuse", "press", "nonsense"])
def test_another_offices_case_does_not_exist(wb: Desk, client: FlaskClient, sign_in: SignIn, operation: str) -> None:
    case_id = wb.in_hand()
    sign_in(client, "an.shuwen")
    before = wb.case(case_id).seq
    assert client.get(f"/work/cases/{case_id}").status_code == 404
    assert do(client, wb, case_id, operation, report="x", text="x").status_code == 404
    assert client.get("/work/cases/12345").status_code == 404
    assert wb.case(case_id).seq == before


def test_a_handler_may_not_do_the_assigners_part(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.fed_back()
    sign_in(client, "huo.yan")
    assert "认定并答复群众" not in client.get(f"/work/cases/{case_id}").text
    assert do(client, wb, case_id, "confirm", assignment=wb.assignment(case_id).id, answer="x").status_code == 403
    assert wb.case(case_id).stage == "fed_back"


def test_an_assignment_of_another_case_is_not_taken(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    mine = wb.sent()
    other = wb.sent(title="二环路井盖松动", body="二环路口井盖松动，车过就响，夜里吵人。")
    sign_in(client, "huo.yan")
    assert do(client, wb, mine, "sign", assignment=wb.assignment(other).id).status_code == 404
    assert wb.assignment(other).state == "to_sign"


def test_supervisor_presses(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    wb.later(days=20)
    sign_in(client, "dou.jianping")
    assert (
        "没有申请延期" in client.get("/work/late").text
        or "没有记录联系群众" in client.get("/work/late").text
        or "没有人认领" in client.get("/work/late").text
    )
    client.post(f"/work/late/{case_id}/press", data={"text": "今天给群众一个准信"})
    with wb.db.read() as session:
        assert session.scalars(select(Event).where(Event.kind == "pressed")).one().case_id == case_id
    sign_in(client, "huo.yan")
    assert "今天给群众一个准信" in client.get(f"/work/cases/{case_id}").text


def test_publishing_by_a_second_person(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    from cases.models import PublishedReply

    case_id = wb.answered()
    sign_in(client, "zhuang.xiaoli")
    do(client, wb, case_id, "propose", title="夜间施工", question="工地夜里施工，电话 13812345678", reply="已停工")
    with wb.db.read() as session:
        row = session.scalars(select(PublishedReply)).one()
    assert row.masked_count == 1 and "13812345678" not in row.question
    mine = client.post(f"/work/replies/{row.id}", data={"do": "release", "version": row.version})
    assert mine.status_code == 403
    sign_in(client, "shangguan.min")
    shown = client.get(f"/work/replies/{row.id}").text
    assert "13812345678" in shown  # the words that were masked, for who releases
    client.post(f"/work/replies/{row.id}", data={"do": "release", "version": row.version})
    with wb.db.read() as session:
        assert session.get_one(PublishedReply, row.id).state == "released"
    client.post(f"/work/replies/{row.id}", data={"do": "withdraw", "reason": "有误"})
    with wb.db.read() as session:
        assert session.get_one(PublishedReply, row.id).state == "withdrawn"


def test_words_too_few_are_said_beside_the_field_with_what_was_typed(
    wb: Desk, client: FlaskClient, sign_in: SignIn
) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    answer = do(client, wb, case_id, "feed_back", assignment=wb.assignment(case_id).id, report="办妥了",
                answer="停了，谢")  # fmt: skip
    assert answer.status_code == 400
    assert "写得太短（3 个字）" in answer.text
    assert ">办妥了</textarea>" in answer.text.replace("\n", "") and "停了，谢" in answer.text
    assert wb.assignment(case_id).state == "doing"


def test_a_merged_case_offers_no_new_round_and_no_public_answer(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    away, kept = wb.sent(), wb.sent(body="另一件工地噪声的事，夜里打桩")
    sign_in(client, "pei.zhengyu")
    with wb.db.read() as session:
        number = session.get_one(Case, kept).number
    do(client, wb, away, "merge", into=number)
    assert wb.case(away).merged_into_id == kept
    page = client.get(f"/work/cases/{away}").get_data(as_text=True)
    assert "提出公开答复" not in page
    assert "重办" not in page
    answer = do(client, wb, away, "propose", title="标题", question="问题写了很久", reply="答复写了很久")
    assert answer.status_code == 409
    assert "请在那件事项上提出公开答复" in answer.get_data(as_text=True)
    assert "答复写了很久" in answer.get_data(as_text=True)


def test_a_category_that_there_is_not_is_refused(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    before = (wb.case(case_id).level1, wb.case(case_id).level2)
    sign_in(client, "pei.zhengyu")
    answer = do(client, wb, case_id, "correct", category="不存在|x|y", nature="投诉")
    assert answer.status_code == 400
    assert "没有这个内容分类，请重新选择。" in answer.get_data(as_text=True)
    assert (wb.case(case_id).level1, wb.case(case_id).level2) == before
